package inittask

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// The layout of gc's object files, from cmd/internal/goobj/objfile.go.
const (
	magic         = "\x00go120ld"
	headerOffsets = len(magic) + 8 + 4 // after the magic: fingerprint, flags
	blkSymdef     = 3                  // defined symbols that the package owns
	blkNonpkgref  = 7                  // the first block without definitions
	symSize       = 8 + 2 + 1 + 1 + 1 + 4 + 4
)

var errFormat = errors.New("not an object file of a known format")

// Has reports whether a compiled package has something to initialize: an init
// function, a variable that isn't initialized statically, or an import that has. The
// import path of a main package is "main". Has reads only the needed parts of the file.
func Has(file, path string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	obj, err := goObject(io.NewSectionReader(f, 0, info.Size()))
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	found, err := defines(obj, symbol(path))
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	return found, nil
}

// symbol returns the linker symbol of a package's initialization task.
func symbol(path string) string { return escape(path) + "..inittask" }

// escape returns what cmd/internal/objabi.PathToPrefix returns.
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

// goObject finds the object in the member _go_.o of an archive.
func goObject(file *io.SectionReader) (*io.SectionReader, error) {
	const head, entry = "!<arch>\n", 60
	if start, err := read(file, 0, len(head)); err != nil || string(start) != head {
		return nil, errFormat
	}
	for at := int64(len(head)); at+entry <= file.Size(); {
		e, err := read(file, at, entry)
		if err != nil {
			return nil, errFormat
		}
		at += entry
		name := strings.TrimRight(string(e[:16]), " /")
		size, err := strconv.ParseInt(strings.TrimSpace(string(e[48:58])), 10, 64)
		if err != nil || size < 0 || size > file.Size()-at {
			return nil, errFormat
		}
		if name == "_go_.o" {
			return afterHeaders(io.NewSectionReader(file, at, size))
		}
		at += size + size&1
	}
	return nil, errFormat
}

// afterHeaders skips the text lines before an object, such as "go object linux amd64".
func afterHeaders(member *io.SectionReader) (*io.SectionReader, error) {
	const longest = 64 << 10
	start, err := read(member, 0, int(min(longest, member.Size())))
	if err != nil {
		return nil, errFormat
	}
	i := bytes.Index(start, []byte(magic))
	if i < 0 {
		return nil, errFormat
	}
	return io.NewSectionReader(member, int64(i), member.Size()-int64(i)), nil
}

// read returns n bytes at an offset.
func read(r *io.SectionReader, at int64, n int) ([]byte, error) {
	if at < 0 || n < 0 || at > r.Size()-int64(n) {
		return nil, errFormat
	}
	b := make([]byte, n)
	_, err := io.ReadFull(io.NewSectionReader(r, at, int64(n)), b)
	return b, err
}

// defines reports whether the object file defines the symbol.
func defines(obj *io.SectionReader, name string) (bool, error) {
	u32 := func(b []byte) int { return int(binary.LittleEndian.Uint32(b)) }
	header, err := read(obj, int64(headerOffsets), 4*(blkNonpkgref+1))
	if err != nil {
		return false, errFormat
	}
	from, to := u32(header[4*blkSymdef:]), u32(header[4*blkNonpkgref:])
	if from > to {
		return false, errFormat
	}
	symbols, err := read(obj, int64(from), to-from)
	if err != nil {
		return false, errFormat
	}
	for ; len(symbols) >= symSize; symbols = symbols[symSize:] {
		if u32(symbols) != len(name) {
			continue
		}
		text, err := read(obj, int64(u32(symbols[4:])), len(name))
		if err != nil {
			return false, errFormat
		}
		if string(text) == name {
			return true, nil
		}
	}
	return false, nil
}
