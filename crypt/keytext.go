package crypt

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// KeyText returns the line of a key file that holds the key. It accepts a byte order
// mark, UTF-16, any line ends, blank lines, and comments that begin with "#". If
// several lines remain it returns them all, and they are no key.
func KeyText(file string) string {
	file = strings.TrimPrefix(fromUTF16(file), "\ufeff")
	var lines []string
	for line := range strings.FieldsFuncSeq(file, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// fromUTF16 decodes a text in UTF-16 and returns any other text unchanged. Without a
// byte order mark, a zero byte in the first character reveals UTF-16.
func fromUTF16(file string) string {
	if len(file) < 2 || len(file)%2 != 0 {
		return file
	}
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(file, "\xff\xfe") || file[1] == 0 && file[0] != 0:
		order = binary.LittleEndian
	case strings.HasPrefix(file, "\xfe\xff") || file[0] == 0 && file[1] != 0:
		order = binary.BigEndian
	default:
		return file
	}
	units := make([]uint16, len(file)/2)
	for i := range units {
		units[i] = order.Uint16([]byte(file[2*i : 2*i+2]))
	}
	return string(utf16.Decode(units))
}
