package docstest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/docstest"
)

func TestShownOutputsMatch(t *testing.T) {
	for _, tt := range []struct {
		name, shown, got string
		vary, want       bool
	}{
		{"equal", "a\nb\n", "a\nb\n", false, true},
		{"spaces at the end", "a\n", "a  \n\n", false, true},
		{"another line", "a\n", "a\nb\n", false, false},
		{"nothing", "", "a\n", false, false},
		{"an ellipsis in a line", "took … s\n", "took 1.5 s\n", false, true},
		{"an ellipsis stays in its line", "took …\n", "took\n1.5 s\n", false, false},
		{"a line of an ellipsis", "a\n…\nz\n", "a\nb\nc\nz\n", false, true},
		{"a line of an ellipsis for none", "a\n…\nz\n", "a\nz\n", false, true},
		{"numbers are exact", "F2 0.81\n", "F2 0.82\n", false, false},
		{"figures vary", "F2 0.8100 of 1,024 rows\n", "F2 0.7 of 9 rows\n", true, true},
		{"words do not vary", "F2 0.8100 of 12 rows\n", "F2 0.7 of 9 columns\n", true, false},
		{"stages of a long job", "a\n", "tool: type-checking 3 packages ...\ntool: type-checking 3 packages ... (12s)\na\n", false, true},
		{"durations vary in their units", "time 6.5s of 9h0m0s\n", "time 800ms of 45m0s\n", true, true},
		{"a duration is no number", "took 6.5s\n", "took 6.5\n", true, false},
		{"sizes vary in their units", "wrote 1.3 kB\n", "wrote 950 bytes\n", true, true},
		{"figures vary in columns", "a    1.5\n", "a  10.25\n", true, true},
	} {
		if got := docstest.Match(tt.shown, tt.got, tt.vary); got != tt.want {
			t.Errorf("%s: Match is %v", tt.name, got)
		}
	}
}

func TestDocumentsThatCannotBeExecutedAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"    make test\n":                          "d.md:1: a command in an indented block",
		"```\n$ train folds --config a.yml\n```\n": "d.md:2: a command in a block without a language",
		"<!-- docs-test: skipp: a -->\n":           "d.md:1: unknown directive",
		"<!-- docs-test: skip: -->\n":              "d.md:1: unknown directive",
		"<!-- docs-test: status 1 -->\n\ntext\n":   "d.md:2: a directive without a block",
	} {
		if _, err := docstest.Parse("d.md", text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func TestBlocksRunInOneShell(t *testing.T) {
	const text = `# Title

<!-- docs-test: run
mkdir sub
-->

` + "```sh\ncd sub\nx=1\n```\n\n```console\n$ echo $x; basename $PWD\n1\nsub\n```\n\n" +
		"<!-- docs-test: skip: needs a moon -->\n\n```sh\nfalse\n```\n\n" +
		"<!-- docs-test: status 3 -->\n\n```console\n$ echo a\nb\n$ exit 3\n```\n\n```sh\nfalse\n```\n\n```sh\necho never\n```\n"
	d, err := docstest.Parse("d.md", text)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	res, err := docstest.Run(context.Background(), d, docstest.World{Dir: dir, Bin: dir, Root: "../.."}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Failures) != 2 || !strings.HasPrefix(res.Failures[0], "d.md:27: the output of `echo a` differs") || !strings.HasPrefix(res.Failures[1], "d.md:33: exit status 1, want 0: false") {
		t.Errorf("failures: %q", res.Failures)
	}
	if len(res.Skipped) != 1 || res.Skipped[0] != "d.md:21: needs a moon" {
		t.Errorf("skipped: %q", res.Skipped)
	}
	if res.Ran != 6 || !strings.HasSuffix(res.Cwd, "/sub") {
		t.Errorf("ran %d commands, ended in %s", res.Ran, res.Cwd)
	}
}
