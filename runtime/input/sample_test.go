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

func TestSamplesOfOtherKindsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		rules            input.SampleRules
	}{
		{"Cassava", "image_id,label\n2216849948.jpg,4\n", `one class for each image.*"image_id,label", then "2216849948.jpg,4"`, input.SampleRules{}},
		{"APTOS", "id_code,diagnosis\na,0\nb,0\n", "one class for each image", input.SampleRules{}},
		{"digits", "ImageId,Label\n1,0\n2,0\n", "one class for each image", input.SampleRules{}},
		{"class ids", "image,class_id\na,0\n", "one class for each image", input.SampleRules{}},
		{"one label to train on", "Id,Predicted\na,0\nb,0\n", "as the training table has", input.SampleRules{Training: input.OneLabel}},
		{"melanoma", "image_name,target\na,0\nb,0\n", "one class for each image", input.SampleRules{}},
		{"probabilities", "image_id,target\na,0.5\n", `decimal numbers.*"0.5"`, input.SampleRules{Training: input.SeveralLabels}},
		{"probabilities that are 0", "id,probability\na,0\n", "numbers, such as probabilities", input.SampleRules{Training: input.SeveralLabels}},
		{"columns", "image_id,healthy,rust,scab\na,0.25,0.25,0.25\n", "3 columns after the id", input.SampleRules{}},
		{"columns and no rows", "image_id,a,b,c,d,e,f\n", `6 columns after the id.*"image_id,a,b,c,d,… \(7 columns\)" without rows`, input.SampleRules{}},
		{"columns though the user says labels", "id,a,b\nx,0,0\n", "2 columns after the id", input.SampleRules{Submission: input.Labels}},
		{"long form", "id,class,probability\na,cat,0.1\n", "3 columns", input.SampleRules{}},
		{"names", "image,labels\na.jpg,healthy\n", `text, such as names of classes: "healthy"`, input.SampleRules{}},
		{"names of several words", "image,labels\na.jpg,scab rust\n", "names of classes", input.SampleRules{}},
		{"boxes", "image_id,PredictionString\na,14 1 0 0 1 1\n", "twice", input.SampleRules{}},
		{"masks", "ImageId,EncodedPixels\na,\n", "masks or boxes", input.SampleRules{}},
		{"mask", "ImageId,EncodedPixels\na,1 2\n", "masks or boxes", input.SampleRules{}},
		{"commas", "id,labels\na,\"0,1\"\n", "not separated by spaces", input.SampleRules{}},
		{"semicolons", "id;labels\na;0 1\n", "semicolons", input.SampleRules{}},
		{"one column", "id\na\n", "one column", input.SampleRules{}},
		{"a class too many", "id,attribute_ids\na,0 12\n", `the number 12, but the ensemble has 10 classes`, input.SampleRules{Classes: 10}},
		{"minus", "id,attribute_ids\na,-1\n", `"-1" is no class number`, input.SampleRules{}},
		{"rows for each image", "id,predicted\na,0\na,0\nb,0\nb,0\n", "2 rows for every image", input.SampleRules{}},
		{"image_class", "ID,Predicted\na_0,0\na_1,0\nb_0,0\nb_1,0\n", `2 rows for every image, such as "a_0" of the image "a"`, input.SampleRules{Classes: 2}},
		{"a header only", "image_id,label\n", "no value shows anything else", input.SampleRules{}},
	} {
		_, err := readSample(t, "sample_submission.csv", c.text, c.rules)
		var kind *input.KindError
		if !errors.As(err, &kind) || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestErrorsInSamplesNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "the table is empty",
		"id,attribute_ids\na\n":          "sample_submission.csv:2: fields in the row: 1; in the header: 2",
		"id,attribute_ids\n,1\n":         "sample_submission.csv:2: the id is empty",
		"id,attribute_ids\n\"a\"b\",1":   "sample_submission.csv:2:",
		"id,attribute_ids\na,1\nb,x y z": "sample_submission.csv:3: it has text",
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
		if got := strings.Join(s.IDs(), " "); got != "a b" || s.Columns[1] != column || (s.Note != "") != (column == "tags") {
			t.Errorf("%q: ids %s, columns %q, noted %q", text, got, s.Columns, s.Note)
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
		if err != nil || len(s.Rows) != 2 || s.Rows[0].ID != "a" || s.Columns[0] != "id" {
			t.Errorf("%q: %v", form, err)
		}
	}
}
