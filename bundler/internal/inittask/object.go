package inittask

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The layout of gc's object files, from cmd/internal/goobj/objfile.go.
const (
	magic         = "\x00go120ld"
	headerOffsets = len(magic) + 8 + 4 // after the magic: fingerprint, flags
	blkSymdef     = 3                  // defined symbols that the package owns
	blkNonpkgref  = 7                  // the first block that isn't of definitions
	symSize       = 8 + 2 + 1 + 1 + 1 + 4 + 4
)

var errFormat = errors.New("not an object file of a known format")

// Has reports whether the compiled package in file, which has the import path
// path ("main" for a main package), has something to initialise: an init
// function, a variable that isn't laid out statically, or an import that has.
func Has(file, path string) (bool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	obj, err := goObject(data)
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	found, err := defines(obj, symbol(path))
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	return found, nil
}

// symbol returns the name of a package's task as the linker knows it.
func symbol(path string) string { return escape(path) + "..inittask" }

// escape does what cmd/internal/objabi.PathToPrefix does.
func escape(path string) string {
	slash := strings.LastIndexByte(path, '/')
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ', c == '.' && i > slash, c == '%', c == '"', c >= 0x7F:
			fmt.Fprintf(&b, "%%%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// goObject finds the member _go_.o of an archive.
func goObject(data []byte) ([]byte, error) {
	const head, entry = "!<arch>\n", 60
	rest, ok := bytes.CutPrefix(data, []byte(head))
	if !ok {
		return nil, errFormat
	}
	for len(rest) >= entry {
		name := strings.TrimRight(string(rest[:16]), " /")
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-entry {
			return nil, errFormat
		}
		body := rest[entry : entry+size]
		if name == "_go_.o" {
			// A line "go object linux amd64 ..." and other headers come first.
			if i := bytes.Index(body, []byte(magic)); i >= 0 {
				return body[i:], nil
			}
			return nil, errFormat
		}
		rest = rest[min(len(rest), entry+size+size&1):]
	}
	return nil, errFormat
}

// defines reports whether the object file defines a symbol of this name.
func defines(obj []byte, name string) (bool, error) {
	u32 := func(off int) (int, bool) {
		if off < 0 || off+4 > len(obj) {
			return 0, false
		}
		return int(binary.LittleEndian.Uint32(obj[off:])), true
	}
	from, ok1 := u32(headerOffsets + 4*blkSymdef)
	to, ok2 := u32(headerOffsets + 4*blkNonpkgref)
	if !ok1 || !ok2 || from > to || to > len(obj) {
		return false, errFormat
	}
	for off := from; off+symSize <= to; off += symSize {
		n, _ := u32(off)
		at, _ := u32(off + 4)
		if n != len(name) {
			continue
		}
		if at < 0 || at+n > len(obj) {
			return false, errFormat
		}
		if string(obj[at:at+n]) == name {
			return true, nil
		}
	}
	return false, nil
}
