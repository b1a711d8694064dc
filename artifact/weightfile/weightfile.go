// Package weightfile opens a file of weights, whatever its name. The content decides
// the format: safetensors, the output of PyTorch's torch.save, or the index of
// sharded weights.
//
//	f, err := weightfile.Open("2b_se_resnext50_f0_e14_0.5975.pth")
//	defer f.Close()
//	err = arch.Check(g, f.Infos())
//	err = f.Convert(w) // as safetensors
//
// A file may hold several sets of weights, in dicts (state_dict, model_ema, …) or
// under prefixes. The package prefers an average to the raw weights, unless a key
// chooses another set; [File.Note] reports the choice. It drops the prefixes of
// wrappers and containers (module., _orig_mod., model., backbone., …). The parameter
// names of the known architectures decide what a prefix is. It leaves out counters,
// losses and metrics beside the network.
//
// It reads the chosen weights of a PyTorch file at once, and those of a safetensors
// file tensor by tensor. It refuses other files (Git LFS pointers, web pages, Keras
// models, …) by their true kind. Package crypt opens encrypted files.
package weightfile

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/pth"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Format is the format of a file.
type Format uint8

// The forms.
const (
	Safetensors Format = iota
	PyTorch
)

// String returns the name of the format.
func (f Format) String() string { return [...]string{"safetensors", "PyTorch"}[f] }

// File is an open file of weights. It is safe for concurrent reading.
type File struct {
	path     string
	format   Format
	file     *os.File // nil if the caller opened the file
	reader   io.ReaderAt
	size     int64
	metadata map[string]string
	sets     []set
	lists    [][]string // of tensors without names, by the keys that lead to them
	shards   []*File    // files of an index

	// The fields below are set by Choose.
	entries []entry
	index   map[string]int  // of entries, by name
	opened  map[int]tensors // by set
	note    string
	plain   bool // the weights are a whole safetensors file under its names
}

// Open opens a file and chooses its weights. The caller closes it.
func Open(path string) (*File, error) { return OpenKey(path, "") }

// OpenKey is [Open] for the weights that key names; see [File.Choose].
func OpenKey(path, key string) (*File, error) {
	f, err := OpenAny(path)
	if err != nil {
		return nil, err
	}
	if err := f.Choose(key); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// OpenAny opens a file without choosing its weights. Before [File.Choose], only its
// metadata may be used.
func OpenAny(path string) (*File, error) {
	if err := irregular(path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err // it names the file
	}
	f := &File{path: path, file: file, reader: file}
	info, err := file.Stat()
	if err == nil {
		f.size = info.Size()
		err = f.read()
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// New is [OpenAny] for a file of size bytes that the caller opened and keeps open.
// path is its name, for errors.
func New(path string, r io.ReaderAt, size int64) (*File, error) {
	f := &File{path: path, reader: r, size: size}
	if err := f.read(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// irregular refuses folders, pipes and devices. It does not open them: opening a pipe
// would wait for its writer.
func irregular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil: // os.Open says why
		return nil
	case info.IsDir():
		return folderKind(path)
	case !info.Mode().IsRegular():
		return errors.New("a pipe or device; write the weights to a file first")
	}
	return nil
}

// folderKind returns an error that says what to do about a folder.
func folderKind(path string) error {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(path, name))
		return err == nil
	}
	err := errors.New("a folder, not a file of weights")
	switch {
	case has("data.pkl"):
		return hint.New(errors.New("a folder: the archive that torch.save wrote was unpacked, as Kaggle does with uploads"),
			"pack it again without compression: (cd %s && zip -0 -r ../%s.pth %s)", filepath.Dir(path), filepath.Base(path), filepath.Base(path))
	case has(".metadata"):
		return hint.New(errors.New("a folder: a distributed checkpoint of PyTorch"),
			"python -m torch.distributed.checkpoint.format_utils dcp_to_torch %s %s.pth makes a file of it", path, path)
	}
	for _, name := range []string{"model.safetensors", "model.safetensors" + indexExt, "pytorch_model.bin", "pytorch_model.bin" + indexExt} {
		if has(name) {
			return hint.New(err, "name the file %s", filepath.Join(path, name))
		}
	}
	return err
}

// read recognizes the format and reads the header.
func (f *File) read() error {
	start, err := startOf(f.reader, f.size)
	switch {
	case err != nil:
		return err
	case pth.Recognize(start):
		f.format = PyTorch
		c, err := pth.Open(f.reader, f.size)
		if err != nil {
			return err
		}
		f.sets, f.lists, f.metadata = pthSets(c), c.Lists, c.Metadata
		return nil
	case isSafetensors(start, f.size):
		lazy, err := weights.Open(f.reader, f.size)
		if err != nil {
			return err
		}
		f.sets, f.metadata = []set{safetensorsSet(lazy)}, lazy.Metadata()
		return nil
	case len(start) > 0 && start[0] == '{' && f.file != nil:
		return f.openIndex()
	}
	if strings.HasSuffix(f.path, ".enc") {
		return errors.New("it is encrypted: `crypt decrypt` makes a plain file of it")
	}
	return otherKind(f.reader, f.size)
}

// Choose chooses the weights that key names, by a dict of the file or a prefix.
// Without a key it prefers an average to raw weights, and then the name that
// training code usually gives the network.
func (f *File) Choose(key string) error {
	if err := f.choose(key); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

func (f *File) choose(key string) error {
	find := choose
	if f.metadata["graph"] != "" { // an imported network has names of its own
		find = whole
	}
	c, err := find(f.sets, key)
	if err != nil {
		return err
	}
	if list := averagedList(f.lists); list != "" && key == "" && !c.average {
		c.note = join(c.note, fmt.Sprintf("leaving out the average under %q, which is a list of tensors without names", list))
	}
	if index := shardIndex(f.path); index != "" {
		c.note = join(c.note, "it is a part of the weights that "+index+" lists")
	}
	opened := map[int]tensors{}
	index := make(map[string]int, len(c.entries))
	same := len(c.entries) == len(f.sets[0].infos)
	for i, e := range c.entries {
		index[e.name] = i
		same = same && e.name == e.raw
		if opened[e.set] == nil {
			if opened[e.set], err = f.sets[e.set].open(); err != nil {
				return err
			}
		}
	}
	f.entries, f.index, f.opened, f.note = c.entries, index, opened, c.note
	f.plain = same && f.format == Safetensors && f.shards == nil
	return nil
}

// Close closes the file. Tensors that were read remain valid.
func (f *File) Close() error {
	var errs []error
	for _, s := range f.shards {
		errs = append(errs, s.Close())
	}
	if f.file != nil {
		errs = append(errs, f.file.Close())
	}
	return errors.Join(errs...)
}

// Path returns the path that the file was opened by.
func (f *File) Path() string { return f.path }

// Format returns the file's form.
func (f *File) Format() Format { return f.format }

// Note returns a line that says which weights were chosen and what was left out, or
// "" if the file holds nothing else.
func (f *File) Note() string { return f.note }

// Plain reports whether [File.Convert] writes the file as it is.
func (f *File) Plain() bool { return f.plain }

// Metadata returns a copy of the file's metadata: the header's in safetensors, the
// texts and numbers beside the weights in a PyTorch checkpoint.
func (f *File) Metadata() map[string]string {
	m := map[string]string{}
	maps.Copy(m, f.metadata)
	return m
}

// Infos describes the tensors in the order of the file.
func (f *File) Infos() []weights.Info {
	infos := make([]weights.Info, len(f.entries))
	for i, e := range f.entries {
		infos[i] = e.info
	}
	return infos
}

// Has reports whether the weights have a tensor of that name. It implements
// arch.Config.Keys.
func (f *File) Has(name string) bool {
	_, ok := f.index[name]
	return ok
}

// Float32 reads a tensor as float32, in a new slice, with its shape. It implements
// engine.Params.
func (f *File) Float32(name string) (data []float32, shape []int, err error) {
	i, ok := f.index[name]
	if !ok {
		return nil, nil, fmt.Errorf("%s: reading tensor %s: there is none", f.path, name)
	}
	e := f.entries[i]
	data, shape, err = f.opened[e.set].Float32(e.raw)
	if err != nil {
		err = fmt.Errorf("%s: %w", f.path, err)
	}
	return data, shape, err
}

// StateDict reads all tensors. The caller must not change the result.
func (f *File) StateDict() (*weights.StateDict, error) {
	dict := &weights.StateDict{Tensors: make([]weights.Tensor, len(f.entries)), Metadata: f.Metadata()}
	for i, e := range f.entries {
		t, err := f.opened[e.set].Tensor(e.raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		t.Name = e.name
		dict.Tensors[i] = t
	}
	return dict, nil
}

// Convert writes the weights as safetensors. It copies the file if [File.Plain]
// reports true. Otherwise, equal weights give equal bytes.
func (f *File) Convert(w io.Writer) error {
	if f.plain {
		if _, err := io.Copy(w, io.NewSectionReader(f.reader, 0, f.size)); err != nil {
			return fmt.Errorf("copying %s: %w", f.path, err)
		}
		return nil
	}
	dict, err := f.StateDict()
	if err != nil {
		return err
	}
	if err := weights.Write(w, dict); err != nil {
		return fmt.Errorf("converting %s: %w", f.path, err)
	}
	return nil
}
