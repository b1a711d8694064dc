package bundler_test

import (
	"context"
	"flag"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/bundler"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the snapshots")

func archives(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives in %s: %v", folder, err)
	}
	return files
}

func TestBundlesDoWhatTheirProgramsDo(t *testing.T) {
	for _, file := range archives(t, "run") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			checkHazard(t, extract(t, file))
		})
	}
}

// checkHazard bundles the program of an archive, builds and runs program and bundle,
// and compares what they print.
func checkHazard(t *testing.T, h hazard) {
	t.Helper()
	res := mustBundle(t, h.options())
	text := string(res.Source)
	defer func() {
		if t.Failed() {
			t.Logf("the bundle:\n%s", text)
		}
	}()
	if clean, err := format.Source(res.Source); err != nil || string(clean) != text {
		t.Errorf("not gofmt-clean (%v)", err)
	}
	for _, s := range h.require {
		if !strings.Contains(text, s) {
			t.Errorf("the bundle lacks %q", s)
		}
	}
	for _, s := range h.avoid {
		if strings.Contains(text, s) {
			t.Errorf("the bundle has %q", s)
		}
	}
	warnings := ""
	for _, w := range res.Warnings {
		warnings += w.String() + "\n"
	}
	if h.quiet && warnings != "" {
		t.Errorf("there are warnings:\n%s", warnings)
	}
	for _, s := range h.warn {
		if !strings.Contains(warnings, s) {
			t.Errorf("no warning says %q:\n%s", s, warnings)
		}
	}
	if h.warnOnly && os.Getenv("DEPLOY_KERNEL_LONG") != "1" {
		return
	}
	pkg := h.pkg
	if pkg == "" {
		pkg = "."
	}
	program := filepath.Join(t.TempDir(), "program")
	goBuild(t, h.dir, h.env, "-tags="+strings.Join(h.tags, ","), "-o", program, pkg)
	want, got := output(t, h.dir, program), output(t, h.dir, buildAlone(t, res.Source, h.env))
	if same := want == got; same == h.differs {
		t.Errorf("program and bundle: equal output is %v\n%s", same, cmp.Diff(want, got))
	}
}

func TestMinifiedBundlesDoTheSame(t *testing.T) {
	long(t)
	for _, file := range archives(t, "run") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			h := extract(t, file)
			h.minify, h.require, h.avoid = true, nil, nil
			checkHazard(t, h)
		})
	}
}

func TestWhatOneFileCanNotHoldIsRefused(t *testing.T) {
	for _, file := range archives(t, "fail") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			h := extract(t, file)
			_, err := bundler.Bundle(context.Background(), h.options())
			if err == nil {
				t.Fatal("it was bundled")
			}
			if !regexp.MustCompile(h.err).MatchString(message(err)) {
				t.Errorf("the error is\n%s\nwant a match of\n%s", message(err), h.err)
			}
			if strings.Contains(err.Error(), "internal error") {
				t.Errorf("an internal error: %v", err)
			}
		})
	}
}

func TestSnapshots(t *testing.T) {
	made := map[string]bool{}
	for _, file := range archives(t, "snapshot") {
		golden := strings.TrimSuffix(file, ".txtar") + ".golden"
		made[golden] = true
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			res := mustBundle(t, extract(t, file).options())
			if *update {
				if err := os.WriteFile(golden, res.Source, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v (make it with -update)", err)
			}
			if diff := cmp.Diff(string(want), string(res.Source)); diff != "" {
				t.Errorf("the bundle isn't as in %s (- want, + got):\n%s", golden, diff)
			}
		})
	}
	goldens, _ := filepath.Glob("testdata/snapshot/*.golden")
	for _, g := range goldens {
		if !made[g] {
			t.Errorf("%s belongs to no archive", g)
		}
	}
}
