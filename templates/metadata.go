package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Visibility says who may see a kernel or dataset on Kaggle.
type Visibility bool

const (
	Private Visibility = false
	Public  Visibility = true
)

// String returns "private" or "public".
func (v Visibility) String() string {
	if v == Public {
		return "public"
	}
	return "private"
}

// Kernel is the content of kernel-metadata.json.
type Kernel struct {
	Owner  string // the user's name
	Title  string // 5 to 50 characters; Kaggle derives the kernel's address from it
	Script string // name of the file to run, in the folder of the metadata
	// Visibility must be Private if HoldsKey.
	Visibility Visibility
	HoldsKey   bool // the script contains the weights' key
	// Datasets lists the datasets to mount, as "owner/slug".
	Datasets []string
	// Competitions lists the competitions whose data to mount, by slug.
	Competitions []string
}

// Slug returns the last part of the kernel's address.
func (k Kernel) Slug() string { return Slug(k.Title) }

// ID returns "owner/slug".
func (k Kernel) ID() string { return k.Owner + "/" + k.Slug() }

// kernelMetadata has the fields that Kaggle's client reads, in the order of the
// client's template.
type kernelMetadata struct {
	ID             string   `json:"id"`
	Title          string   `json:"title"`
	CodeFile       string   `json:"code_file"`
	Language       string   `json:"language"`
	KernelType     string   `json:"kernel_type"`
	IsPrivate      bool     `json:"is_private"`
	EnableGPU      bool     `json:"enable_gpu"`
	EnableTPU      bool     `json:"enable_tpu"`
	EnableInternet bool     `json:"enable_internet"` // the client's default is true
	Datasets       []string `json:"dataset_sources"`
	Competitions   []string `json:"competition_sources"`
	Kernels        []string `json:"kernel_sources"`
	Models         []string `json:"model_sources"`
	Keywords       []string `json:"keywords"`
}

// JSON returns the text of kernel-metadata.json.
func (k Kernel) JSON() ([]byte, error) {
	err := errors.Join(checkOwner(k.Owner), checkTitle(k.Title, minKernelTitle), CheckFileName(k.Script))
	if err == nil && len(k.Slug()) < minKernelTitle {
		err = fmt.Errorf("the title %q gives the address %q, which is too short", k.Title, k.Slug())
	}
	if err == nil && k.HoldsKey && k.Visibility == Public {
		err = errors.New("the kernel holds the weights' key: it can't be public")
	}
	if err != nil {
		return nil, fmt.Errorf("kernel-metadata.json: %w", err)
	}
	return marshal(kernelMetadata{
		ID: k.ID(), Title: k.Title, CodeFile: k.Script, Language: "python", KernelType: "script",
		IsPrivate: k.Visibility == Private,
		Datasets:  list(k.Datasets), Competitions: list(k.Competitions),
		Kernels: list(nil), Models: list(nil), Keywords: list(nil),
	})
}

// Dataset is the content of dataset-metadata.json, and what its checks need.
type Dataset struct {
	Owner   string // the user's name
	Title   string // 6 to 50 characters
	Licence string // a name that Kaggle knows, such as "CC0-1.0"; "" is "other"
	// Visibility must be Private if HoldsKey. The file lacks it: the client takes it
	// as a flag.
	Visibility Visibility
	HoldsKey   bool     // a file of the dataset contains the weights' key
	Files      []string // names of the dataset's files
}

// Slug returns the last part of the dataset's address.
func (d Dataset) Slug() string { return Slug(d.Title) }

// ID returns "owner/slug".
func (d Dataset) ID() string { return d.Owner + "/" + d.Slug() }

type datasetMetadata struct {
	Title    string    `json:"title"`
	ID       string    `json:"id"`
	Licenses []licence `json:"licenses"`
}

type licence struct {
	Name string `json:"name"`
}

// licenses lists the names in the documentation of Kaggle's client.
var licenses = []string{
	"CC0-1.0", "CC-BY-SA-4.0", "GPL-2.0", "ODbL-1.0", "CC-BY-NC-SA-4.0", "unknown", "DbCL-1.0", "CC-BY-SA-3.0",
	"copyright-authors", "other", "reddit-api", "world-bank", "CC-BY-4.0", "CC-BY-NC-4.0", "PDDL", "CC-BY-3.0",
	"US-Government-Works", "CC-BY-NC-SA-3.0", "EU-ODP-Legal-Notice", "apache-2.0", "GPL-3.0", "LGPL-3.0", "AGPL-3.0", "FDL-1.3",
}

// JSON returns the text of dataset-metadata.json.
func (d Dataset) JSON() ([]byte, error) {
	errs := []error{checkOwner(d.Owner), checkTitle(d.Title, minDatasetTitle)}
	if n := len(d.Slug()); n < minSlug || n > maxSlug {
		errs = append(errs, fmt.Errorf("the title %q gives the address %q; Kaggle takes %d to %d characters", d.Title, d.Slug(), minSlug, maxSlug))
	}
	if d.HoldsKey && d.Visibility == Public {
		errs = append(errs, errors.New("the dataset holds the weights' key: it can't be public"))
	}
	errs = append(errs, CheckFileCount(len(d.Files)))
	for _, name := range d.Files {
		errs = append(errs, CheckFileName(name))
	}
	name := d.Licence
	if name == "" {
		name = "other"
	}
	if !slices.Contains(licenses, name) {
		errs = append(errs, fmt.Errorf("%q is no licence that Kaggle knows (known: %s)", name, strings.Join(licenses, ", ")))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("dataset-metadata.json of %s: %w", d.ID(), err)
	}
	return marshal(datasetMetadata{Title: d.Title, ID: d.ID(), Licenses: []licence{{name}}})
}

// list returns names, or an empty list, which JSON doesn't print as null.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
