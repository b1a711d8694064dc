// Package textfile reads the small YAML files that users name. It refuses a file that
// was named by mistake, and says what it is.
//
//	text, err := textfile.Read("2b_se_resnext50.pth", "a config")
//	// 2b_se_resnext50.pth: this is a file of PyTorch weights; a config is a YAML file
//
// It reads at most [MaxSize] bytes, and refuses anything but text. An error shows at
// most a few words of a file.
package textfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// MaxSize is the size in bytes of the largest text that Read accepts.
const MaxSize = 1 << 20

// Read returns the text of the file at path. want says what the file should be, such
// as "a config", for the error.
func Read(path, want string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: this is a folder; %s is a YAML file", path, want)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return data, Check(path, want, data)
}

// Check returns an error if data is not YAML text. name is the file's name, and want
// says what it should be.
func Check(name, want string, data []byte) error {
	if kind := Kind(data); kind != "" {
		return fmt.Errorf("%s: this is %s; %s is a YAML file", name, kind, want)
	}
	if len(data) > MaxSize {
		return fmt.Errorf("%s: this text is larger than 1 MB; %s is a small YAML file", name, want)
	}
	return nil
}

// magics are the first bytes of files that often lie beside a YAML file.
var magics = []struct{ magic, kind string }{
	{"PK\x03\x04", "a file of PyTorch weights, or another zip archive"},
	{"\x80\x02", "a file of PyTorch weights, or another pickle"},
	{"\x93NUMPY", "a NumPy array"},
	{"\x89PNG", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"GIF8", "a GIF image"},
	{"\x1f\x8b", "a gzip archive"},
	{"\x7fELF", "a program"},
	{"version https://git-lfs", "a Git LFS pointer, in place of the file itself"},
}

// Kind returns the kind of data, such as "a PNG image", or "" if it may be YAML text.
func Kind(data []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.kind
		}
	}
	if len(data) > 9 && data[8] == '{' && binary.LittleEndian.Uint64(data) < 1<<27 {
		return "a file of safetensors weights"
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "" // UTF-16, which YAML knows
	}
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(whole(data)) {
		return "no text"
	}
	text := strings.ToLower(strings.TrimSpace(string(data[:min(len(data), 512)])))
	if strings.HasPrefix(text, "<!doctype") || strings.HasPrefix(text, "<html") {
		return "a web page"
	}
	if isTable(string(data[:min(len(data), 4096)])) {
		return "a table (CSV)"
	}
	return ""
}

// whole drops the last character of data longer than MaxSize, which may be cut.
func whole(data []byte) []byte {
	if len(data) <= MaxSize {
		return data
	}
	for i := 0; i < utf8.UTFMax && len(data) > 0; i++ {
		if r, n := utf8.DecodeLastRune(data); r != utf8.RuneError || n != 1 {
			break
		}
		data = data[:len(data)-1]
	}
	return data
}

// isTable reports whether a text begins with two lines of equally many fields. YAML
// would read them as one long word.
func isTable(text string) bool {
	first, rest, ok := strings.Cut(text, "\n")
	second, _, _ := strings.Cut(rest, "\n")
	n := strings.Count(first, ",")
	return ok && n > 0 && strings.Count(second, ",") == n && !strings.ContainsAny(first, ":[{#")
}

// Short returns the beginning of a text on one line, for a message.
func Short(text string) string {
	const most = 40
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
