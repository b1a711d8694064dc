package pth_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/pth"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/google/go-cmp/cmp"
)

func Example() {
	f, err := os.Open("testdata/checkpoint_zip.pth")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := pth.Open(f, info.Size())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range c.Dicts {
		tensors, err := c.Load(d)
		fmt.Println(d.Path, tensors[0].Name, tensors[0].Shape, err)
	}
	fmt.Println(c.Metadata["arch"], c.Metadata["epoch"])
	// Output:
	// [state_dict] module.conv.weight [4 3 3 3] <nil>
	// seresnext50_32x4d 14
}

// read reads the first dict of tensors.
func read(b []byte) (*weights.StateDict, error) {
	c, err := pth.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	tensors, err := c.Load(c.Dicts[0])
	if err != nil {
		return nil, err
	}
	return &weights.StateDict{Tensors: tensors, Metadata: c.Metadata}, nil
}

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var torchTypes = map[string]weights.DType{
	"float64": weights.F64, "float32": weights.F32, "float16": weights.F16, "bfloat16": weights.BF16,
	"int64": weights.I64, "int32": weights.I32, "int16": weights.I16, "int8": weights.I8, "uint8": weights.U8, "bool": weights.Bool,
}

// numbers returns the elements of any type.
func numbers(t testing.TB, x weights.Tensor) []float64 {
	t.Helper()
	var out []float64
	if x.DType == weights.F64 { // not by way of float32
		for b := x.Data; len(b) > 0; b = b[8:] {
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
		return out
	}
	if x.DType.Float() {
		v, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range v {
			out = append(out, float64(f))
		}
		return out
	}
	for b := x.Data; len(b) > 0; b = b[x.DType.Size():] {
		switch x.DType.Size() {
		case 8:
			out = append(out, float64(int64(binary.LittleEndian.Uint64(b))))
		case 4:
			out = append(out, float64(int32(binary.LittleEndian.Uint32(b))))
		case 1:
			out = append(out, float64(b[0]))
		}
	}
	return out
}

func TestEveryValueIsPyTorchs(t *testing.T) {
	var want map[string]struct {
		DType  string
		Shape  []int
		Values []float64
	}
	if err := json.Unmarshal(load(t, "testdata/values.json"), &want); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"tensors", "checkpoint"} {
		for _, form := range []string{"zip", "legacy"} {
			file := fmt.Sprintf("testdata/%s_%s.pth", kind, form)
			dict, err := read(load(t, file))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			n := 0
			for key, w := range want {
				name, ok := strings.CutPrefix(key, kind+"/")
				if !ok {
					continue
				}
				n++
				got, ok := dict.Find(name)
				if !ok {
					t.Errorf("%s: %s is missing", file, name)
					continue
				}
				if got.DType != torchTypes[w.DType] || !slices.Equal(got.Shape, w.Shape) || !slices.Equal(numbers(t, got), w.Values) {
					t.Errorf("%s: %s is %v %v %v, want %+v", file, name, got.DType, got.Shape, numbers(t, got), w)
				}
			}
			if n != len(dict.Tensors) {
				t.Errorf("%s: %d tensors, want %d", file, len(dict.Tensors), n)
			}
		}
	}
}

func TestCheckpointsTellOfThemselves(t *testing.T) {
	for _, form := range []string{"zip", "legacy"} {
		dict, err := read(load(t, "testdata/checkpoint_"+form+".pth"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"format": "pt", "arch": "seresnext50_32x4d", "epoch": "14", "score": "0.5975"}
		if d := cmp.Diff(want, dict.Metadata); d != "" {
			t.Errorf("%s (-want +got)\n%s", form, d)
		}
	}
}

// real_files.json was made with PyTorch from files of public model zoos.
func TestRealFilesAreReadAsPyTorchReadsThem(t *testing.T) {
	var want map[string]struct {
		Tensors map[string]struct {
			DType string
			Shape []int
			Sum   float64
			Abs   float64 `json:"abs_sum"`
			Head  []float64
		}
	}
	if err := json.Unmarshal(load(t, golden.Shared(t, "golden/pth/real_files.json")), &want); err != nil {
		t.Fatal(err)
	}
	for file, w := range want {
		dict, err := read(load(t, golden.Shared(t, "golden/pth/"+file)))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if len(dict.Tensors) != len(w.Tensors) {
			t.Errorf("%s: %d tensors, want %d", file, len(dict.Tensors), len(w.Tensors))
		}
		for name, wt := range w.Tensors {
			got, ok := dict.Find(name)
			if !ok {
				t.Errorf("%s: %s is missing", file, name)
				continue
			}
			v := numbers(t, got)
			var sum, abs float64
			for _, x := range v {
				sum += x
				abs += math.Abs(x)
			}
			near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+wt.Abs) }
			if got.DType != torchTypes[wt.DType] || !slices.Equal(got.Shape, wt.Shape) || !near(sum, wt.Sum) || !near(abs, wt.Abs) || !slices.Equal(v[:len(wt.Head)], wt.Head) {
				t.Errorf("%s: %s is %v %v, sum %v, %v", file, name, got.DType, got.Shape, sum, abs)
			}
		}
	}
}

// The files of golden/pth name a command beside the state dict.
func TestHostileFilesRunNothing(t *testing.T) {
	for _, form := range []string{"zip", "legacy"} {
		dict, err := read(load(t, "testdata/hostile_"+form+".pth"))
		if err != nil || len(dict.Tensors) != 1 || dict.Tensors[0].Name != "w" {
			t.Errorf("%s: %v, %v", form, dict, err)
		}
		if _, err := os.Stat("/tmp/pwned"); err == nil {
			t.Errorf("%s: the file ran a command", form)
		}
	}
}

func TestFilesCutShortAreRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/*.pth")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		whole := load(t, file)
		for n := range whole {
			if _, err := read(whole[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes were enough", file, n, len(whole))
			}
		}
	}
}

// An archive has checksums: no flipped bit of a tensor may pass unseen.
func TestDamagedTensorsOfArchivesAreRefused(t *testing.T) {
	whole := load(t, "testdata/tensors_zip.pth")
	z, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if !strings.Contains(f.Name, "/data/") {
			continue
		}
		at, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(f.UncompressedSize64) {
			bad := bytes.Clone(whole)
			bad[at+i] ^= 1
			if _, err := read(bad); err == nil {
				t.Fatalf("%s: byte %d was changed and nobody saw", f.Name, i)
			}
		}
	}
}

func TestEveryByteMayBeWrongWithoutHarm(t *testing.T) {
	for _, name := range []string{"tensors_zip", "tensors_legacy", "checkpoint_legacy"} {
		whole := load(t, "testdata/"+name+".pth")
		for i := range whole {
			for _, v := range []byte{0, 0xff, whole[i] ^ 1} {
				bad := bytes.Clone(whole)
				bad[i] = v
				if dict, err := read(bad); err == nil {
					checkDict(t, dict)
				}
			}
		}
	}
}

// checkDict holds what callers rely on.
func checkDict(t testing.TB, dict *weights.StateDict) {
	t.Helper()
	var b bytes.Buffer
	if err := weights.Write(&b, dict); err != nil && !strings.Contains(err.Error(), "is taken") {
		t.Fatalf("a dict that can't be written: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.pth")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(load(f, file))
	}
	for _, hostile := range hostilePickles() {
		f.Add(archive(hostile.pickle, map[string]string{"0": "12345678"}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if dict, err := read(b); err == nil {
			checkDict(t, dict)
		}
	})
}
