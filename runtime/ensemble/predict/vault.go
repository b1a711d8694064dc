package predict

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// vault opens the weight files under the input root. It never writes.
type vault struct {
	found   *input.Found
	names   map[string]bool // of the plan's folds
	keys    []crypt.Key
	threads int
	regions *regions
	given   func(context.Context, *ensemble.Fold) ([]byte, error) // Options.Read
}

// newVault takes the key that was given, or those that lie under the input
// root.
func newVault(found *input.Found, p *ensemble.Plan, key *crypt.Key, threads int, j *journal) *vault {
	v := &vault{found: found, names: map[string]bool{}, threads: threads, regions: newRegions(p)}
	for _, name := range p.FoldNames() {
		v.names[name] = true
	}
	if key != nil {
		v.keys = []crypt.Key{*key}
		return v
	}
	for _, path := range found.Keys {
		text, err := os.ReadFile(path)
		var k crypt.Key
		if err == nil {
			k, err = crypt.ParseKey(string(text))
		}
		if err != nil {
			j.warn("%s: %v", path, err)
			continue
		}
		v.keys = append(v.keys, k)
	}
	return v
}

// plainName is the name of a fold's plain file, under which it was encrypted.
func plainName(f *ensemble.Fold) string { return f.Name + input.WeightsExt }

// files lists where the weights of a fold may be, the likeliest first: files
// of its name, plain before encrypted, then files of its size whose name is no
// fold's at all.
func (v *vault) files(f *ensemble.Fold) []input.File {
	var plain, enc, renamed []input.File
	for _, file := range v.found.Weights {
		base := filepath.Base(file.Path)
		switch {
		case base == plainName(f):
			plain = append(plain, file)
		case base == plainName(f)+crypt.Ext:
			enc = append(enc, file)
		case v.renamed(file) && plainSize(file) == f.Size:
			renamed = append(renamed, file)
		}
	}
	return slices.Concat(plain, enc, renamed)
}

// renamed reports whether a file has a name that is no fold's.
func (v *vault) renamed(file input.File) bool {
	base := strings.TrimSuffix(filepath.Base(file.Path), crypt.Ext)
	return !v.names[strings.TrimSuffix(base, input.WeightsExt)]
}

// plainSize is the size of a file's plaintext as far as the file tells, or -1.
func plainSize(file input.File) int64 {
	if !encrypted(file.Path) {
		return file.Size
	}
	f, err := os.Open(file.Path)
	if err != nil {
		return -1
	}
	defer f.Close()
	info, err := crypt.Inspect(f, file.Size)
	if err != nil {
		return -1
	}
	return info.Plain
}

func encrypted(path string) bool { return strings.HasSuffix(path, crypt.Ext) }

// errMissing is that there is no file that could be a fold's.
var errMissing = errors.New("not found")

// check looks whether a fold's weights are there, whole, and readable with
// the key, without reading them all unless their name is another.
func (v *vault) check(ctx context.Context, f *ensemble.Fold) error {
	if v.given != nil {
		return nil
	}
	_, err := first(v.files(f), func(file input.File) (none struct{}, err error) {
		r, err := v.open(file, f)
		if err == nil {
			defer r.Close()
			if v.renamed(file) {
				err = r.check(ctx, f)
			}
		}
		if err != nil && v.renamed(file) {
			err = errMissing // it was a guess
		}
		return none, err
	})
	return err
}

// read returns the weights of a fold, whose SHA-256 was checked. Who has no more
// use for them gives them back.
func (v *vault) read(ctx context.Context, f *ensemble.Fold) ([]byte, error) {
	if v.given != nil {
		return v.given(ctx, f)
	}
	return first(v.files(f), func(file input.File) ([]byte, error) {
		return v.readFile(ctx, file, f)
	})
}

func (v *vault) readFile(ctx context.Context, file input.File, f *ensemble.Fold) ([]byte, error) {
	r, err := v.open(file, f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := v.regions.take(r.size)
	if err = r.readInto(ctx, data, v.threads); err == nil {
		sum := sha256.Sum256(data)
		err = is(f, sum[:])
	}
	if err != nil {
		v.give(data)
		return nil, fmt.Errorf("%s: %w", file.Path, err)
	}
	return data, nil
}

// give takes back the weights that read returned.
func (v *vault) give(data []byte) {
	if v.given == nil {
		v.regions.give(data)
	}
}

// is returns an error unless the fold's weights have this SHA-256.
func is(f *ensemble.Fold, sum []byte) error {
	if strings.EqualFold(hex.EncodeToString(sum), f.SHA256) {
		return nil
	}
	return fmt.Errorf("not the weights that this plan was made with: their SHA-256 is %x, not %s", sum, f.SHA256)
}

// first returns what the first file gives without error, else the first
// file's error.
func first[T any](files []input.File, try func(input.File) (T, error)) (T, error) {
	var none T
	err := errMissing
	for i, file := range files {
		value, e := try(file)
		if e == nil {
			return value, nil
		}
		if i == 0 {
			err = e
		}
	}
	return none, err
}

// opened is a weight file that is being read.
type opened struct {
	file  *os.File
	size  int64
	crypt *crypt.ReaderAt // nil where the file is plain
}

func (o *opened) Close() error { return o.file.Close() }

// open opens a file that may be a fold's; its size is right.
func (v *vault) open(file input.File, f *ensemble.Fold) (*opened, error) {
	src, err := os.Open(file.Path)
	if err != nil {
		return nil, err
	}
	o := &opened{file: src, size: file.Size}
	if encrypted(file.Path) {
		o.crypt, err = v.decrypt(src, file, f)
		if err == nil {
			o.size = o.crypt.Size()
		}
	}
	if err == nil && o.size != f.Size {
		err = fmt.Errorf("%s: %d bytes of weights, but this plan was made with %d", file.Path, o.size, f.Size)
	}
	if err != nil {
		src.Close()
		return nil, err
	}
	return o, nil
}

func (v *vault) decrypt(src io.ReaderAt, file input.File, f *ensemble.Fold) (*crypt.ReaderAt, error) {
	if len(v.keys) == 0 {
		return nil, ensemble.Hint(fmt.Errorf("%s: encrypted, and there is no key", file.Path),
			"give --key FILE, set DEPLOY_KERNEL_KEY to the key's text, or add the key as a .key file to the input")
	}
	var err error
	for _, key := range v.keys {
		var r *crypt.ReaderAt
		if r, err = crypt.NewReaderAt(src, file.Size, key, plainName(f)); err == nil {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", file.Path, err)
}

// readInto reads the whole plaintext into data, which has its size.
func (o *opened) readInto(ctx context.Context, data []byte, threads int) error {
	if o.crypt != nil {
		return o.crypt.ReadInto(ctx, data, threads)
	}
	_, err := io.ReadFull(&reader{ctx, o.file}, data)
	return err
}

// check returns an error unless the plaintext is the fold's. It never has more
// than a piece of it in memory.
func (o *opened) check(ctx context.Context, f *ensemble.Fold) error {
	var src io.ReaderAt = o.file
	if o.crypt != nil {
		src = o.crypt
	}
	h := sha256.New()
	if _, err := io.Copy(h, &reader{ctx, io.NewSectionReader(src, 0, o.size)}); err != nil {
		return err
	}
	return is(f, h.Sum(nil))
}

// reader reads until its context ends.
type reader struct {
	ctx context.Context
	src io.Reader
}

func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	const most = 8 << 20 // between two looks at the context
	return r.src.Read(b[:min(len(b), most)])
}
