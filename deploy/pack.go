package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// Quota is what Kaggle gives. The zero Quota is that of its documents.
type Quota struct {
	Files   int   // of a dataset
	Dataset int64 // bytes of a dataset
	// Private is how many bytes all private datasets of weights may have
	// together, 0 for any.
	Private int64
	// Overflow makes datasets public that the private space doesn't hold.
	Overflow bool
}

func (q Quota) withDefaults() Quota {
	if q.Files == 0 {
		q.Files = templates.MaxDatasetFiles
	}
	if q.Dataset == 0 {
		q.Dataset = templates.MaxDataset
	}
	return q
}

// spend takes the space of d, one after another.
func (q Quota) spend(d *Dataset, private *int64) error {
	switch {
	case d.Public || len(d.Files) == 0:
		return nil
	case q.Private == 0 || *private+d.Size() <= q.Private:
		*private += d.Size()
		return nil
	case q.Overflow:
		d.Public = true
		return nil
	}
	return hint.New(fmt.Errorf("%s: %s more, and %s of the private space of %s are used", d.Folder, say.Size(d.Size()), say.Size(*private), say.Size(q.Private)),
		"--visibility overflow makes public what does not fit: encrypted weights may be")
}

// PackOptions say which weights to put into datasets.
type PackOptions struct {
	Files   []string // of weights, encrypted or not
	Output  string   // the folder to make
	Owner   string   // Kaggle user
	Title   string   // the datasets' titles begin with it
	Licence string
	// Key encrypts what is not encrypted. A zero Key leaves it plain.
	Key        crypt.Key
	Visibility templates.Visibility
	Quota      Quota
	Step       func(text string)
}

// Pack makes the folder o.Output of weights: a folder for each dataset, with
// its metadata, and a manifest. Files that were in a dataset before stay there.
// What is encrypted already is taken as it is.
func Pack(ctx context.Context, o PackOptions) (*Manifest, error) {
	if o.Step == nil {
		o.Step = func(string) {}
	}
	s := &state{
		Options: Options{
			Output: o.Output, Owner: o.Owner, Title: o.Title, Licence: o.Licence, Key: o.Key,
			PublicWeights: o.Visibility, Step: o.Step, KeyPlace: InEnvironment,
		},
		quota: o.Quota.withDefaults(),
	}
	if o.Key.IsZero() {
		s.KeyPlace = NoKey
	}
	if err := errors.Join(s.normalize(), s.checkOutput()); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.pack(ctx, o); err != nil {
		return nil, s.renamed(err)
	}
	m := &Manifest{Version: manifestVersion, KeyIn: s.KeyPlace.String(), Datasets: s.datasets}
	if err := s.write(ManifestName, m.json()); err != nil {
		return nil, s.renamed(err)
	}
	return m, s.replace()
}

// pack writes the weights and divides them.
func (s *state) pack(ctx context.Context, o PackOptions) error {
	dir := filepath.Join(s.stage, weightsFolder)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	var files []File
	seen := map[string]string{}
	for _, path := range o.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := weightfile.ModelName(path)
		if other, ok := seen[name]; ok {
			return fmt.Errorf("%s and %s are of one name: both would be %s", other, path, name)
		}
		seen[name] = path
		s.Step("packing " + path)
		f, err := s.packFile(ctx, path, dir)
		if err != nil {
			return err
		}
		if f.Plain == "" && !strings.HasSuffix(f.Name, crypt.Ext) && s.quota.Overflow {
			return fmt.Errorf("%s is not encrypted: what overflows the private space would be public", path)
		}
		files = append(files, f)
	}
	if err := s.divide(files); err != nil {
		return err
	}
	return s.datasetsMetadata()
}

// packFile writes one file of weights: as it is if it is encrypted, else
// encrypted, else as safetensors.
func (s *state) packFile(ctx context.Context, path, dir string) (File, error) {
	if strings.HasSuffix(path, crypt.Ext) {
		name := filepath.Base(path)
		if err := templates.CheckFileName(name); err != nil {
			return File{}, err
		}
		return copyFile(path, filepath.Join(dir, name))
	}
	f, err := weightfile.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	if note := f.Note(); note != "" {
		s.Step(path + ": " + note)
	}
	var plain bytes.Buffer
	if err := f.Convert(&plain); err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(plain.Bytes())
	w := plan.Weight{Name: weightfile.ModelName(path), Path: path, SHA256: hex.EncodeToString(sum[:]), Size: int64(plain.Len())}
	return s.weight(ctx, w, dir, func(context.Context) ([]byte, error) { return plain.Bytes(), nil })
}
