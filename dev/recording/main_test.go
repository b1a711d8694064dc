package main

import (
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"
)

func TestTheRecordingIsThatOfTheQuickStart(t *testing.T) {
	want, err := record("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/demo.svg")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/demo.svg differs from docs/quickstart.md: run `make docs`")
	}
}

func TestTheRecordingIsWellFormed(t *testing.T) {
	svg := draw("a & b", []string{"$ echo '<a>'", "<a>", strings.Repeat("x", 99)})
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
