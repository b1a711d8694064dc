package input_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

func TestTablesOfEveryKindOfLineEnd(t *testing.T) {
	for _, text := range []string{
		"id,attribute_ids\n1165e02531758026,147 616\n0012,\n",
		"id,attribute_ids\r\n1165e02531758026,147 616\r\n0012,\r\n",
		"\xef\xbb\xbfid,attribute_ids\n1165e02531758026,147 616\n0012,",
		"id,attribute_ids\r1165e02531758026,147 616\r0012,\r",
		"id,attribute_ids\n   \n1165e02531758026,147 616\n\t\r\n0012,\n\n \n",
		wide("\ufeffid,attribute_ids\r\n1165e02531758026,147 616\r\n0012,\r\n", binary.LittleEndian),
		wide("\ufeffid,attribute_ids\n1165e02531758026,147 616\n0012,\n", binary.BigEndian),
		wide("id,attribute_ids\n1165e02531758026,147 616\n0012,\n", binary.LittleEndian),
		wide("id,attribute_ids\n1165e02531758026,147 616\n0012,\n", binary.BigEndian),
		"\"id\",\"attribute_ids\"\n\n\"1165e02531758026\",\"147 616\"\n0012,\"\"\n",
	} {
		table, err := input.ReadTable("t.csv", strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if table.Columns != [2]string{"id", "attribute_ids"} || !slices.Equal(table.IDs(), []string{"1165e02531758026", "0012"}) {
			t.Errorf("%q: %+v", text, table)
		}
		if got, err := table.Classes(0, 1103); err != nil || !slices.Equal(got, []int{147, 616}) {
			t.Errorf("%q: classes %v, %v", text, got, err)
		}
		if got, err := table.Classes(1, 1103); err != nil || len(got) != 0 {
			t.Errorf("%q: classes %v, %v", text, got, err)
		}
	}
}

// wide returns a text in UTF-16.
func wide(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// Surrogate pairs may fall on the edges of blocks.
func TestLongTablesInUTF16AreRead(t *testing.T) {
	var b strings.Builder
	b.WriteString("\ufeffid,attribute_ids\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "%d\U0001f600é,%d\n", i, i)
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		table, err := input.ReadTable("t.csv", strings.NewReader(wide(b.String(), order)))
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range table.Rows {
			if row.ID != fmt.Sprintf("%d\U0001f600é", i) || row.Line != i+2 {
				t.Fatalf("row %d is %+v", i, row)
			}
		}
		if len(table.Rows) != 3000 {
			t.Errorf("%d rows", len(table.Rows))
		}
	}
}

func TestMistakesInATableNameTheLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "t.csv: the table is empty: a header and a row for each image are needed"},
		{"\xef\xbb\xbf", "t.csv: the table is empty: a header and a row for each image are needed"},
		{"id,attribute_ids\na,1\nb\n", "t.csv:3: fields in the row: 1; in the header: 2"},
		{"id,attribute_ids\r\n \r\na,1\r\nb\r\n", "t.csv:4: fields in the row: 1; in the header: 2"},
		{"id;attribute_ids\na;1\n", "t.csv:1: the columns are separated by semicolons; save the table with commas"},
		{"id\tattribute_ids\na\t1\n", "t.csv:1: the columns are separated by tabs; save the table with commas"},
		{"id,attribute_ids\n,1\n", "t.csv:2: the id is empty"},
		{"\"id\";\"attribute_ids\"\n", `t.csv:1:4: extraneous or missing " in quoted-field; are the columns separated by commas?`},
		{"id,attribute_ids\na,\"1\n", `t.csv:2:6: extraneous or missing " in quoted-field`},
		{"id,attribute_ids\na," + strings.Repeat("1 ", 1<<15) + "1\n", "t.csv:2: a field of more than 65536 bytes"},
	} {
		_, err := input.ReadTable("t.csv", strings.NewReader(c.text))
		if err == nil || err.Error() != c.want {
			t.Errorf("%.40q: got %v, want %s", c.text, err, c.want)
		}
	}
	table, err := input.ReadTable("t.csv", strings.NewReader("id,attribute_ids\na,1 x\nb,10\nc,-1\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`t.csv:2: "x" is not a class number`, "t.csv:3: class 10, but there are 10 (0 to 9)", "t.csv:4: class -1, but there are 10 (0 to 9)"} {
		if _, err := table.Classes(i, 10); err == nil || err.Error() != want {
			t.Errorf("row %d: got %v, want %s", i, err, want)
		}
	}
}

func TestTheRealTrainingTableIsRead(t *testing.T) {
	table, err := input.ReadTableFile(golden.Shared(t, "data/imet/train.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 109_237 {
		t.Errorf("%d rows", len(table.Rows))
	}
	var labels int
	for i := range table.Rows {
		classes, err := table.Classes(i, 1103)
		if err != nil {
			t.Fatal(err)
		}
		labels += len(classes)
	}
	if mean := float64(labels) / float64(len(table.Rows)); mean < 3.1 || mean > 3.2 {
		t.Errorf("%.3f labels a row", mean)
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add("id,attribute_ids\na,1 2\n")
	f.Add("\xef\xbb\xbfid,x\r\n\"a\"\"b\",\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := input.ReadTable("t.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		for i, r := range table.Rows {
			if r.ID == "" || r.Line < 1 {
				t.Errorf("row %+v", r)
			}
			table.Classes(i, 10)
		}
	})
}

func ExampleReadTable() {
	table, err := input.ReadTable("train.csv", strings.NewReader("id,attribute_ids\n1165e02531758026,3 1\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	classes, err := table.Classes(0, 10)
	fmt.Println(table.IDs(), classes, err)
	// Output: [1165e02531758026] [3 1] <nil>
}
