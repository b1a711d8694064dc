package input_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// A sample that was read before decides how one with other rows is read.
func TestADecidedFormIsKept(t *testing.T) {
	for _, c := range []struct {
		name, before, now string
		rules             input.SampleRules
		want              string // of the error; "" for none
	}{
		{"other rows", "id,tags\na,0 1\n", "id,tags\nb,2\nc,\n", sigmoids(3), ""},
		{"no rows", "id,label\na,1\n", "id,label\n", softmax(3), ""},
		{"rows of other images", "id,p\na_x,0.5\na_y,0.5\n", "id,p\nb_y,0\nb_x,0\nc_x,0\n", named(sigmoids(0), "x,y"), ""},
		{"fewer rows than an image has classes", "id,p\na_0,0.5\na_1,0.5\nb_0,0.5\nb_1,0.5\n", "id,p\nb_1,0.5\n", sigmoids(2), ""},
		{"copied fields", "id,site,x0,x1\na,p,0,0\n", "id,site,x0,x1\nb,q,0,0\n", sigmoids(2), ""},
		{"another column", "id,tags\na,0 1\n", "id,label\na,1\n", sigmoids(3), `it has the columns "id", "label", not "id", "tags"`},
		{"columns in another order", "id,x0,x1\na,0,0\n", "id,x1,x0\na,0,0\n", sigmoids(2), `it has the columns "id", "x1", "x0", not`},
		{"numbers for names", "id,label\na,cat\n", "id,label\na,1\n", named(softmax(0), "cat,dog"), `the column "label" has "1"`},
		{"decimals for labels", "id,tags\na,0 1\n", "id,tags\na,0.5\n", sigmoids(3), `the column "tags" has "0.5"`},
		{"another class", "id,p\na_x,0.5\na_y,0.5\n", "id,p\nb_z,0\n", named(sigmoids(0), "x,y"), `the id "b_z" names no class`},
		{"a class too many", "id,p\na_0,0.5\na_1,0.5\nb_0,0.5\nb_1,0.5\n", "id,p\nb_2,0.5\n", sigmoids(2), `the id "b_2" names no class`},
		{"text for values", "id,x0,x1\na,0,0\n", "id,x0,x1\na,0,no\n", sigmoids(2), `the column "x1" has "no"`},
	} {
		before, err := readSample(t, "sample_submission.csv", c.before, c.rules)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		c.rules.Form = before.Form
		now, err := readSample(t, "sample_submission.csv", c.now, c.rules)
		if c.want == "" {
			if err != nil || !now.Form.Equal(&before.Form) || len(now.Rows) != strings.Count(c.now, "\n")-1 {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var form *input.FormError
		if !errors.As(err, &form) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "The form was decided before: "+before.Form.String()) || len(hint.All(err)) != 1 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A table of the test images has no answers: the form is the decided one, or the usual
// one of the task and metric.
func TestTablesOfTestImagesGetTheUsualForm(t *testing.T) {
	const text = "image,width\na,1\nb,2\n"
	for _, c := range []struct {
		rules input.SampleRules
		want  string // the header
	}{
		{sigmoids(2), "image,attribute_ids"},
		{softmax(2), "image,label"},
		{grades(2), "image,label"},
		{targets(1), "image,target"},
		{targets(2), "image,0,1"},
		{single, "image,target"},
		{named(input.SampleRules{Task: task.Multiclass, Metric: "log-loss"}, "cat,dog"), "image,cat,dog"},
	} {
		s, err := readSample(t, "test.csv", text, c.rules)
		if err != nil || strings.Join(s.Form.Header, ",") != c.want || !s.Test || !slices.Equal(s.IDs(), []string{"a", "b"}) {
			t.Errorf("%s: %+v, %v", c.want, s, err)
		}
	}
	rules := sigmoids(2)
	rules.Form = input.Form{Answer: input.Labels, Header: []string{"id", "tags"}, Field: 1, Separator: " "}
	if s, err := readSample(t, "test.csv", text, rules); err != nil || !s.Form.Equal(&rules.Form) || len(s.Rows) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestTheUserSettlesTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name, text string
		answer     input.Answer
		rules      input.SampleRules
		want       string
	}{
		{"labels", "id,label\na,0\n", input.Labels, sigmoids(3), `all its classes, as class numbers from 0 separated by " "`},
		{"the most likely label", "id,tags\na,0\n", input.Labels, softmax(3), "the most likely class, as one of the class numbers from 0"},
		{"one label", "id,tags\na,0\n", input.Label, sigmoids(3), "one class, as class number from 0"},
		{"a value", "id,has\na,0\n", input.Values, sigmoids(1), "the prediction of class 0"},
		{"a decision", "id,has\na,0\n", input.Indicators, sigmoids(1), "0 or 1 for class 0"},
		{"decisions of classes", "id,x0,x1\na,0,0\n", input.Indicators, sigmoids(2), "0 or 1 for each class"},
		{"an expected grade", "id,grade\na,0\n", input.Values, grades(3), "the prediction of class 0"},
		{"counted from 1", "id,label\na,3\nb,1\n", input.Unsettled, softmax(3), "class number from 1"},
		{"counted from 5", "id,label\na,5\nb,7\n", input.Unsettled, softmax(3), "class number from 5"},
		{"bars", "id,tags\na,x|y z\n", input.Unsettled, named(sigmoids(0), "x,y z"), `such as "x" separated by "|"`},
		{"commas and spaces", "id,tags\na,\"0, 2\"\n", input.Unsettled, sigmoids(3), `separated by ", "`},
		{"capitals", "id,x0,x1\na,TRUE,FALSE\n", input.Unsettled, sigmoids(2), "FALSE or TRUE"},
	} {
		c.rules.Submission = c.answer
		s, err := readSample(t, "sample_submission.csv", c.text, c.rules)
		if err != nil || !strings.Contains(s.Form.String(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzReadSample(f *testing.F) {
	for _, text := range []string{
		"id,attribute_ids\na,0 1\n", "id,x0,x1\na,0.5,0.5\n", "ID,Label\na_cat,0.5\na_dog,0.5\n", "id,class,p\na,cat,1\na,dog,0\n",
		"id,label\na,cat\n", "id,label,site\na,True,x\n", "id\na\n", "\xff\xfei\x00",
	} {
		for kind := range uint8(16) {
			f.Add(text, kind)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		rules := input.SampleRules{Task: task.Task(kind % 4), Classes: 2}
		if kind&4 != 0 {
			rules.Names = []string{"cat", "dog"}
		}
		path := filepath.Join(dir, []string{"sample_submission.csv", "test.csv"}[kind>>3&1])
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := input.ReadSample(path, rules)
		if err != nil {
			return
		}
		if s.Form.String() == "" || !s.Form.Decided() {
			t.Fatalf("%q: undecided", text)
		}
		for _, row := range s.Rows {
			if row.Class < 0 || row.Class >= 2 {
				t.Fatalf("%q: class %d", text, row.Class)
			}
		}
		if s.Test {
			return
		}
		rules.Form, rules.Submission = s.Form, s.Form.Answer
		again, err := input.ReadSample(path, rules)
		if err != nil || len(again.Rows) != len(s.Rows) {
			t.Fatalf("%q: read twice: %v", text, err)
		}
	})
}
