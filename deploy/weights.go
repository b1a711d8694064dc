package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/datasets"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// writeWeights writes the weights of every fold, in as many datasets as they need.
func writeWeights(ctx context.Context, o Options, weights []plan.Weight, draft *folder.Draft) ([]folder.Dataset, error) {
	s := weightStore{
		publisher: o.publisher(), draft: draft, output: o.Output,
		key: o.Key, encrypt: o.KeyPlace != folder.NoKey, visibility: o.PublicWeights, quota: Quota{}.withDefaults(),
	}
	var files []folder.File
	for _, w := range weights {
		o.step("writing the weights " + w.Name)
		f, err := s.write(ctx, w, w.Plain)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return s.divide(files)
}

// weightStore writes weights into datasets.
type weightStore struct {
	publisher
	draft      *folder.Draft
	output     string // the folder that the draft replaces
	key        crypt.Key
	encrypt    bool
	visibility templates.Visibility
	quota      Quota
}

// write writes the weights of one fold, and returns their file. It copies a file
// that is already encrypted under the key. Else it encrypts what read returns.
func (s *weightStore) write(ctx context.Context, w plan.Weight, read func(context.Context) ([]byte, error)) (folder.File, error) {
	name := w.Name + input.WeightsExt
	if s.encrypt {
		name += crypt.Ext
	}
	if err := templates.CheckFileName(name); err != nil {
		return folder.File{}, err
	}
	to, err := s.draft.Path(folder.Weights, name)
	if err != nil {
		return folder.File{}, err
	}
	if !s.encrypt {
		plain, err := read(ctx)
		if err != nil {
			return folder.File{}, err
		}
		return folder.WriteFile(to, func(out io.Writer) error {
			_, err := out.Write(plain)
			return err
		})
	}
	for _, from := range s.encryptedBefore(w, name) {
		if s.holds(ctx, from, w) {
			f, err := folder.Copy(from, to)
			f.Plain = w.SHA256
			return f, err
		}
	}
	plain, err := read(ctx)
	if err != nil {
		return folder.File{}, err
	}
	f, err := folder.WriteFile(to, func(out io.Writer) error { return encrypt(out, plain, s.key, crypt.Name(to)) })
	f.Plain = w.SHA256
	return f, err
}

// encryptedBefore lists the files that may hold the weights, encrypted under the key.
func (s *weightStore) encryptedBefore(w plan.Weight, name string) []string {
	paths, err := filepath.Glob(filepath.Join(globEscape(s.output), folder.Weights+"*", name))
	if err != nil {
		paths = nil
	}
	if w.Encrypted() && filepath.Base(w.Path) == name {
		paths = append(paths, w.Path)
	}
	return paths
}

// globEscape returns a pattern that matches path only.
func globEscape(path string) string {
	var b []byte
	for i := range len(path) {
		if strings.IndexByte(`*?[\`, path[i]) >= 0 {
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}

// holds reports whether the file at path holds the plaintext of w under the key.
func (s *weightStore) holds(ctx context.Context, path string, w plan.Weight) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	r, err := crypt.NewReaderAt(f, info.Size(), s.key, crypt.Name(path))
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

// divide moves the weights from their one folder to the folders of their datasets.
// A file that was uploaded before stays in its dataset.
func (s *weightStore) divide(files []folder.File) ([]folder.Dataset, error) {
	previous, public := s.previous()
	items := make([]datasets.File, len(files))
	for i, f := range files {
		items[i] = datasets.File{Name: f.Name, Size: f.Size}
	}
	boxes, err := datasets.Split(items, previous, datasets.Limits{Files: s.quota.Files, Bytes: s.quota.Dataset})
	if err != nil {
		return nil, err
	}
	var all []folder.Dataset
	var private int64
	for i, box := range boxes {
		d := s.dataset(i)
		d.Public = d.Public || public[d.ID]
		for _, item := range box {
			f := files[slices.IndexFunc(files, func(f folder.File) bool { return f.Name == item.Name })]
			d.Files = append(d.Files, f)
			if i == 0 {
				continue
			}
			if err := s.move(f.Name, d.Folder); err != nil {
				return nil, err
			}
		}
		if err := s.quota.spend(&d, &private); err != nil {
			return nil, err
		}
		if len(d.Files) > 0 {
			all = append(all, d)
		}
	}
	return all, nil
}

// move moves a file of weights to another folder of the draft.
func (s *weightStore) move(name, dir string) error {
	from, err := s.draft.Path(folder.Weights, name)
	if err != nil {
		return err
	}
	to, err := s.draft.Path(dir, name)
	if err != nil {
		return err
	}
	return os.Rename(from, to)
}

// previous returns the files of each dataset of weights in the old output, and which
// datasets were public.
func (s *weightStore) previous() (files [][]string, public map[string]bool) {
	public = map[string]bool{}
	m, err := folder.Read(s.output)
	if err != nil {
		return nil, public
	}
	for _, d := range m.Datasets {
		if d.Folder == folder.Program || d.Folder == folder.Key {
			continue
		}
		// The folder's number is the dataset's index. The manifest lacks datasets
		// that became empty.
		place := 0
		if n, err := strconv.Atoi(strings.TrimPrefix(d.Folder, folder.Weights+"-")); err == nil {
			place = n - 1
		}
		for len(files) <= place {
			files = append(files, nil)
		}
		files[place] = d.Names()
		public[d.ID] = d.Public && s.encrypt
	}
	return files, public
}

// dataset returns the i-th dataset of weights, without files.
func (s *weightStore) dataset(i int) folder.Dataset {
	dir, what := folder.Weights, "weights"
	if i > 0 {
		dir, what = fmt.Sprintf("%s-%d", folder.Weights, i+1), fmt.Sprintf("weights %d", i+1)
	}
	return s.publisher.dataset(dir, what, s.visibility)
}

// writeKey writes the key's own dataset, if o asks for one.
func writeKey(o Options, draft *folder.Draft) ([]folder.Dataset, error) {
	if o.KeyPlace != folder.InDataset {
		return nil, nil
	}
	f, err := draft.WriteSecret(filepath.Join(folder.Key, folder.KeyName), []byte(o.Key.Text()+"\n"))
	if err != nil {
		return nil, err
	}
	d := o.publisher().dataset(folder.Key, "key", templates.Private)
	d.Files = []folder.File{f}
	return []folder.Dataset{d}, nil
}
