package labeltable_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

func Example() {
	table := "image_id,label\n1000015157.jpg,0\n1000201771.jpg,3\n"
	t, err := labeltable.Read("train.csv", strings.NewReader(table), labeltable.Options{Task: task.Multiclass})
	fmt.Println(t.IDs, t.Labels, t.Classes, err)
	table = "image,labels\n800113bb65efe69e.jpg,healthy\n8002cb321f8bfcdf.jpg,scab frog_eye_leaf_spot\n80070f7fb5e2ccaa.jpg,scab\n"
	t, err = labeltable.Read("train.csv", strings.NewReader(table), labeltable.Options{})
	fmt.Println(t.Names, t.Labels, err)
	// Output:
	// [1000015157.jpg 1000201771.jpg] [[0] [3]] 4 <nil>
	// [frog_eye_leaf_spot healthy scab] [[1] [0 2] [2]] <nil>
}

// lines joins the lines of a table.
func lines(list ...string) string { return strings.Join(list, "\n") + "\n" }

// The tables of public competitions: the header and the form of the rows are theirs.
func TestTablesOfCompetitionsAreRead(t *testing.T) {
	birds := lines("primary_label,secondary_labels,type,latitude,filename",
		`abethr1,"['blbpuf2', 'combul2']",['song'],4.3,abethr1/XC1.ogg`, "combul2,[],['call'],NaN,combul2/XC2.ogg")
	isic := lines("isic_id,target,patient_id,age_approx,sex", "ISIC_1,0,IP_1,60.0,male", "ISIC_2,1,IP_1,,female", "ISIC_3,0,IP_2,45.0,")
	for name, c := range map[string]struct {
		table   string
		options labeltable.Options
		want    string // ids, labels or values, names, groups
	}{
		"iMet": {
			lines("id,attribute_ids", "1000483014d91860,147 616 813", "1000fe2e667721fe,51"),
			labeltable.Options{Classes: 1103},
			"[1000483014d91860 1000fe2e667721fe] [[147 616 813] [51]] [] []",
		},
		"Cassava": {
			lines("image_id,label", "1000015157.jpg,0", "1000201771.jpg,3"),
			labeltable.Options{Task: task.Multiclass, Classes: 5},
			"[1000015157.jpg 1000201771.jpg] [[0] [3]] [] []",
		},
		"Plant Pathology 2020": {
			lines("image_id,healthy,multiple_diseases,rust,scab", "Train_0,0,0,0,1", "Train_1,0,1,0,0", "Train_2,1,0,0,0"),
			labeltable.Options{Task: task.Multiclass, Classes: 4},
			"[Train_0 Train_1 Train_2] [[3] [1] [0]] [healthy multiple_diseases rust scab] []",
		},
		"Plant Pathology 2021": {
			lines("image,labels", "a.jpg,healthy", "b.jpg,scab frog_eye_leaf_spot complex", "c.jpg,complex"),
			labeltable.Options{Classes: 4},
			"[a.jpg b.jpg c.jpg] [[2] [0 1 3] [0]] [complex frog_eye_leaf_spot healthy scab] []",
		},
		"APTOS": {
			lines("id_code,diagnosis", "000c1434d8d7,2", "001639a390f0,4"),
			labeltable.Options{Task: task.Ordinal, Classes: 5},
			"[000c1434d8d7 001639a390f0] [[2] [4]] [] []",
		},
		"APTOS as numbers": {
			lines("id_code,diagnosis", "000c1434d8d7,2", "001639a390f0,4"),
			labeltable.Options{Task: task.Regression, Classes: 1},
			"[000c1434d8d7 001639a390f0] [2 4] [diagnosis] []",
		},
		"ISIC 2024": {
			isic,
			labeltable.Options{Classes: 1, Group: "patient_id"},
			"[ISIC_1 ISIC_2 ISIC_3] [[] [0] []] [target] [IP_1 IP_1 IP_2]",
		},
		"ISIC 2024, two classes": {
			isic,
			labeltable.Options{Task: task.Multiclass, Classes: 2, Columns: []string{"target"}},
			"[ISIC_1 ISIC_2 ISIC_3] [[0] [1] [0]] [] []",
		},
		"HPA with bars": {
			lines("ID,Label", "5c27f04c-bbb2-11e8-b2ba-ac1f6b6435d0,8|5|0", "5fb643ee-bb99-11e8-b2b9-ac1f6b6435d0,14"),
			labeltable.Options{Classes: 19},
			"[5c27f04c-bbb2-11e8-b2ba-ac1f6b6435d0 5fb643ee-bb99-11e8-b2b9-ac1f6b6435d0] [[0 5 8] [14]] [] []",
		},
		"HPA with spaces": {
			lines("Id,Target", "00070df0,16 0", "000a6c98,7 1 2 0"),
			labeltable.Options{Classes: 28},
			"[00070df0 000a6c98] [[0 16] [0 1 2 7]] [] []",
		},
		"NIH chest X-rays": {
			lines("Image Index,Finding Labels", "a.png,Cardiomegaly|Pleural Thickening", "b.png,No Finding"),
			labeltable.Options{},
			"[a.png b.png] [[0 2] [1]] [Cardiomegaly No Finding Pleural Thickening] []",
		},
		"Pawpularity": {
			lines("Id,Subject Focus,Eyes,Pawpularity", "0007de18,0,1,63", "0009c66b,0,0,42.5"),
			labeltable.Options{Task: task.Regression, Columns: []string{"Pawpularity"}},
			"[0007de18 0009c66b] [63 42.5] [Pawpularity] []",
		},
		"BirdCLEF, one label": {
			birds,
			labeltable.Options{Task: task.Multiclass, ID: "filename", Columns: []string{"primary_label"}},
			"[abethr1/XC1.ogg combul2/XC2.ogg] [[0] [1]] [abethr1 combul2] []",
		},
		"BirdCLEF, all labels": {
			birds,
			labeltable.Options{Columns: []string{"primary_label", "secondary_labels"}},
			"[abethr1/XC1.ogg combul2/XC2.ogg] [[0 1 2] [2]] [abethr1 blbpuf2 combul2] []",
		},
		"BirdCLEF 2025, numbers among the names": {
			lines("primary_label,filename", "1139490,a.ogg", "abethr1,b.ogg", "yeofly1,c.ogg"),
			labeltable.Options{Task: task.Multiclass, Classes: 3},
			"[a.ogg b.ogg c.ogg] [[0] [1] [2]] [1139490 abethr1 yeofly1] []",
		},
		"RSNA with any-columns": {
			lines("StudyInstanceUID,patient_overall,C1,C2", "1.2.826.0.1.3680043.6200,1,1,0", "1.2.826.0.1.3680043.27262,0,0,0"),
			labeltable.Options{},
			"[1.2.826.0.1.3680043.6200 1.2.826.0.1.3680043.27262] [[0 1] []] [patient_overall C1 C2] []",
		},
		"RSNA mammography": {
			lines("site_id,patient_id,image_id,laterality,cancer", "2,10006,462822612,L,0", "2,10006,1459541791,L,1"),
			labeltable.Options{Classes: 1, Columns: []string{"cancer"}, Group: "patient_id"},
			"[462822612 1459541791] [[] [0]] [cancer] [10006 10006]",
		},
		"several targets": {
			lines("id,X4_mean,X11_mean", "a,0.5,1e2", "b,-3,4"),
			labeltable.Options{Task: task.Regression, Classes: 2, Columns: []string{"X4_mean", "X11_mean"}},
			"[a b] [0.5 100 -3 4] [X4_mean X11_mean] []",
		},
		"a list of classes orders the names": {
			lines("id,grade", "a,severe", "b,mild"),
			labeltable.Options{Task: task.Ordinal, ClassNames: []string{"mild", "moderate", "severe"}},
			"[a b] [[2] [0]] [mild moderate severe] []",
		},
		"names with spaces": {
			lines("id,breed", "a,Golden Retriever", "b,Pug"),
			labeltable.Options{Task: task.Multiclass},
			"[a b] [[0] [1]] [Golden Retriever Pug] []",
		},
		"names with spaces, several": {
			lines("id,tags", `a,"Golden Retriever, Pug"`, "b,Pug"),
			labeltable.Options{ClassNames: []string{"Pug", "Golden Retriever"}},
			"[a b] [[0 1] [0]] [Pug Golden Retriever] []",
		},
		"more texts than classes": {
			lines("id,labels", "a,large red", "b,small red", "c,large blue", "d,small blue", "e,small red round", "f,large round"),
			labeltable.Options{Classes: 5},
			"[a b c d e f] [[1 2] [2 4] [0 1] [0 4] [2 3 4] [1 3]] [blue large red round small] []",
		},
		"columns in another order than the list": {
			lines("id,scab,healthy", "a,1.0,0.0", "b,0.0,1.0"),
			labeltable.Options{Task: task.Multiclass, ClassNames: []string{"healthy", "scab"}},
			"[a b] [[1] [0]] [healthy scab] []",
		},
		"labels before the ids, and given folds": {
			lines("species,path,fold", "a,x/1.jpg,0", "b,x/2.jpg,1"),
			labeltable.Options{Task: task.Multiclass, Columns: []string{"species"}},
			"[x/1.jpg x/2.jpg] [[0] [1]] [a b] []",
		},
		"an id after the labels": {
			lines("label,picture", "1,a", "0,b"), labeltable.Options{Columns: []string{"label"}}, "[a b] [[1] [0]] [] []",
		},
		"groups that are unknown": {
			lines("id,label,patient", "a,1,", "b,0,p"), labeltable.Options{Group: "patient"}, "[a b] [[1] [0]] [] [a p]",
		},
		"numbers though the classes have names": {
			lines("id,label", "a,1", "b,0"),
			labeltable.Options{Task: task.Multiclass, ClassNames: []string{"cat", "dog"}},
			"[a b] [[1] [0]] [cat dog] []",
		},
	} {
		got, err := labeltable.Read("train.csv", strings.NewReader(c.table), c.options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var values any = got.Labels
		if c.options.Task == task.Regression {
			values = got.Values
		}
		if text := fmt.Sprint(got.IDs, values, got.Names, got.Groups); text != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, text, c.want)
		}
		if got.Classes < 1 || len(got.Lines) != len(got.IDs) || got.Lines[1] != 3 {
			t.Errorf("%s: %d classes, lines %v", name, got.Classes, got.Lines)
		}
	}
}

func TestWhatIsUnclearIsRefusedWithTheKeyThatSettlesIt(t *testing.T) {
	for name, c := range map[string]struct {
		table   string
		options labeltable.Options
		want    string // parts of the message and its hints
	}{
		"which labels":      {lines("Id,Subject Focus,Pawpularity", "a,0,63"), labeltable.Options{Task: task.Regression}, "train.csv:2: the column \"Pawpularity\" holds \"63\"; labels: {columns: ["},
		"an id as a label":  {lines("id,label", "a,0"), labeltable.Options{Columns: []string{"id", "label"}}, "labels.columns names \"label\", the column of the ids"},
		"which of several":  {lines("primary_label,secondary_labels,type,filename", "a,[],x,1.ogg"), labeltable.Options{}, "it is unclear which columns hold the labels; labels: {columns: [primary_label, secondary_labels]}"},
		"which id":          {lines("image_id,patient_id,label", "a,p,0"), labeltable.Options{}, "image_id, patient_id; labels: {id: image_id}"},
		"no id":             {lines("primary_label,a,b", "x,y,z"), labeltable.Options{}, "no column is named like an id; labels.id"},
		"no such column":    {lines("id,label", "a,0"), labeltable.Options{Columns: []string{"lable"}}, "no column \"lable\", which labels.columns names; did you mean label?"},
		"which separator":   {lines("id,labels", "a,Golden Retriever", "b,Pug"), labeltable.Options{}, "\"Golden Retriever\": it is unclear what separates labels; labels: {separator: \" \"}; task: multiclass"},
		"order of grades":   {lines("id,grade", "a,mild", "b,severe"), labeltable.Options{Task: task.Ordinal}, "(mild, severe), whose order is unknown; labels: {classes: ["},
		"number of classes": {lines("id,label", "a,cat", "b,dog"), labeltable.Options{Task: task.Multiclass, Classes: 5}, "train.csv has 2 classes (cat, dog), but model.num_classes is 5; num_classes: 2"},
		"one-hot columns":   {lines("id,a,b", "x,0,1"), labeltable.Options{Classes: 3}, "2 columns of 0 and 1 (a, b), but model.num_classes is 3; num_classes: 2"},
		"targets":           {lines("id,label", "a,1"), labeltable.Options{Task: task.Regression, Classes: 2}, "1 column of targets (label), but model.num_classes is 2; num_classes: 1"},
		"numbers for names": {lines("id,label", "a,41", "b,7"), labeltable.Options{Task: task.Multiclass, Classes: 2}, "class 41, but there are 2; labels: {classes: [41, 7]}"},
		"an index":          {lines(",id,label", "0,a,1"), labeltable.Options{}, "field 1 of the 3 fields has no name; index=False"},
		"another separator": {lines("id;label", "a;1"), labeltable.Options{}, "the columns are separated by semicolons"},
		"a class twice":     {lines("id,label", "a,x"), labeltable.Options{ClassNames: []string{"x", "y", "x"}}, "labels.classes: \"x\" is there twice"},
		"names for classes": {lines("id,label", "a,x"), labeltable.Options{Classes: 3, ClassNames: []string{"x", "y"}}, "labels.classes has 2 names, but model.num_classes is 3"},
		"two columns":       {lines("id,a,b", "1,x,y"), labeltable.Options{Task: task.Multiclass, Columns: []string{"a", "b"}}, "a row has one label, but labels.columns names a, b"},
		"no header":         {"", labeltable.Options{}, "train.csv: the table is empty"},
		"empty id":          {lines("id,label", ",1"), labeltable.Options{}, "train.csv:2: the id is empty"},
		"unknown column":    {lines("id,a,b", "x,0,1"), labeltable.Options{Columns: []string{"a", "b"}, ClassNames: []string{"a", "c"}}, "the column \"b\" is no class of labels.classes; a, b"},
	} {
		_, err := labeltable.Read("train.csv", strings.NewReader(c.table), c.options)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		text := strings.Join(append([]string{err.Error()}, hint.All(err)...), "; ")
		for part := range strings.SplitSeq(c.want, "; ") {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %s; want %q", name, text, part)
			}
		}
	}
}

func TestWrongRowsAreNamedByLine(t *testing.T) {
	for name, c := range map[string]struct {
		table   string
		options labeltable.Options
		want    []string
	}{
		"class numbers": {
			lines("id,attribute_ids", "a,1 x", "b,10", "c,-1", "d,3.0", "e,nan", "f,5"),
			labeltable.Options{Classes: 10},
			[]string{`train.csv:2: "x" is not a class number`, "train.csv:3: class 10, but there are 10 (0 to 9)", "train.csv:4: class -1, but", `train.csv:5: "3.0" is not a class number`, `train.csv:6: "nan" is not a class number`},
		},
		"names": {
			lines("id,label", "a,cat", "b,cow", "c,"),
			labeltable.Options{Task: task.Multiclass, ClassNames: []string{"cat", "dog"}},
			[]string{`train.csv:3: "cow" is no class; there are cat, dog`, `train.csv:3: "b" has 0 labels, but the task multiclass is for exactly one a row`, `train.csv:4: "c" has 0 labels`},
		},
		"a missing name": {
			lines("id,label", "a,cat", "b,nan", "c,dog"),
			labeltable.Options{Task: task.Multiclass, Classes: 2},
			[]string{`train.csv:3: "nan" is no class; there are cat, dog`, `train.csv:3: "b" has 0 labels`},
		},
		"a name among numbers": {
			lines("id,label", "a,0", "b,x", "c,1"),
			labeltable.Options{Task: task.Multiclass, Classes: 3},
			[]string{`train.csv:3: "x" is not a class number`, `train.csv:3: "b" has 0 labels`},
		},
		"one-hot": {
			lines("id,x,y", "a,0,0", "b,1,1", "c,1,0"),
			labeltable.Options{Task: task.Multiclass},
			[]string{`train.csv:2: "a" has 0 labels`, `train.csv:3: "b" has 2 labels`},
		},
		"targets": {
			lines("id,y", "a,", "b,NaN", "c,1e99", "d,1"),
			labeltable.Options{Task: task.Regression},
			[]string{`train.csv:2: "" in the column "y" is not a number`, `train.csv:3: "NaN" in`, `train.csv:4: "1e99" in`},
		},
	} {
		table, err := labeltable.Read("train.csv", strings.NewReader(c.table), c.options)
		var rows *labeltable.RowsError
		if !errors.As(err, &rows) || table == nil || len(table.IDs) != strings.Count(c.table, "\n")-1 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(rows.Errs) != len(c.want) {
			t.Errorf("%s: %v", name, rows.Errs)
		}
		for i, want := range c.want {
			if i < len(rows.Errs) && !strings.Contains(rows.Errs[i].Error(), want) {
				t.Errorf("%s: %v, want %s", name, rows.Errs[i], want)
			}
		}
	}
	_, err := labeltable.Read("t.csv", strings.NewReader("id,label\n"+strings.Repeat("a,77\n", 8)), labeltable.Options{Classes: 2})
	if err == nil || !strings.HasSuffix(err.Error(), "and 3 more rows with wrong labels") {
		t.Errorf("got %v", err)
	}
}

func TestClassListsOfEveryForm(t *testing.T) {
	for name, text := range map[string]string{
		"a.json": `["cat", "dog", "cow"]`, "b.json": `{"0": "cat", "2": "cow", "1": "dog"}`, "c.json": "\xef\xbb\xbf" + `{"cow": 2, "cat": 0, "dog": 1}`,
		"a.csv": "class\ncat\ndog\ncow\n", "b.csv": "class_id,name\n0,cat\n1,dog\n2,cow\n", "c.csv": "name,id\r\ncow,2\r\ncat,0\r\ndog,1\r\n",
		"a.txt": "cat\n\ndog\r\ncow",
	} {
		got, err := labeltable.ParseClasses(name, []byte(text))
		if err != nil || !slices.Equal(got, []string{"cat", "dog", "cow"}) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if !labeltable.IsClassFile([]string{name}) {
			t.Errorf("%s is no class file", name)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"a.json": {`{"a": [1]}`, "a class list in JSON is"}, "b.json": {`{"0": "a", "7": "b"}`, `"7" is no class number`},
		"a.csv": {"a,b,c\n", "3 columns"}, "b.csv": {"a,b\nx,y\n", `"x" is no class number`}, "a.txt": {"\n", "the class list is empty"},
		"a.yml": {"", "a class list ends in .json, .csv or .txt"},
	} {
		if _, err := labeltable.ParseClasses(name, []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if labeltable.IsClassFile([]string{"cat"}) || labeltable.IsClassFile([]string{"a.txt", "b.txt"}) {
		t.Error("names are a file")
	}
}

// Whatever the table, the labels are classes, and all slices have the rows' number.
func FuzzRead(f *testing.F) {
	f.Add("id,attribute_ids\na,1 2\nb,\n", uint8(0), uint8(3), "")
	f.Add("image_id,healthy,scab\na,0,1\nb,1,0\n", uint8(1), uint8(0), "")
	f.Add("primary_label,secondary_labels,filename\nx,\"['y', 'z']\",a.ogg\n", uint8(0), uint8(0), "primary_label,secondary_labels")
	f.Add("id,a,b\nx,1.5,-2\n", uint8(2), uint8(2), "a,b")
	f.Add("id;label\nx,1\n", uint8(3), uint8(5), "label")
	f.Fuzz(func(t *testing.T, text string, kind, classes uint8, columns string) {
		o := labeltable.Options{Task: task.Task(kind % 4), Classes: int(classes)}
		if columns != "" {
			o.Columns = strings.Split(columns, ",")
		}
		got, err := labeltable.Read("t.csv", strings.NewReader(text), o)
		if err != nil {
			return
		}
		n := len(got.IDs)
		if len(got.Lines) != n || o.Task != task.Regression && len(got.Labels) != n || len(got.Values) != n*got.Targets {
			t.Fatalf("%d ids, %d lines, %d labels, %d values", n, len(got.Lines), len(got.Labels), len(got.Values))
		}
		if o.Classes > 0 && got.Classes != o.Classes || got.Names != nil && len(got.Names) != got.Classes {
			t.Fatalf("%d classes, names %q, want %d", got.Classes, got.Names, o.Classes)
		}
		for _, labels := range got.Labels {
			if !slices.IsSorted(labels) || len(labels) > 0 && (labels[0] < 0 || labels[len(labels)-1] >= got.Classes) {
				t.Fatalf("labels %v of %d classes", labels, got.Classes)
			}
		}
	})
}

func FuzzParseClasses(f *testing.F) {
	f.Add("a.json", `{"0": "a", "1": "b"}`)
	f.Add("a.csv", "id,name\n0,a\n")
	f.Add("a.txt", "a\nb\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		if got, err := labeltable.ParseClasses(name, []byte(text)); err == nil && len(got) == 0 {
			t.Fatal("no classes and no error")
		}
	})
}

// The tags of Planet's Amazon images never stand alone, but few of them form many texts.
func TestFewWordsInManyTextsAreLabels(t *testing.T) {
	tags := []string{"clear", "haze", "primary", "road", "water"}
	table := "image_name,tags\n"
	for i := range 1 << len(tags) {
		var list []string
		for k, tag := range tags {
			if i>>k&1 == 1 {
				list = append(list, tag)
			}
		}
		if len(list) > 1 {
			table += fmt.Sprintf("train_%d,%s\n", i, strings.Join(list, " "))
		}
	}
	got, err := labeltable.Read("train.csv", strings.NewReader(table), labeltable.Options{})
	if err != nil || !slices.Equal(got.Names, tags) {
		t.Errorf("%v, %v", got, err)
	}
}

// Whatever the form of a table, its cells are read to the same labels again.
func TestCellsAreReadAgain(t *testing.T) {
	for _, c := range []struct {
		table   string
		options labeltable.Options
	}{
		{lines("id,attribute_ids", "a,2 0", "b,"), labeltable.Options{}},
		{lines("id,tags", "a,x|z", "b,y"), labeltable.Options{}},
		{lines("id,tags", "a,x y-x z", "b,y"), labeltable.Options{Separator: "-"}},
		{lines("id,p,s", "a,x,\"['y']\"", "b,y,[]"), labeltable.Options{Columns: []string{"p", "s"}}},
		{lines("id,scab,healthy", "a,1,0", "b,1,1"), labeltable.Options{ClassNames: []string{"healthy", "scab"}}},
		{lines("id,target", "a,1", "b,0"), labeltable.Options{Classes: 1}},
		{lines("id,x,y", "a,1.5,0.1", "b,-1e30,7"), labeltable.Options{Task: task.Regression, Columns: []string{"x", "y"}}},
	} {
		first, err := labeltable.Read("t.csv", strings.NewReader(c.table), c.options)
		if err != nil {
			t.Fatal(err)
		}
		text := "id," + strings.Join(first.LabelColumns, ",") + "\n"
		for i, id := range first.IDs {
			text += id
			for _, cell := range first.Cells(i, c.options.Separator) {
				text += `,"` + cell + `"`
			}
			text += "\n"
		}
		again, err := labeltable.Read("t.csv", strings.NewReader(text), c.options)
		if err != nil || fmt.Sprint(again.Labels, again.Values, again.Names) != fmt.Sprint(first.Labels, first.Values, first.Names) {
			t.Errorf("%s reads as %+v (%v)", text, again, err)
		}
	}
}
