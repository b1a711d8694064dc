package input_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

func readSample(t *testing.T, name, text string, rules input.SampleRules) (*input.Sample, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return input.ReadSample(path, rules)
}

func TestSamplesOfLabelsAreRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		rules      input.SampleRules
	}{
		{"iMet", "id,attribute_ids\na,0 1 2\nb,0 1 2\n", input.SampleRules{Classes: 1103}},
		{"one number under a plural", "id,attribute_ids\na,0\nb,0\n", input.SampleRules{Classes: 10, Training: input.OneLabel}},
		{"empty fields", "id,attribute_ids\na,\nb,\n", input.SampleRules{}},
		{"some empty", "id,label\na,3\nb,\n", input.SampleRules{}},
		{"human proteins", "Id,Predicted\na,0\nb,0\n", input.SampleRules{}},
		{"other names", "image_name,tags\nx.jpg,1 2\n", input.SampleRules{}},
		{"several numbers under a singular", "image,label\nx.jpg,1 2\ny.jpg,1\n", input.SampleRules{}},
		{"the training table has several", "image,label\nx.jpg,0\ny.jpg,0\n", input.SampleRules{Training: input.SeveralLabels}},
		{"the user says so", "image_id,label\nx.jpg,0.5\n", input.SampleRules{Submission: input.Labels}},
		{"a byte order mark and CR LF", "\xef\xbb\xbfid,attribute_ids\r\na,0 1\r\n", input.SampleRules{}},
		{"UTF-16", "\xff\xfei\x00d\x00,\x00t\x00a\x00g\x00s\x00\n\x00a\x00,\x000\x00 \x001\x00\n\x00", input.SampleRules{}},
		{"a header only", "id,attribute_ids\n", input.SampleRules{}},
		{"an id twice", "id,attribute_ids\na,0 1\na,0 1\nb,0 1\n", input.SampleRules{}},
		{"quotes", "\"id\",\"attribute_ids\"\n\"a\",\"0 1\"\n", input.SampleRules{}},
		{"ids with underscores", "image,target_ids\n1_left,0\n1_right,0\n2_left,0\n2_right,0\n", input.SampleRules{Classes: 2}},
	} {
		s, err := readSample(t, "sample_submission.csv", c.text, c.rules)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if want := strings.Count(c.text, "\n") - 1; len(s.Rows) != want {
			t.Errorf("%s: %d rows, want %d", c.name, len(s.Rows), want)
		}
		if (s.Note != "") != (c.name == "human proteins") {
			t.Errorf("%s: noted %q", c.name, s.Note)
		}
	}
}

func TestSamplesThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, text, want, settle string
		rules                    input.SampleRules
	}{
		{"probabilities", "image_id,target\na,0.5\n", "10 classes and none is named so", "--classes", sigmoids(10)},
		{"probabilities that are 0", "id,probability\na,0\n", "10 classes and none is named so", "--classes", softmax(10)},
		{"a probability or a decision", "id,target\na,0\n", "the probability of the ensemble's only class, or a decision", "--submission values", sigmoids(1)},
		{"too few columns", "image_id,healthy,rust,scab\na,0.25,0.25,0.25\n", "3 columns after the id, but the ensemble has 10 classes", "--classes", sigmoids(10)},
		{"columns and no rows", "image_id,a,b,c,d,e,f\n", `6 columns after the id.*"image_id,a,b,c,d,… \(7 columns\)" without rows`, "--classes", softmax(10)},
		{"columns without order", "id,rust,healthy,scab\na,0,0,0\n", `"rust", "healthy", "scab" are not sorted`, "--classes", softmax(3)},
		{"columns of other names", "id,cat,dgo\na,0,0\n", `no column for the classes "dog", and its columns "dgo" are no classes`, "--classes", named(softmax(0), "cat,dog")},
		{"a class twice", "id,cat,Cat\na,0,0\n", `"cat" and "Cat" are both the class "cat"`, "", named(softmax(0), "cat,dog")},
		{"columns though the user says labels", "id,a,b\nx,0,0\n", "2 columns after the id, and none is named like the answer", "", input.SampleRules{Submission: input.Labels, Classes: 2}},
		{"columns of grades", "id,g0,g1,g2\na,0,0,0\n", "an ordinal ensemble predicts one grade", "", grades(3)},
		{"other classes", "id,class,probability\na,cat,0.1\na,dog,0.1\n", "has text", "--classes", softmax(3)},
		{"names", "image,labels\na.jpg,healthy\n", `text, such as names of classes: "healthy"`, "--classes", sigmoids(10)},
		{"unknown names", "image,labels\na.jpg,helthy\n", `"helthy", which is no name of a class such as "healthy", "rust"`, "--classes", named(sigmoids(0), "healthy,rust")},
		{"names with spaces", "image,labels\na.jpg,leaf rust\n", `"leaf rust" has a space`, "--sample", named(sigmoids(0), "leaf rust,scab")},
		{"masks", "ImageId,EncodedPixels\na,\n", "masks or boxes", "", sigmoids(10)},
		{"mask", "ImageId,EncodedPixels\na,1 2\n", "masks or boxes", "", sigmoids(10)},
		{"numbers twice", "ImageId,Predicted\na,3 1 3\n", "a number twice", "", sigmoids(10)},
		{"semicolons", "id;labels\na;0 1\n", "semicolons", "", sigmoids(10)},
		{"one column", "id\na\n", "one column", "", sigmoids(10)},
		{"a class too many", "id,attribute_ids\na,0 12\n", `the number 12, but the ensemble has 10 classes`, "--classes", sigmoids(10)},
		{"a grade too many", "id,grade\na,0\nb,7\n", `the number 7, but the ensemble has 5 classes`, "--classes", grades(5)},
		{"minus", "id,attribute_ids\na,-1\n", "has -1, which is no class number", "", sigmoids(10)},
		{"large values", "id,score\na,43.5\n", "numbers from 43.5 to 43.5, but the ensemble predicts probabilities", "--submission values", sigmoids(1)},
		{"text for a number", "id,weight\na,heavy\n", `"heavy", but the ensemble predicts numbers`, "", targets(1)},
		{"rows for each class", "id,predicted\na,0\na,0\nb,0\nb,0\n", "2 rows for every image, and nothing says for which class", "", sigmoids(2)},
	} {
		_, err := readSample(t, "sample_submission.csv", c.text, c.rules)
		var form *input.FormError
		if !errors.As(err, &form) || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s: %v", c.name, err)
		}
		if hints := strings.Join(hint.All(err), "\n"); !strings.Contains(hints, c.settle) || (hints == "") != (c.settle == "") {
			t.Errorf("%s: hints %q", c.name, hints)
		}
	}
}

func TestErrorsInSamplesNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "the table is empty",
		"id,attribute_ids\na\n":          "sample_submission.csv:2: fields in the row: 1; in the header: 2",
		"id,attribute_ids\n,1\n":         "sample_submission.csv:2: the id is empty",
		"id,attribute_ids\n\"a\"b\",1":   "sample_submission.csv:2:",
		"id,attribute_ids\na,1\nb,x y z": "sample_submission.csv:3: its column \"attribute_ids\" has text",
	} {
		if _, err := readSample(t, "sample_submission.csv", text, input.SampleRules{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTestTablesGiveIDsOnly(t *testing.T) {
	for text, column := range map[string]string{
		"image_id\na\nb\n":                      "tags",
		"width,image_id\n3,a\n4,b\n":            "tags",
		"width,image_id,height\n3,a,4\n3,b,4\n": "tags",
		"image_id,age\na,40\nb,50\n":            "tags",
		"id,path\na,x/a.png\nb,x/b.png\n":       "tags",
		"id,attribute_ids\na,\nb,0 1\n":         "attribute_ids",
	} {
		s, err := readSample(t, "test.csv", text, input.SampleRules{Column: "tags"})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := strings.Join(s.IDs(), " "); got != "a b" || s.Form.Header[1] != column || (s.Note != "") != (column == "tags") {
			t.Errorf("%q: ids %s, columns %q, noted %q", text, got, s.Form.Header, s.Note)
		}
	}
}

// An image in two rows means that the table is no sample of labels, unless the rows
// themselves are images.
func TestImagesTellRowsOfClassesFromIDs(t *testing.T) {
	text := "ID,Predicted\na_left,0\na_right,0\nb_left,0\nb_right,0\n"
	for _, c := range []struct {
		images []string
		wrong  bool
	}{
		{[]string{"test/a_left.png", "test/b_left.png"}, false},
		{[]string{"test/a.png", "test/b.png"}, true},
		{[]string{"test/"}, false},
	} {
		found := find(t, tree(t, c.images...))
		_, err := readSample(t, "sample_submission.csv", text, input.SampleRules{
			Images: func(ids []string) (*input.Items, error) { return locate(t, found, ids...), nil },
		})
		if (err != nil) != c.wrong {
			t.Errorf("%q: %v", c.images, err)
		}
	}
}

// ChooseSample locates the images of a sample only once, and returns an error of that
// search.
func TestTheChoiceOfASampleKeepsItsImages(t *testing.T) {
	root := tree(t, "test/b.png")
	var paths []string
	for name, text := range map[string]string{"a/sample_submission.csv": "id,tags\na,0 1\n", "b/sample_submission.csv": "id,tags\nb,0 1\n"} {
		path := filepath.Join(root, name)
		paths = append(paths, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(paths)
	found := find(t, root)
	rules := input.SampleRules{Images: func(ids []string) (*input.Items, error) { return locate(t, found, ids...), nil }}
	c, err := input.ChooseSample(paths, rules)
	if err != nil || c.Name != paths[1] || c.Images.Len() != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c, err = input.ChooseSample(paths[:1], rules); err != nil || c.Images != nil {
		t.Errorf("one candidate needs no images: %+v, %v", c, err)
	}
	rules.Images = func([]string) (*input.Items, error) { return nil, os.ErrDeadlineExceeded }
	if _, err := input.ChooseSample(paths, rules); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Editors and spreadsheets save UTF-16 and several line ends.
func TestSamplesOfEveryEncodingAreRead(t *testing.T) {
	const text = "id,attribute_ids\na,1 2\nb,\n"
	for _, form := range []string{
		text, "\ufeff" + text, strings.ReplaceAll(text, "\n", "\r\n"), strings.ReplaceAll(text, "\n", "\r"), strings.ReplaceAll(text, "\n", "\n \n"),
		wide("\ufeff"+text, binary.LittleEndian), wide("\ufeff"+text, binary.BigEndian),
	} {
		s, err := readSample(t, "sample_submission.csv", form, input.SampleRules{})
		if err != nil || len(s.Rows) != 2 || s.Rows[0].ID != "a" || s.Form.Header[0] != "id" {
			t.Errorf("%q: %v", form, err)
		}
	}
}
