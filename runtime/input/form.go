package input

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Answer is what a submission says about an image.
type Answer uint8

// The answers.
const (
	// Unsettled leaves the answer to the sample submission.
	Unsettled Answer = iota
	// Labels are any number of classes, in one field.
	Labels
	// Label is one class.
	Label
	// Values are probabilities of classes, or numbers.
	Values
	// Indicators say of each class whether the image has it, such as 0 and 1.
	Indicators
)

// answers holds the names of the answers.
var answers = [...]string{"", "labels", "label", "values", "indicators"}

// Answers returns the names of the answers that a user can ask for.
func Answers() []string { return slices.Clone(answers[1:]) }

// ParseAnswer returns the answer with this name; "" is Unsettled. It returns an error for
// an unknown name.
func ParseAnswer(name string) (Answer, error) {
	if i := slices.Index(answers[:], name); i >= 0 {
		return Answer(i), nil
	}
	return Unsettled, fmt.Errorf("unknown kind of submission %q; there are %s", name, strings.Join(answers[1:], ", "))
}

// String returns the name of the answer.
func (a Answer) String() string { return answers[a] }

// Layout is how the rows and columns of a submission are divided among images and
// classes.
type Layout uint8

// The layouts.
const (
	// OneField is a row for each image, with the answer in one column.
	OneField Layout = iota
	// ColumnPerClass is a row for each image, with a column for each class.
	ColumnPerClass
	// RowPerClass is a row for each image and class. The id joins both, such as
	// IMAGE_CLASS.
	RowPerClass
	// ClassColumn is a row for each image and class, which are columns of their own.
	ClassColumn
)

// Form is how a submission is written. The zero value is undecided: the sample submission
// decides. A Form is data, so that a generated kernel can hold it as a literal.
type Form struct {
	Answer Answer   `json:"answer,omitempty"`
	Layout Layout   `json:"layout,omitempty"`
	Header []string `json:"header,omitempty"` // of the table
	ID     int      `json:"id,omitempty"`     // the column of ids
	// Field is the column of the answer, except in ColumnPerClass.
	Field int `json:"field,omitempty"`
	// Class is the column of the class in ClassColumn.
	Class int `json:"class,omitempty"`
	// Classes holds the class of each column in ColumnPerClass, -1 for other columns.
	Classes []int `json:"classes,omitempty"`
	// Target is the class of the value or indicator in OneField.
	Target int `json:"target,omitempty"`
	// Names are the classes as the submission writes them, by number. If it is empty,
	// classes are numbers that begin at First.
	Names []string `json:"names,omitempty"`
	First int      `json:"first,omitempty"`
	// Separator is between the classes of Labels in a field, or between the image and the
	// class of an id in RowPerClass.
	Separator string `json:"separator,omitempty"`
	// None is the field of Labels for an image without any; "" is an empty field.
	None string `json:"none,omitempty"`
	// Top is the number of labels of each image, the most likely first. 0 leaves the
	// number to the predictions.
	Top int `json:"top,omitempty"`
	// Yes and No are the Indicators.
	Yes string `json:"yes,omitempty"`
	No  string `json:"no,omitempty"`
}

// Decided reports whether f says how a submission is written.
func (f *Form) Decided() bool { return f.Answer != Unsettled }

// AppendClass appends class c, as the submission writes it, to dst.
func (f *Form) AppendClass(dst []byte, c int) []byte {
	if len(f.Names) > 0 {
		return append(dst, f.Names[c]...)
	}
	return strconv.AppendInt(dst, int64(c+f.First), 10)
}

// Example returns a field that an answer may have.
func (f *Form) Example() string {
	switch f.Answer {
	case Values:
		return "0.5"
	case Indicators:
		return f.No
	}
	return string(f.AppendClass(nil, 0))
}

// Copied reports whether the submission has the sample's field in a column: in the column
// of ids, and in one without a prediction.
func (f *Form) Copied(column int) bool {
	if f.Layout == ColumnPerClass {
		return f.Classes[column] < 0
	}
	return column != f.Field
}

// Equal reports whether f and g write the same submission.
func (f *Form) Equal(g *Form) bool {
	return f.Answer == g.Answer && f.Layout == g.Layout && slices.Equal(f.Header, g.Header) &&
		f.ID == g.ID && f.Field == g.Field && f.Class == g.Class && slices.Equal(f.Classes, g.Classes) && f.Target == g.Target &&
		slices.Equal(f.Names, g.Names) && f.First == g.First && f.Separator == g.Separator &&
		f.None == g.None && f.Top == g.Top && f.Yes == g.Yes && f.No == g.No
}

// String describes the form in one line, for the user to check.
func (f *Form) String() string {
	if !f.Decided() {
		return "undecided"
	}
	var text string
	switch f.Layout {
	case OneField:
		text = fmt.Sprintf("a row for each image, with %s in the column %q", f.content(), f.Header[f.Field])
	case ColumnPerClass:
		text = "a row for each image, with " + f.content() + " in a column of its own: " + f.mapping()
	case RowPerClass:
		text = fmt.Sprintf("a row for each image and class, joined by %q in the column %q, with %s in the column %q",
			f.Separator, f.Header[f.ID], f.content(), f.Header[f.Field])
	case ClassColumn:
		text = fmt.Sprintf("a row for each image and class, in the columns %q and %q, with %s in the column %q",
			f.Header[f.ID], f.Header[f.Class], f.content(), f.Header[f.Field])
	}
	if copied := f.copies(); len(copied) > 0 {
		text += fmt.Sprintf("; copied from the sample: %s", quoted(copied))
	}
	return text
}

// content describes the content of a field.
func (f *Form) content() string {
	class := "class numbers from " + strconv.Itoa(f.First)
	if len(f.Names) > 0 {
		class = "class names such as " + strconv.Quote(f.Names[0])
	}
	switch f.Answer {
	case Labels:
		if f.Top > 1 {
			return fmt.Sprintf("the %d most likely classes, as %s separated by %q", f.Top, class, f.Separator)
		}
		if f.Top == 1 {
			return "the most likely class, as one of the " + class
		}
		text := fmt.Sprintf("all its classes, as %s separated by %q", class, f.Separator)
		if f.None != "" {
			text += fmt.Sprintf(" (%q for none)", f.None)
		}
		return text
	case Label:
		return "one class, as " + strings.Replace(strings.Replace(class, "numbers", "number", 1), "names", "name", 1)
	case Indicators:
		return fmt.Sprintf("%s or %s for %s", f.No, f.Yes, f.subject())
	}
	return "the prediction of " + f.subject()
}

// subject names the classes of a value or indicator.
func (f *Form) subject() string {
	if f.Layout == OneField {
		return fmt.Sprintf("class %d", f.Target)
	}
	return "each class"
}

// maxMapped is the number of columns that mapping names.
const maxMapped = 3

// mapping names the columns of the first classes.
func (f *Form) mapping() string {
	var parts []string
	for column, c := range f.Classes {
		if c < 0 {
			continue
		}
		if len(parts) == maxMapped {
			return strings.Join(parts, ", ") + ", …"
		}
		parts = append(parts, fmt.Sprintf("%q is class %d", f.Header[column], c))
	}
	return strings.Join(parts, ", ")
}

// copies returns the names of the copied columns, without the ids.
func (f *Form) copies() []string {
	var names []string
	for i, name := range f.Header {
		if f.Copied(i) && i != f.ID && !(f.Layout == ClassColumn && i == f.Class) {
			names = append(names, name)
		}
	}
	return names
}

// quoted joins quoted names. It shows the first few.
func quoted(names []string) string {
	shown := make([]string, min(len(names), maxShown))
	for i := range shown {
		shown[i] = strconv.Quote(names[i])
	}
	text := strings.Join(shown, ", ")
	if len(names) > len(shown) {
		text += fmt.Sprintf(", … (%d)", len(names))
	}
	return text
}
