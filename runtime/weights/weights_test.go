package weights_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/google/go-cmp/cmp"
	peer "github.com/nlpodyssey/safetensors"
)

func Example() {
	dict := &weights.StateDict{
		Tensors:  []weights.Tensor{weights.NewFloat32("fc.bias", []int{2}, []float32{0.5, -1})},
		Metadata: map[string]string{"arch": "tiny"},
	}
	var file bytes.Buffer
	if err := weights.Write(&file, dict); err != nil {
		fmt.Println(err)
		return
	}
	f, err := weights.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	data, shape, err := f.Float32("fc.bias")
	fmt.Println(f.Metadata()["arch"], data, shape, err)
	// Output: tiny [0.5 -1] [2] <nil>
}

// sample has every type, odd lengths, a scalar, an empty tensor and names that JSON
// must escape.
func sample() *weights.StateDict {
	s := &weights.StateDict{Metadata: map[string]string{"format": "pt", "config": "a: 1\nb: \"ü\"\n", "<&>": "\u2028"}}
	for d := weights.F64; d <= weights.Bool; d++ {
		data := make([]byte, 3*d.Size())
		for i := range data {
			data[i] = byte(i*37 + int(d))
		}
		s.Tensors = append(s.Tensors, weights.Tensor{Name: fmt.Sprintf("t.%v", d), DType: d, Shape: []int{3, 1}, Data: data})
	}
	return &weights.StateDict{Metadata: s.Metadata, Tensors: append(
		s.Tensors,
		weights.NewFloat32("scalar", []int{}, []float32{7}),
		weights.NewFloat32("empty", []int{2, 0}, nil),
		weights.NewFloat32("q\"uo\\te <é>", []int{1}, []float32{1}),
	)}
}

func write(t testing.TB, s *weights.StateDict) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := weights.Write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(b []byte) (*weights.File, error) { return weights.Open(bytes.NewReader(b), int64(len(b))) }

func TestWrittenFilesRoundTrip(t *testing.T) {
	want := sample()
	b := write(t, want)
	if !bytes.Equal(b, write(t, sample())) {
		t.Error("the same dict gave other bytes")
	}
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmp.Transformer("bytes", func(b []byte) string { return string(b) })); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, info := range f.Infos() {
		fromFile, shape, err := f.Float32(info.Name)
		fromDict, _, err2 := want.Float32(info.Name)
		if (err == nil) != (err2 == nil) || (err == nil) != info.DType.Float() {
			t.Errorf("%s: errors %v and %v", info.Name, err, err2)
			continue
		}
		same := slices.EqualFunc(fromFile, fromDict, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
		if err == nil && (!same || !slices.Equal(shape, info.Shape)) {
			t.Errorf("%s: file %v, dict %v, shape %v", info.Name, fromFile, fromDict, shape)
		}
	}
}

func TestEveryTensorIsAlignedToItsElement(t *testing.T) {
	b := write(t, sample())
	start := 8 + int(binary.LittleEndian.Uint64(b))
	if start%8 != 0 {
		t.Errorf("the data begins at %d", start)
	}
	var header map[string]struct {
		Offsets [2]int `json:"data_offsets"`
	}
	text := bytes.Replace(b[8:start], []byte(`"__metadata__":{`), []byte(`"__metadata__":{"data_offsets":[0,0],`), 1)
	if err := json.Unmarshal(text, &header); err != nil {
		t.Fatal(err)
	}
	for _, tensor := range sample().Tensors {
		if at := header[tensor.Name].Offsets[0]; at%tensor.DType.Size() != 0 {
			t.Errorf("%s begins at %d", tensor.Name, at)
		}
	}
}

func TestAnotherImplementationReadsWhatWeWrite(t *testing.T) {
	want := sample()
	st, err := peer.Deserialize(write(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if st.Len() != len(want.Tensors) {
		t.Fatalf("%d tensors, want %d", st.Len(), len(want.Tensors))
	}
	for _, w := range want.Tensors {
		got, ok := st.Tensor(w.Name)
		if !ok {
			t.Fatalf("%s is missing", w.Name)
		}
		shape := make([]int, len(got.Shape()))
		for i, d := range got.Shape() {
			shape[i] = int(d)
		}
		if got.DType().String() != w.DType.String() || !slices.Equal(shape, w.Shape) || !bytes.Equal(got.Data(), w.Data) {
			t.Errorf("%s: %v %v %v", w.Name, got.DType(), got.Shape(), got.Data())
		}
	}
}

func TestWeReadWhatAnotherImplementationWrites(t *testing.T) {
	want := sample()
	want.Tensors = slices.DeleteFunc(want.Tensors, func(t weights.Tensor) bool {
		return len(t.Shape) == 0 // the peer takes a scalar to have no elements
	})
	views := map[string]peer.TensorView{}
	for _, w := range want.Tensors {
		shape := make([]uint64, len(w.Shape))
		for i, d := range w.Shape {
			shape[i] = uint64(d)
		}
		dt, err := peer.ParseDType(w.DType.String())
		if err != nil {
			t.Fatal(err)
		}
		v, err := peer.NewTensorView(dt, shape, w.Data)
		if err != nil {
			t.Fatal(err)
		}
		views[w.Name] = v
	}
	b, err := peer.Serialize(views, want.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.Metadata, got.Metadata); d != "" {
		t.Errorf("metadata (-want +got)\n%s", d)
	}
	for _, w := range want.Tensors {
		g, ok := got.Find(w.Name)
		if !ok || g.DType != w.DType || !slices.Equal(g.Shape, w.Shape) || !bytes.Equal(g.Data, w.Data) {
			t.Errorf("%s: got %+v", w.Name, g)
		}
	}
}

func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestBrokenFilesAreRefused(t *testing.T) {
	const ok = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":              {nil, "shorter than a header"},
		"only a length":      {binary.LittleEndian.AppendUint64(nil, 1), "a header of 1 bytes in a file of 8"},
		"huge length":        {binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "not a safetensors file"},
		"no JSON":            {file("PK", 0), "invalid character"},
		"not an object":      {file("[]", 0), "want {"},
		"cut":                {file("{"+ok+"}", 7), "damaged or incomplete"},
		"trailing data":      {file("{"+ok+"}", 9), "damaged or incomplete"},
		"trailing JSON":      {file("{"+ok+"} {}", 8), "more data follows"},
		"twice the name":     {file("{"+ok+","+ok+"}", 8), `"a" appears twice`},
		"overlap":            {file(`{"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]},`+ok+"}", 8), "its data begins at 4, not at 8"},
		"gap":                {file(`{"b":{"dtype":"U8","shape":[4],"data_offsets":[9,13]},`+ok+"}", 13), "its data begins at 9, not at 8"},
		"wrong size":         {file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8), "bytes 0 to 8 do not hold a shape of [3] in F32"},
		"backward":           {file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[8,0]}}`, 8), "bytes 8 to 0"},
		"negative side":      {file(`{"a":{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}}`, 8), "-2 is not a size"},
		"fraction":           {file(`{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}`, 8), "2.0 is not a size"},
		"overflowing shape":  {file(`{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "too many elements"},
		"unknown type":       {file(`{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}`, 8), `the element type "C64" is not supported`},
		"unknown field":      {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}`, 8), `unknown field "x"`},
		"field twice":        {file(`{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), "appears twice"},
		"three offsets":      {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}`, 8), "two data_offsets"},
		"metadata not text":  {file(`{"__metadata__":{"epoch":14},`+ok+"}", 8), "got 14, want a string"},
		"metadata key twice": {file(`{"__metadata__":{"a":"","a":""},`+ok+"}", 8), "appears twice"},
		"deep":               {file(strings.Repeat(`{"a":`, 100000), 8), "tensor"},
	} {
		if _, err := open(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := open(file("{"+ok+"}  ", 8)); err != nil {
		t.Errorf("a padded header: %v", err)
	}
}

func TestBrokenDictsAreNotWritten(t *testing.T) {
	good := weights.NewFloat32("a", []int{1}, []float32{1})
	for want, tensors := range map[string][]weights.Tensor{
		`the name "a" is taken`:            {good, good},
		`the name "__metadata__" is taken`: {{Name: "__metadata__", DType: weights.U8, Shape: []int{0}}},
		"3 bytes for a shape of [1] in F32": {
			{Name: "a", DType: weights.F32, Shape: []int{1}, Data: make([]byte, 3)},
		},
		"negative side":            {{Name: "a", DType: weights.U8, Shape: []int{-1}}},
		"is not an element type":   {{Name: "a", DType: 99, Shape: []int{0}}},
		"has too many elements":    {{Name: "a", DType: weights.U8, Shape: []int{1 << 62, 4}}},
		"0 bytes for a shape of [": {{Name: "a", DType: weights.U8, Shape: []int{}}},
	} {
		var b bytes.Buffer
		err := weights.Write(&b, &weights.StateDict{Tensors: tensors})
		if err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("got %v and %d bytes, want %q", err, b.Len(), want)
		}
	}
}

// broken is a reader that fails after some bytes.
type broken struct {
	*bytes.Reader
	end int64
}

var errBroken = errors.New("the disk is gone")

func (b broken) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > b.end {
		return 0, errBroken
	}
	return b.Reader.ReadAt(p, at)
}

func TestReadErrorsAreReturned(t *testing.T) {
	b := write(t, sample())
	for end := range int64(len(b)) {
		r := broken{bytes.NewReader(b), end}
		f, err := weights.Open(r, int64(len(b)))
		if err == nil {
			_, err = f.StateDict()
		}
		if !errors.Is(err, errBroken) {
			t.Fatalf("failing at %d: %v", end, err)
		}
	}
	f, err := weights.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Float32("nobody"); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a missing tensor: %v", err)
	}
}

func TestHalfRoundsToNearest(t *testing.T) {
	bias := weights.NewFloat32("bias", []int{1}, []float32{1.0001})
	dict := &weights.StateDict{Tensors: []weights.Tensor{
		weights.NewFloat32("w", []int{3, 1}, []float32{1.0001, -3e-5, 60001}),
		bias,
		{Name: "n", DType: weights.I64, Shape: []int{}, Data: make([]byte, 8)},
	}}
	for d, want := range map[weights.DType][]float32{
		weights.F16:  {1, -503 * 0x1p-24, 60000},
		weights.BF16: {1, -252 * 0x1p-23, 59904},
	} {
		h, err := dict.Half(d)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := h.Float32("w")
		if err != nil || !slices.Equal(got, want) || len(h.Tensors[0].Data) != 6 {
			t.Errorf("%v: %v %v", d, got, err)
		}
		if h.Tensors[1].DType != weights.F32 || h.Tensors[2].DType != weights.I64 {
			t.Errorf("%v: small tensors were changed: %+v", d, h.Tensors[1:])
		}
		if again, err := h.Half(d); err != nil || !bytes.Equal(write(t, again), write(t, h)) {
			t.Errorf("%v: halving twice differs from once (%v)", d, err)
		}
	}
	if _, err := dict.Half(weights.I8); err == nil {
		t.Error("weights became integers")
	}
	large := &weights.StateDict{Tensors: []weights.Tensor{weights.NewFloat32("w", []int{1, 1}, []float32{-70000})}}
	if _, err := large.Half(weights.F16); err == nil || !strings.Contains(err.Error(), "BF16 can") {
		t.Errorf("got %v", err)
	}
	if _, err := large.Half(weights.BF16); err != nil {
		t.Error(err)
	}
	if _, err := bias.To(weights.U8); err == nil {
		t.Error("a bias became bytes")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(write(f, sample()))
	f.Add(file(`{"a":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}`, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(b)
		if err != nil {
			return
		}
		dict, err := file.StateDict()
		if err != nil {
			t.Fatal(err)
		}
		again, err := open(write(t, dict))
		if err != nil {
			t.Fatal(err)
		}
		dict2, err := again.StateDict()
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range dict.Tensors {
			if b := dict2.Tensors[i]; a.Name != b.Name || a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) || !bytes.Equal(a.Data, b.Data) {
				t.Fatalf("%+v became %+v", a, b)
			}
			if a.DType.Float() {
				if _, _, err := file.Float32(a.Name); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
