package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// PackOptions say which weights to put into datasets.
type PackOptions struct {
	Files   []string // of weights, encrypted or not
	Output  string   // the folder to make
	Owner   string   // Kaggle user
	Title   string   // the datasets' titles begin with it
	Licence string   // of the datasets; "" is "other"
	// Key encrypts plain files. A zero Key leaves them plain.
	Key        crypt.Key
	Visibility templates.Visibility
	Quota      Quota
	// Step reports what Pack does next; nil is silent.
	Step func(text string)
}

func (o PackOptions) step(text string) {
	if o.Step != nil {
		o.Step(text)
	}
}

// Pack makes the folder o.Output of weights: a subfolder for each dataset, with its
// metadata, and a manifest. It copies encrypted files as they are. A file that was
// in a dataset of the old folder stays there.
func Pack(ctx context.Context, o PackOptions) (*folder.Manifest, error) {
	owner, err := ownerName(o.Owner)
	if err := errors.Join(err, folder.CheckOutput(o.Output)); err != nil {
		return nil, err
	}
	draft, err := folder.Create(o.Output)
	if err != nil {
		return nil, err
	}
	defer draft.Discard()
	s := &weightStore{
		publisher: publisher{owner: owner, title: o.Title, licence: o.Licence},
		draft:     draft, output: o.Output,
		key: o.Key, encrypt: !o.Key.IsZero(), visibility: o.Visibility, quota: o.Quota.withDefaults(),
	}
	m := &folder.Manifest{KeyIn: folder.InEnvironment.String()}
	if !s.encrypt {
		m.KeyIn = folder.NoKey.String()
	}
	m.Datasets, err = pack(ctx, o, s)
	if err == nil {
		err = draft.Commit(m)
	}
	if err != nil {
		return nil, draft.Explain(err)
	}
	return m, nil
}

// pack writes the weights and divides them among datasets.
func pack(ctx context.Context, o PackOptions, s *weightStore) ([]folder.Dataset, error) {
	var files []folder.File
	seen := map[string]string{}
	for _, path := range o.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := weightfile.ModelName(path)
		if other, ok := seen[name]; ok {
			return nil, fmt.Errorf("%s and %s have the same name: both would be %s", other, path, name)
		}
		seen[name] = path
		o.step("packing " + path)
		f, err := packFile(ctx, o, s, path)
		if err != nil {
			return nil, err
		}
		if f.Plain == "" && !strings.HasSuffix(f.Name, crypt.Ext) {
			switch {
			case s.quota.Overflow:
				return nil, fmt.Errorf("%s is not encrypted: what overflows the private space would be public", path)
			case s.visibility == templates.Public:
				return nil, hint.New(fmt.Errorf("%s is not encrypted: it can't be public", path), "leave out --plain to encrypt it")
			}
		}
		files = append(files, f)
	}
	all, err := s.divide(files)
	if err != nil {
		return nil, err
	}
	return all, s.writeMetadata(all, s.draft)
}

// packFile writes one file of weights: an encrypted file as it is, a plain one as
// safetensors, encrypted if there is a key.
func packFile(ctx context.Context, o PackOptions, s *weightStore, path string) (folder.File, error) {
	if strings.HasSuffix(path, crypt.Ext) {
		name := filepath.Base(path)
		if err := templates.CheckFileName(name); err != nil {
			return folder.File{}, err
		}
		to, err := s.draft.Path(folder.Weights, name)
		if err != nil {
			return folder.File{}, err
		}
		return folder.Copy(path, to)
	}
	f, err := importer.OpenAny(ctx, path, importer.Options{})
	if err != nil {
		return folder.File{}, err
	}
	defer f.Close()
	if err := f.Choose(""); err != nil {
		return folder.File{}, err
	}
	if note := f.Note(); note != "" {
		o.step(path + ": " + note)
	}
	var plain bytes.Buffer
	if err := f.Convert(&plain); err != nil {
		return folder.File{}, err
	}
	sum := sha256.Sum256(plain.Bytes())
	w := plan.Weight{Name: weightfile.ModelName(path), Path: path, SHA256: hex.EncodeToString(sum[:]), Size: int64(plain.Len())}
	return s.write(ctx, w, func(context.Context) ([]byte, error) { return plain.Bytes(), nil })
}
