package templates

import (
	"bytes"
	"compress/gzip"
	_ "embed" // of kernel.py
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

//go:embed kernel.py
var launcher string

// Launcher has the values that kernel.py, the script that Kaggle starts, is made of.
type Launcher struct {
	Title   string // of the kernel
	Program string // file name of the program
	Dataset string // "owner/slug" of the dataset that holds the program
	SHA256  string // hex, of the program
	Size    int64  // of the program, in bytes
	// Source is the Go file that the program was built from.
	Source []byte
	// GoVersion is the oldest Go that builds Source, such as "1.25".
	GoVersion string
}

// lineLength is the number of base64 characters on a line of the script.
const lineLength = 120

// Python returns the script, which needs Python 3.6 and its standard library.
// It refuses a source that makes the script too large for Kaggle.
func (l Launcher) Python() ([]byte, error) {
	if err := CheckFileName(l.Program); err != nil {
		return nil, fmt.Errorf("kernel.py: %w", err)
	}
	source, err := pack(l.Source)
	if err != nil {
		return nil, fmt.Errorf("kernel.py: %w", err)
	}
	script := strings.NewReplacer(
		"@TITLE@", docText(l.Title),
		"@PROGRAM@", quote(l.Program),
		"@DATASET@", quote(l.Dataset),
		"@SHA256@", quote(l.SHA256),
		"@SIZE@", strconv.FormatInt(l.Size, 10),
		"@GO_VERSION@", quote(l.GoVersion),
		"@SOURCE@", source,
	).Replace(launcher)
	if err := CheckScriptSize(int64(len(script))); err != nil {
		return nil, fmt.Errorf("kernel.py: the script would have %w: the kernel's source is too large", err)
	}
	return []byte(script), nil
}

// quote returns s as a Python string literal. Every JSON string is one.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("templates: internal error: " + err.Error()) // every string has a JSON form
	}
	return string(b)
}

// docText replaces the characters that a Python docstring can't hold by spaces.
func docText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\\' || r == '"' {
			return ' '
		}
		return r
	}, s)
}

// pack returns b compressed by gzip, as lines of base64.
func pack(b []byte) (string, error) {
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(b); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	text := base64.StdEncoding.EncodeToString(z.Bytes())
	var lines strings.Builder
	for i := 0; i < len(text); i += lineLength {
		if i > 0 {
			lines.WriteByte('\n')
		}
		lines.WriteString(text[i:min(i+lineLength, len(text))])
	}
	return lines.String(), nil
}
