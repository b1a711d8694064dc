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

// Launcher is what the Python script that Kaggle starts must know.
type Launcher struct {
	// Title of the kernel.
	Title string
	// Program is the name of the program's file, in the dataset Dataset.
	Program string
	Dataset string
	SHA256  string // hex, of the program
	Size    int64  // of the program, in bytes
	// Source is the Go file that the program was built from.
	Source []byte
	// GoVersion is the oldest Go that builds Source, e.g. "1.26".
	GoVersion string
	// Experiment is the GOEXPERIMENT that Source needs, e.g. "simd", or "".
	Experiment string
}

// lineLength is how many characters of the source's base64 stand on a line.
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
		"@EXPERIMENT@", quote(l.Experiment),
		"@SOURCE@", source,
	).Replace(launcher)
	if len(script) >= MaxScript {
		return nil, fmt.Errorf("kernel.py: the script would have %d bytes, and Kaggle takes less than %d: the kernel's source is too large", len(script), MaxScript)
	}
	return []byte(script), nil
}

// quote returns s as a Python literal; JSON's texts are Python's too.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("templates: internal error: " + err.Error()) // a string always has a JSON form
	}
	return string(b)
}

// docText makes s fit to stand in a doc string.
func docText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\\' || r == '"' {
			return ' '
		}
		return r
	}, s)
}

// pack returns b as gzip in base64, in lines.
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
