package supply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// ErrMissing is returned if no file can be the weights of a fold.
var ErrMissing = errors.New("not found")

// Vault is the Source of the weight files under an input root.
type Vault struct {
	files   []input.File
	names   map[string]bool // of the plan's folds
	keys    []crypt.Key
	threads int
	buffers *pool
}

// Options configure a Vault. Found is required.
type Options struct {
	Found *input.Found
	// Key decrypts the weights. If it is nil, the vault tries the keys of Found.Keys.
	Key     *crypt.Key
	Threads int // decrypting goroutines for each file; 0 means one for each core
}

// NewVault returns a vault of the plan's weights, and an error for each file of
// Found.Keys that holds no key.
func NewVault(p *ensemble.Plan, o Options) (v *Vault, unusable []error) {
	v = &Vault{files: o.Found.Weights, names: map[string]bool{}, threads: o.Threads, buffers: newPool(p)}
	for _, name := range p.FoldNames() {
		v.names[name] = true
	}
	if o.Key != nil {
		v.keys = []crypt.Key{*o.Key}
		return v, nil
	}
	for _, path := range o.Found.Keys {
		text, err := os.ReadFile(path)
		var k crypt.Key
		if err == nil {
			k, err = crypt.ParseKey(string(text))
		}
		if err != nil {
			unusable = append(unusable, fmt.Errorf("%s: %w", path, err))
			continue
		}
		v.keys = append(v.keys, k)
	}
	return v, unusable
}

// Path returns the file that Read tries first for f; "" if there is none.
func (v *Vault) Path(f *ensemble.Fold) string {
	files := v.candidates(f)
	if len(files) == 0 {
		return ""
	}
	return files[0].Path
}

// Check implements Source. It reads a file to its end only if the name is not f's.
func (v *Vault) Check(ctx context.Context, f *ensemble.Fold) error {
	_, err := firstOf(v.candidates(f), func(file input.File) (none struct{}, err error) {
		w, err := v.open(file, f)
		if err == nil {
			defer w.Close()
			if v.renamed(file) {
				err = w.verify(ctx, f)
			}
		}
		if err != nil && v.renamed(file) {
			err = ErrMissing // the file only had the size of the weights
		}
		return none, err
	})
	return err
}

// Read implements Source. The weights have the SHA-256 of the plan.
func (v *Vault) Read(ctx context.Context, f *ensemble.Fold) ([]byte, error) {
	return firstOf(v.candidates(f), func(file input.File) ([]byte, error) {
		w, err := v.open(file, f)
		if err != nil {
			return nil, err
		}
		defer w.Close()
		data := v.buffers.take(w.size)
		if err := w.read(ctx, data, v.threads, f); err != nil {
			v.buffers.give(data)
			return nil, fmt.Errorf("%s: %w", file.Path, err)
		}
		return data, nil
	})
}

// Release implements Source.
func (v *Vault) Release(data []byte) { v.buffers.give(data) }

// candidates lists the files that may hold the weights of f, the likeliest first: files
// of its name, plain before encrypted, then files of its size under a name of no fold.
func (v *Vault) candidates(f *ensemble.Fold) []input.File {
	var plain, encrypted, renamed []input.File
	for _, file := range v.files {
		base := filepath.Base(file.Path)
		switch {
		case base == plainName(f):
			plain = append(plain, file)
		case base == plainName(f)+crypt.Ext:
			encrypted = append(encrypted, file)
		case v.renamed(file) && plainSize(file) == f.Size:
			renamed = append(renamed, file)
		}
	}
	return slices.Concat(plain, encrypted, renamed)
}

// renamed reports whether a file has the name of no fold.
func (v *Vault) renamed(file input.File) bool {
	base := strings.TrimSuffix(filepath.Base(file.Path), crypt.Ext)
	return !v.names[strings.TrimSuffix(base, input.WeightsExt)]
}

// plainName returns the file name of f's plain weights. Encryption authenticates it.
func plainName(f *ensemble.Fold) string { return f.Name + input.WeightsExt }

// firstOf returns the result of the first file that try accepts, or else the error of
// the first file.
func firstOf[T any](files []input.File, try func(input.File) (T, error)) (T, error) {
	var none T
	first := ErrMissing
	for i, file := range files {
		value, err := try(file)
		if err == nil {
			return value, nil
		}
		if i == 0 {
			first = err
		}
	}
	return none, first
}
