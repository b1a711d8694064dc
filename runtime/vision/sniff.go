package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// FormatError is returned for a file whose format a Decoder does not support.
type FormatError struct {
	// Name is the format or kind of the file, as [Sniff] returns it: "HEIC",
	// "webp", "an HTML page"; "" if it is unknown.
	Name string
	// Known reports whether a package below this one decodes the format, but the
	// Decoder does not list it.
	Known bool
}

func (e *FormatError) Error() string {
	const convert = "convert it to PNG or JPEG"
	switch {
	case e.Known:
		return fmt.Sprintf("format %[1]s is not built into this program; %[2]s, or deploy the kernel with %[1]s in --formats", e.Name, convert)
	case e.Name == "":
		return "the format of this file is unknown; " + convert
	}
	if advice, ok := notImages[e.Name]; ok {
		return fmt.Sprintf("the file is %s, not an image; %s", e.Name, advice)
	}
	advice, ok := containers[e.Name]
	if !ok {
		advice = convert
	}
	return fmt.Sprintf("format %s is not supported; %s", e.Name, advice)
}

func unsupported(data []byte) error {
	name := Sniff(data[:min(len(data), 512)])
	return &FormatError{name, knownFormats[name]}
}

// IsFormat reports whether a result of [Sniff] names a file format, such as "HEIC"
// or "zip". It is false for "", "text" and "an HTML page".
func IsFormat(name string) bool {
	_, other := notImages[name]
	return name != "" && !other
}

// knownFormats holds the formats that packages below this one decode.
var knownFormats = map[string]bool{"jpeg": true, "png": true, "gif": true, "webp": true, "bmp": true, "tiff": true}

// notImages maps files that are not images to what the user can do about them.
var notImages = map[string]string{
	"an HTML page":      "download the image again",
	"a Git LFS pointer": "fetch the image with: git lfs pull",
	"text":              "put the image in its place",
	"XML":               "put the image in its place",
	"JSON":              "put the image in its place",
	"nothing but zeros": "copy or download the image again",
	"encrypted by age":  "decrypt it",
}

// containers maps formats that wrap images to what the user can do about them.
var containers = map[string]string{
	"gzip":       "unpack the file",
	"bzip2":      "unpack the file",
	"xz":         "unpack the file",
	"zstd":       "unpack the file",
	"zip":        "unpack the file",
	"7z":         "unpack the file",
	"RAR":        "unpack the file",
	"tar":        "unpack the file",
	"HDF5":       "export its images to PNG",
	"NPY":        "export it to PNG",
	"Parquet":    "export its images to PNG",
	"PDF":        "convert its pages to PNG",
	"PostScript": "convert its pages to PNG",
	"MP4":        "export its frames to PNG",
	"Matroska":   "export its frames to PNG",
	"AVI":        "export its frames to PNG",
}

// magics lists the first bytes of formats, the more specific first. A dot in a
// pattern matches any byte.
var magics = []struct{ pattern, name string }{
	{"\x89PNG\r\n\x1a\n", "png"},
	{"\xff\xd8\xff", "jpeg"},
	{"GIF87a", "gif"},
	{"GIF89a", "gif"},
	{"RIFF....WEBP", "webp"},
	{"II+\x00", "BigTIFF"},
	{"MM\x00+", "BigTIFF"},
	{"II*\x00........CR", "Canon raw (CR2)"},
	{"II*\x00", "tiff"},
	{"MM\x00*", "tiff"},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"},
	{"\xff\x0a", "JPEG XL"},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"},
	{"\xff\x4f\xff\x51", "JPEG 2000"},
	{"8BPS", "PSD"},
	{"\x00\x00\x01\x00", "ICO"},
	{"\x00\x00\x02\x00", "CUR"},
	{"v/1\x01", "OpenEXR"},
	{"#?RADIANCE", "Radiance HDR"},
	{"DDS ", "DDS"},
	{"gimp xcf", "XCF"},
	{"qoif", "QOI"},
	{"SIMPLE  =", "FITS"},
	{"\x8aMNG\r\n\x1a\n", "MNG"},
	{"\x8bJNG\r\n\x1a\n", "JNG"},
	{"II\xbc", "JPEG XR"},
	{"FUJIFILMCCD-RAW", "Fuji raw (RAF)"},
	{"IIRO", "Olympus raw (ORF)"},
	{"IIU\x00", "Panasonic raw (RW2)"},
	{"AT&TFORM", "DjVu"},
	{"\x01\xda", "SGI"},
	{"P1", "PBM"},
	{"P2", "PGM"},
	{"P3", "PPM"},
	{"P4", "PBM"},
	{"P5", "PGM"},
	{"P6", "PPM"},
	{"P7\n", "PAM"},
	{"\x0a\x05\x01", "PCX"},
	{"%PDF-", "PDF"},
	{"%!PS", "PostScript"},
	{"\x89HDF\r\n\x1a\n", "HDF5"},
	{"\x93NUMPY", "NPY"},
	{"PAR1", "Parquet"},
	{"\x1f\x8b", "gzip"},
	{"BZh", "bzip2"},
	{"\xfd7zXZ\x00", "xz"},
	{"\x28\xb5\x2f\xfd", "zstd"},
	{"PK\x03\x04", "zip"},
	{"PK\x05\x06", "zip"},
	{"7z\xbc\xaf\x27\x1c", "7z"},
	{"Rar!\x1a\x07", "RAR"},
	{"RIFF....AVI ", "AVI"},
	{"\x1aE\xdf\xa3", "Matroska"},
	{"version https://git-lfs", "a Git LFS pointer"},
	{"age-encryption.org/", "encrypted by age"},
}

// Sniff returns the format or kind of a file that starts with head: "HEIC", "AVIF",
// "JPEG XL", "an HTML page"; "" if it is unknown. Formats that packages below this
// one decode have the names used there, such as "jpeg". 512 bytes are enough.
func Sniff(head []byte) string {
	for _, m := range magics {
		if matches(head, m.pattern) {
			if m.name == "PBM" || m.name == "PGM" || m.name == "PPM" {
				if len(head) < 3 || !strings.ContainsRune(" \t\r\n#", rune(head[2])) {
					continue
				}
			}
			return m.name
		}
	}
	switch {
	case isBMP(head):
		return "bmp"
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return isoBrand(head)
	case len(head) >= 132 && string(head[128:132]) == "DICM":
		return "DICOM"
	case len(head) >= 348 && (string(head[344:347]) == "n+1" || string(head[344:347]) == "ni1"):
		return "NIfTI"
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "tar"
	case len(head) > 0 && len(bytes.Trim(head, "\x00")) == 0:
		return "nothing but zeros"
	}
	return sniffText(head)
}

func matches(head []byte, pattern string) bool {
	if len(head) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '.' && pattern[i] != head[i] {
			return false
		}
	}
	return true
}

// isBMP reports whether "BM" is followed by a plausible header length.
func isBMP(head []byte) bool {
	if len(head) < 18 || head[0] != 'B' || head[1] != 'M' {
		return false
	}
	n := binary.LittleEndian.Uint32(head[14:])
	return n >= 12 && n <= 1024
}

// isoBrand returns the format of an ISO base media file. The first brand decides,
// unless it is "mif1" or "msf1"; then the compatible brands do.
func isoBrand(head []byte) string {
	size := min(int(binary.BigEndian.Uint32(head)), len(head))
	brands := []string{string(head[8:12])}
	for i := 16; i+4 <= size; i += 4 {
		brands = append(brands, string(head[i:i+4]))
	}
	for _, b := range brands {
		switch b {
		case "avif", "avis":
			return "AVIF"
		case "heic", "heix", "hevc", "hevx", "heim", "heis":
			return "HEIC"
		case "crx ":
			return "Canon raw (CR3)"
		}
	}
	if strings.HasPrefix(brands[0], "mi") || strings.HasPrefix(brands[0], "ms") {
		return "HEIF"
	}
	return "MP4"
}

// sniffText returns the kind of a text, or "" for binary data.
func sniffText(head []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(text) == 0 || !isText(text) {
		return ""
	}
	low := strings.ToLower(string(text))
	switch {
	case strings.HasPrefix(low, "<!doctype html"), strings.HasPrefix(low, "<html"), strings.HasPrefix(low, "<head"), strings.HasPrefix(low, "<body"):
		return "an HTML page"
	case strings.HasPrefix(low, "<") && strings.Contains(low, "<svg"):
		return "SVG"
	case strings.HasPrefix(low, "<") && strings.Contains(low, "<html"):
		return "an HTML page"
	case strings.HasPrefix(low, "<"):
		return "XML"
	case strings.HasPrefix(low, "{\""), strings.HasPrefix(low, "{}"), strings.HasPrefix(low, "[{"):
		return "JSON"
	}
	return "text"
}

// isText reports whether b is UTF-8 without control characters. b may end inside a
// character.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return len(b) < utf8.UTFMax && !utf8.FullRune(b)
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != '\x1b' {
			return false
		}
		b = b[n:]
	}
	return true
}
