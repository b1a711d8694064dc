package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/datasets"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/internal/streams"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// weights writes the weights of every fold, in as many datasets as they need.
func (s *state) weights(ctx context.Context) error {
	dir := filepath.Join(s.stage, weightsFolder)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	var files []File
	for _, w := range s.built.Weights {
		s.Step("writing the weights " + w.Name)
		f, err := s.weight(ctx, w, dir, w.Plain)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	return s.divide(files)
}

// weight writes the weights of one fold to dir: what was encrypted before as it is,
// else what read returns.
func (s *state) weight(ctx context.Context, w plan.Weight, dir string, read func(context.Context) ([]byte, error)) (File, error) {
	name := w.Name + input.WeightsExt
	if s.KeyPlace != NoKey {
		name += crypt.Ext
	}
	if err := templates.CheckFileName(name); err != nil {
		return File{}, err
	}
	to := filepath.Join(dir, name)
	if s.KeyPlace != NoKey {
		for _, from := range s.encryptedBefore(w, name) {
			if !s.holds(ctx, from, w) {
				continue
			}
			f, err := copyFile(from, to)
			f.Plain = w.SHA256
			return f, err
		}
	}
	plain, err := read(ctx)
	if err != nil {
		return File{}, err
	}
	f, err := s.put(to, plain)
	if s.KeyPlace != NoKey {
		f.Plain = w.SHA256
	}
	return f, err
}

// encryptedBefore lists the files that may be the weights, encrypted under the
// key already.
func (s *state) encryptedBefore(w plan.Weight, name string) []string {
	paths, err := filepath.Glob(filepath.Join(globEscape(s.Output), weightsFolder+"*", name))
	if err != nil {
		paths = nil
	}
	if w.Encrypted() && filepath.Base(w.Path) == name {
		paths = append(paths, w.Path)
	}
	return paths
}

// globEscape makes path a pattern that matches itself.
func globEscape(path string) string {
	var b []byte
	for i := range len(path) {
		if bytes.IndexByte([]byte(`*?[\`), path[i]) >= 0 {
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}

// holds reports whether the file at path has the plaintext of w under the key.
func (s *state) holds(ctx context.Context, path string, w plan.Weight) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	r, err := crypt.NewReaderAt(f, info.Size(), s.Key, crypt.Name(path))
	if err != nil || r.Size() != w.Size {
		return false
	}
	plain, err := r.ReadAll(ctx, 0)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(plain)
	return hex.EncodeToString(sum[:]) == w.SHA256
}

// put writes plain to a new file, encrypted unless there is no key.
func (s *state) put(path string, plain []byte) (File, error) {
	out, err := os.Create(path)
	if err != nil {
		return File{}, err
	}
	h, size := sha256.New(), new(streams.Counter)
	to := io.MultiWriter(out, h, size)
	if s.KeyPlace == NoKey {
		_, err = to.Write(plain)
	} else {
		err = encrypt(to, plain, s.Key, crypt.Name(path))
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return File{}, err
	}
	return File{Name: filepath.Base(path), Size: int64(*size), SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

func encrypt(to io.Writer, plain []byte, key crypt.Key, name string) error {
	w, err := crypt.NewWriter(to, key, name)
	if err != nil {
		return err
	}
	if _, err := w.Write(plain); err != nil {
		return err
	}
	return w.Close()
}

// divide moves the weights, all in one folder, to those of their datasets. What
// was uploaded before stays in its dataset.
func (s *state) divide(files []File) error {
	previous, public := s.previous()
	items := make([]datasets.File, len(files))
	for i, f := range files {
		items[i] = datasets.File{Name: f.Name, Size: f.Size}
	}
	boxes, err := datasets.Split(items, previous, datasets.Limits{Files: s.quota.Files, Bytes: s.quota.Dataset})
	if err != nil {
		return err
	}
	var private int64
	for i, box := range boxes {
		d := s.weightsDataset(i)
		d.Public = d.Public || public[d.ID]
		for _, item := range box {
			f := files[slices.IndexFunc(files, func(f File) bool { return f.Name == item.Name })]
			d.Files = append(d.Files, f)
			if i == 0 {
				continue
			}
			to := filepath.Join(s.stage, d.Folder)
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
			if err := os.Rename(filepath.Join(s.stage, weightsFolder, f.Name), filepath.Join(to, f.Name)); err != nil {
				return err
			}
		}
		if err := s.quota.spend(&d, &private); err != nil {
			return err
		}
		if len(d.Files) > 0 {
			s.datasets = append(s.datasets, d)
		}
	}
	return nil
}

// previous returns the files of each dataset of weights that was in the output
// before, and which datasets were public.
func (s *state) previous() (files [][]string, public map[string]bool) {
	public = map[string]bool{}
	m, err := ReadManifest(s.Output)
	if err != nil {
		return nil, public
	}
	for _, d := range m.Datasets {
		if d.Folder == programFolder || d.Folder == keyFolder {
			continue
		}
		// The folder's number is the dataset's place; one that came to be empty
		// is not in the manifest.
		place := 0
		if n, err := strconv.Atoi(strings.TrimPrefix(d.Folder, weightsFolder+"-")); err == nil {
			place = n - 1
		}
		for len(files) <= place {
			files = append(files, nil)
		}
		files[place] = names(d.Files)
		public[d.ID] = d.Public && s.KeyPlace != NoKey
	}
	return files, public
}

// weightsDataset returns the i-th dataset of weights, without files.
func (s *state) weightsDataset(i int) Dataset {
	folder, what := weightsFolder, "weights"
	if i > 0 {
		folder, what = fmt.Sprintf("%s-%d", weightsFolder, i+1), fmt.Sprintf("weights %d", i+1)
	}
	return s.dataset(folder, what, s.PublicWeights)
}

// dataset returns a dataset of the kernel, without files.
func (s *state) dataset(folder, what string, v templates.Visibility) Dataset {
	d := templates.Dataset{Owner: s.Owner, Title: templates.DatasetTitle(s.Title, what)}
	return Dataset{Folder: folder, ID: d.ID(), Title: d.Title, Public: v == templates.Public}
}

// key writes the key's dataset, where the kernel is to find the key in one.
func (s *state) key(context.Context) error {
	if s.KeyPlace != InDataset {
		return nil
	}
	if err := os.Mkdir(filepath.Join(s.stage, keyFolder), 0o755); err != nil {
		return err
	}
	path := filepath.Join(s.stage, keyFolder, KeyName)
	text := []byte(s.Key.Text() + "\n")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	d := s.dataset(keyFolder, "key", templates.Private)
	d.Files = []File{{Name: KeyName, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}}
	s.datasets = append(s.datasets, d)
	return nil
}
