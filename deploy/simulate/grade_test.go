package simulate

import (
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

func TestSubmissionsAreGradedStrictly(t *testing.T) {
	sample, err := input.ReadTable("sample.csv", strings.NewReader("id,tags\na,0 1\nb,0 1\nb,0 1\n007,0 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	const right = "id,tags\na,3 0\nb,\nb,9\n007,1\n"
	if g := grade("s.csv", []byte(right), sample, 10); len(g.problems) > 0 || g.rows != 4 || g.given != 3 {
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
		{"3 0", "3 10", "s.csv:2: class 10, but there are 10 (0 to 9)"},
		{"3 0", "3 -1", "s.csv:2: class -1"},
		{"3 0", "3 3", "s.csv:2: class 3 is given twice"},
		{"3 0", "3  0", `s.csv:2: "3  0" has other spaces than one between two numbers`},
		{"3 0", "3 0 ", `has other spaces than one between two numbers`},
		{"b,\n", "b, \n", `s.csv:3: " " has other spaces than one between two numbers`},
		{"3 0", "0.5", `s.csv:2: "0.5" is not a class number`},
		{"3 0", "nan", `s.csv:2: "nan" is not a class number`},
		{"3 0", "03", `s.csv:2: "03" is not a class number`},
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
		g := grade("s.csv", []byte(strings.ReplaceAll(right, c.from, c.to)), sample, 10)
		if all := strings.Join(g.problems, "\n"); !strings.Contains(all, c.want) {
			t.Errorf("%q for %q: %s", c.to, c.from, all)
		}
	}
	g := grade("s.csv", []byte("id,tags\n"+strings.Repeat("a,x\n", 100)), nil, 10)
	if len(g.problems) != maxProblems+1 || g.problems[maxProblems] != "s.csv: 97 more rows are wrong in the same way (number)" {
		t.Errorf("%q", g.problems)
	}
}
