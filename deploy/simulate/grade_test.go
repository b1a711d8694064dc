package simulate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// sample reads a sample submission.
func sample(t *testing.T, text string, rules input.SampleRules) *input.Sample {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample_submission.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := input.ReadSample(path, rules)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSubmissionsAreGradedStrictly(t *testing.T) {
	rules := input.SampleRules{Classes: 10}
	sample := sample(t, "id,tags\na,0 1\nb,0 1\nb,0 1\n007,0 1\n", rules)
	const right = "id,tags\na,3 0\nb,\nb,9\n007,1\n"
	if g := grade("s.csv", []byte(right), sample, rules); len(g.problems) > 0 || g.rows != 4 || g.given != 3 {
		t.Errorf("%+v", g)
	}
	for _, c := range []struct{ from, to, want string }{
		{"id,tags", "Id,tags", `the header "Id,tags", the sample has "id,tags"`},
		{"id,tags\n", "", `the header "a,3 0"`},
		{"a,3 0\n", "", "s.csv has 3 rows, the sample has 4"},
		{"a,3 0\n", "", `s.csv lacks 1 ids of the sample and has 0 others, such as "a"`},
		{"a,3 0\nb,", "b,\na,3 0", `another order: row 1 is "b", not "a"`},
		{"007", "7", `lacks 1 ids of the sample and has 1 others, such as "007"`},
		{"b,9\n", "", `lacks 1 ids`},
		{"b,9\n", "b,9\nb,9\n", `has 1 others, such as "b"`},
		{"3 0", "3 10", `s.csv:2: "10" is no class number from 0 to 9`},
		{"3 0", "3 -1", `s.csv:2: "-1" is no class number`},
		{"3 0", "3 3", `s.csv:2: class "3" is given twice`},
		{"3 0", "3  0", `s.csv:2: "3  0" has more than one " " between two classes`},
		{"3 0", "3 0 ", `has more than one " " between two classes`},
		{"b,\n", "b, \n", `s.csv:3: " " has more than one`},
		{"3 0", "0.5", `s.csv:2: "0.5" is no class number`},
		{"3 0", "nan", `s.csv:2: "nan" is no class`},
		{"3 0", "03", `s.csv:2: "03" is no class`},
		{"3 0", "3,0", "s.csv:2: the row has 3 fields, not 2"},
		{"b,9", "b", "s.csv:4: the row has 1 fields, not 2"},
		{"\n", "\r\n", `carriage returns`},
		{"id,", "\xef\xbb\xbfid,", "byte order mark"},
		{"a,", "\xff,", "s.csv is not UTF-8"},
		{"a,", "a\x00,", "NUL"},
		{"007,1\n", "007,1", "ends within a line"},
		{"a,3", "\"a\"b,3", "s.csv: parse error on line 2"},
		{right, "", "s.csv has no header"},
	} {
		g := grade("s.csv", []byte(strings.ReplaceAll(right, c.from, c.to)), sample, rules)
		if all := strings.Join(g.problems, "\n"); !strings.Contains(all, c.want) {
			t.Errorf("%q for %q: %s", c.to, c.from, all)
		}
	}
	g := grade("s.csv", []byte("id,tags\n"+strings.Repeat("a,x\n", 100)), sample, rules)
	if !slices.Contains(g.problems, "s.csv: 97 more rows are wrong in the same way (class)") {
		t.Errorf("%q", g.problems)
	}
}

func TestEveryFormIsGraded(t *testing.T) {
	for _, c := range []struct {
		name, sample, right, from, to, want string
		rules                               input.SampleRules
	}{
		{"a probability", "id,target\na,0.5\n", "id,target\na,0.00001\n", "0.00001", "1.5", `"1.5" is no probability`, input.SampleRules{Classes: 1}},
		{"an exponent", "id,target\na,0.5\n", "id,target\na,1\n", "a,1", "a,1e-05", `"1e-05" is no number`, input.SampleRules{Classes: 1}},
		{"an empty field", "id,target\na,0.5\n", "id,target\na,1\n", "a,1", "a,", `"" is no number`, input.SampleRules{Classes: 1}},
		{"a number", "id,size\na,40.5\n", "id,size\na,-12.25\n", "-12.25", "NaN", `"NaN" is no number`, input.SampleRules{Task: task.Regression, Classes: 1}},
		{"a label", "id,label\na,ant\n", "id,label\na,bee\n", "bee", "wasp", `"wasp" is no class`, input.SampleRules{Task: task.Multiclass, Classes: 2, Names: []string{"ant", "bee"}}},
		{"two labels", "id,label\na,0\n", "id,label\na,1\n", "a,1", "a,0 1", `"0 1" is no class`, input.SampleRules{Task: task.Multiclass, Classes: 2}},
		{"no label", "id,label\na,0\n", "id,label\na,1\n", "a,1", "a,", `"" has 0 classes, not 1`, input.SampleRules{Task: task.Multiclass, Classes: 2}},
		{"three labels", "id,label\na,0 1 2\n", "id,label\na,1 3 0\n", " 0", "", `"1 3" has 2 classes, not 3`, input.SampleRules{Task: task.Multiclass, Classes: 4}},
		{"columns", "id,x0,x1\na,0,0\n", "id,x0,x1\na,0.5,1\n", "a,0.5,1", "a,0.5,x", `"x" is no number`, input.SampleRules{Classes: 2}},
		{"a copied column", "id,cat,other,dog\na,0,0.25,0\n", "id,cat,other,dog\na,0.5,0.25,0\n", "0.25", "0.5", `the column "other" has "0.5", the sample has "0.25"`, input.SampleRules{Classes: 2, Names: []string{"dog", "cat"}}},
		{"indicators", "id,x0,x1\na,True,False\n", "id,x0,x1\na,False,True\n", "False", "0", `"0" is neither False nor True`, input.SampleRules{Classes: 2}},
		{"rows", "id,p\na_0,0.1\na_1,0.1\nb_0,0.1\nb_1,0.1\n", "id,p\na_0,0.1\na_1,0.2\nb_0,0.3\nb_1,0.4\n", "b_0", "b_2", `such as "b_0"`, input.SampleRules{Classes: 2}},
	} {
		s := sample(t, c.sample, c.rules)
		if g := grade("s.csv", []byte(c.right), s, c.rules); len(g.problems) > 0 || g.given != g.rows || g.rows != len(s.Rows) {
			t.Errorf("%s: %+v", c.name, g)
		}
		g := grade("s.csv", []byte(strings.ReplaceAll(c.right, c.from, c.to)), s, c.rules)
		if all := strings.Join(g.problems, "\n"); !strings.Contains(all, c.want) {
			t.Errorf("%s: %s", c.name, all)
		}
	}
}
