package pth_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// archive returns a file as torch.save makes it.
func archive(pickle string, storages map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, data string) {
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(data)),
			CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
		})
		if err == nil {
			_, err = w.Write([]byte(data))
		}
		if err != nil {
			panic(err)
		}
	}
	add("archive/data.pkl", pickle)
	for _, key := range slices.Sorted(func(yield func(string) bool) {
		for k := range storages {
			if !yield(k) {
				return
			}
		}
	}) {
		add("archive/data/"+key, storages[key])
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func text(s string) string { return "\x8c" + string(rune(len(s))) + s }

// number returns a LONG1 of eight bytes.
func number(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func numbersTuple(ns ...int64) string {
	s := "("
	for _, n := range ns {
		s += number(n)
	}
	return s + "t"
}

// storageOf refers to two floats.
const storageOf = "(\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x02tQ"

func tensorOf(storage string, offset int64, shape, stride []int64) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbersTuple(shape...) + numbersTuple(stride...) + "\x89}tR"
}

// stateDict returns the pickle of {"w": value}.
func stateDict(value string) string { return "\x80\x02}" + text("w") + value + "s." }

// beside returns the pickle of a state dict with a good tensor and a value.
func beside(value string) string {
	good := tensorOf(storageOf, 0, []int64{2}, []int64{1})
	return "\x80\x02}" + text("w") + good + "s" + text("x") + value + "s."
}

type hostile struct{ name, pickle, want string }

func hostilePickles() []hostile {
	w := func(offset int64, shape, stride []int64) string {
		return stateDict(tensorOf(storageOf, offset, shape, stride))
	}
	return []hostile{
		{"a good one", w(0, []int64{2}, []int64{1}), ""},
		{"strides behind the end", w(0, []int64{2}, []int64{2}), "leave its storage of 2 elements"},
		{"an offset behind the end", w(2, []int64{1}, []int64{1}), "leave its storage of 2 elements"},
		{"a negative offset", w(-1, []int64{1}, []int64{1}), "a size that is the value -1"},
		{"a negative stride", w(1, []int64{2}, []int64{-1}), "a size that is the value -1"},
		{"a huge shape", w(0, []int64{1 << 40, 1 << 40}, []int64{0, 0}), "too many elements"},
		{"an overflowing stride", w(0, []int64{1 << 40, 3}, []int64{1 << 40, 1}), "leave its storage"},
		{"one number unfolded", w(0, []int64{1 << 20}, []int64{0}), "more than 8 times the file's size"},
		{"ranks that differ", w(0, []int64{2}, nil), "strides []"},
		{"a rank of thousands", w(0, slices.Repeat([]int64{1}, 5000), slices.Repeat([]int64{1}, 5000)), "a shape that is"},
		{"a storage of objects", stateDict(tensorOf(strings.Replace(storageOf, "FloatStorage", "system", 1), 0, nil, nil)), "torch.system is not supported"},
		{"a storage of elsewhere", stateDict(tensorOf(strings.Replace(storageOf, "ctorch", "cposix", 1), 0, nil, nil)), "posix.FloatStorage is not supported"},
		{"a storage of another size", stateDict(tensorOf(strings.Replace(storageOf, "K\x02", "K\x03", 1), 0, nil, nil)), "has 8 bytes, not 12"},
		{"a missing storage", stateDict(tensorOf(strings.Replace(storageOf, "\x010", "\x011", 1), 0, nil, nil)), "no storage \"1\""},
		{"a storage out of the archive", stateDict(tensorOf(strings.Replace(storageOf, "\x010", "\x0b../data.pkl", 1), 0, nil, nil)), "no storage \"../data.pkl\""},
		{"a quantized tensor", stateDict("ctorch._utils\n_rebuild_qtensor\n)R"), "tensor w: it is quantized"},
		{"a quantized storage", stateDict(tensorOf(strings.Replace(storageOf, "FloatStorage", "QInt8Storage", 1), 0, []int64{2}, []int64{1})), "it is quantized (torch.QInt8Storage)"},
		{"packed parameters", "\x80\x02}" + text("w") + tensorOf(storageOf, 0, []int64{2}, []int64{1}) + "s" + text("fc._packed_params.dtype") + "ctorch\nqint8\ns.", "is quantized (fc._packed_params.dtype)"},
		{"a sparse tensor", stateDict("ctorch._utils\n_rebuild_sparse_tensor\n)R"), "it is sparse"},
		{"a sparse parameter", stateDict("ctorch._utils\n_rebuild_parameter\n(ctorch._utils\n_rebuild_sparse_csr_tensor\n)R\x88}tR"), "it is sparse"},
		{"a tensor of a TPU", stateDict("ctorch._utils\n_rebuild_xla_tensor\n)R"), "it lies on a TPU (XLA)"},
		{"a tensor of a newer TPU", stateDict("ctorch._utils\n_rebuild_device_tensor_from_numpy\n)R"), "it lies on a TPU (XLA)"},
		{"a meta tensor", stateDict("ctorch._utils\n_rebuild_meta_tensor_no_storage\n)R"), "a meta tensor, which has no data"},
		{"a tensor of 8-bit floats", stateDict("ctorch._utils\n_rebuild_tensor_v3\n(NK\x00ctorch\nfloat8_e4m3fn\ntR"), "of type torch.float8_e4m3fn"},
		{"a distributed tensor", stateDict("ctorch._utils\n_rebuild_wrapper_subclass\n)R"), "it is a distributed tensor"},
		{"a complex tensor", stateDict(tensorOf(strings.Replace(storageOf, "FloatStorage", "ComplexFloatStorage", 1), 0, []int64{2}, []int64{1})), "torch.ComplexFloatStorage is not supported"},
		{"NumPy arrays", stateDict("cnumpy.core.multiarray\n_reconstruct\n)R"), "it is a NumPy array"},
		{"a model in a checkpoint", "\x80\x02}" + text("epoch") + "K\x01s" + text("model") + "cmodels.net\nNet\n)\x81}bs.", `its "model" is an object of models.net.Net`},
		{"other keys", "\x80\x02}" + text("epoch") + "K\x01s.", `under any of its keys, "epoch"`},
		{"a single tensor", "\x80\x02" + tensorOf(storageOf, 0, []int64{2}, []int64{1}) + ".", "it holds a single tensor"},
		{"numbers beside tensors", beside("K\x05"), ""},
		{"nothing beside tensors", beside("N"), ""},
		{"a command", beside("cos\nsystem\n" + text("touch /tmp/pwned") + "\x85R"), "an object of os.system, not a tensor"},
		{"a command by protocol 4", beside(text("os") + text("system") + "\x93" + text("touch /tmp/pwned") + "\x85R"), "an object of os.system"},
		{"a command given a tensor", beside("cbuiltins\neval\n" + text("1") + "\x85\x81"), "an object of builtins.eval"},
		{"a function called", stateDict("cos\nsystem\n" + "\x85" + ")R"), "it calls a list"},
		{"a whole model", "\x80\x02cmodels\nNet\n)\x81}b.", "an object of models.Net, not a state dict"},
		{"a list", "\x80\x02].", "no state dict found"},
		{"a list in itself", "\x80\x02]q\x00h\x00a.", "no state dict found"},
		{"a dict in itself", "\x80\x02}q\x00" + text("state_dict") + "h\x00s.", "no state dict found"},
		{"ten thousand lists in each other", "\x80\x02" + strings.Repeat("]", 10000) + strings.Repeat("a", 9999) + ".", "no state dict found"},
		{"a billion laughs", "\x80\x02]q\x00" + strings.Repeat("](h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00eq\x00", 50) + ".", "no state dict found"},
		{"a text longer than the file", "\x80\x02X\xff\xff\xff\x7fabc.", "ends early"},
		{"a text of 2^64 bytes", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends early"},
		{"no end", "\x80\x02}", "ends early"},
		{"an empty stack", "\x80\x02.", "pops more than it pushed"},
		{"a pop below a mark", "\x80\x02}(0.", "pops more than it pushed"},
		{"no mark", "\x80\x02t.", "pops more than it pushed"},
		{"a memo that is not there", "\x80\x02h\x05.", "number 5, which was never put down"},
		{"protocol 0", "(dp0\n.", "the instruction 'd'"},
		{"protocol 9", "\x80\x09.", "protocol 9"},
		{"an extension", "\x80\x02\x82\x01.", "torch.save never writes the instruction"},
		{"items of a number", "\x80\x02K\x01K\x01K\x01s.", "it sets items of the value 1"},
		{"half a pair", "\x80\x02}(K\x01u.", "pops more than it pushed"},
		{"a name of a number", "\x80\x02K\x01K\x01\x93.", "not a text"},
		{"a key that is a list", "\x80\x02}]" + tensorOf(storageOf, 0, nil, nil) + "s.", "not a text"},
		{"five million steps", "\x80\x02" + strings.Repeat("N0", 5<<20/2) + "}.", "more than 4194304 steps"},
	}
}

func TestHostilePicklesAreRefusedByName(t *testing.T) {
	for _, h := range hostilePickles() {
		_, err := read(archive(h.pickle, map[string]string{"0": "12345678"}))
		if h.want == "" && err != nil || h.want != "" && (err == nil || !strings.Contains(err.Error(), h.want)) {
			t.Errorf("%s: got %v, want %q", h.name, err, h.want)
		}
	}
}

func TestHostileArchivesAreRefusedByName(t *testing.T) {
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, err := z.Create("archive/data.pkl")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte{'N'}, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	good := stateDict(tensorOf(storageOf, 0, []int64{2}, []int64{1}))
	big := bytes.Replace(archive(good, map[string]string{"0": "12345678", "zbyteorder": ""}), []byte("archive/data/zbyteorder"), []byte("archive/data//byteorder"), 2)
	if _, err := read(big); err != nil {
		t.Errorf("another file in the archive: %v", err)
	}
	for want, file := range map[string][]byte{
		"is compressed":                  bomb.Bytes(),
		"neither of torch.save's forms":  []byte("<html>not found</html>"),
		"has no data.pkl":                bytes.ReplaceAll(archive(good, nil), []byte("data.pkl"), []byte("data.pkx")),
		"two files":                      bytes.ReplaceAll(archive(good, map[string]string{"0": "12345678", "1": "x"}), []byte("/data/1"), []byte("/data/0")),
		"damaged or incomplete":          archive(good, nil)[:60],
		"version 1002 of torch.save's":   []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xea\x03."),
		"a big-endian machine":           []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}" + text("little_endian") + "\x89s."),
		"the pickle ends early":          []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
		"belongs to no tensor":           []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}.\x80\x02]" + text("9") + "a."),
		"list of its storages is missin": []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}.\x80\x02}."),
	} {
		if _, err := read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// In files of PyTorch 0.4 and before, a storage may be a part of another.
func TestPartsOfStorages(t *testing.T) {
	part := strings.Replace(storageOf, "K\x02tQ", "K\x02"+"("+text("v")+"K\x01K\x01ttQ", 1)
	dict, err := read(archive(stateDict(tensorOf(part, 0, []int64{1}, []int64{1})), map[string]string{"0": "12345678"}))
	if err != nil || string(dict.Tensors[0].Data) != "5678" {
		t.Errorf("got %+v, %v", dict, err)
	}
}

// Parameters of custom subclasses are written like this.
func TestSubclassesOfTensorsAreRead(t *testing.T) {
	plain := tensorOf(storageOf, 0, []int64{2}, []int64{1})
	function := "ctorch._utils\n_rebuild_tensor_v2\n"
	args := strings.TrimSuffix(strings.TrimPrefix(plain, function), "R")
	subclass := "ctorch._tensor\n_rebuild_from_type_v2\n(" + function + "cmodels\nMine\n" + args + "}tR"
	dict, err := read(archive(stateDict(subclass), map[string]string{"0": "12345678"}))
	if err != nil || string(dict.Tensors[0].Data) != "12345678" {
		t.Errorf("got %+v, %v", dict, err)
	}
	nested := "ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\ncmodels\nMine\n" + args + "}tR"
	if _, err := read(archive(beside(nested), map[string]string{"0": "12345678"})); err == nil || !strings.Contains(err.Error(), "not a tensor") {
		t.Errorf("got %v", err)
	}
}

func TestNumPyScoresAreRead(t *testing.T) {
	score := "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + text("f8") + "K\x00K\x01tRc_codecs\nencode\n(X\x0c\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\xc3\xa0?" + "@@@" + text("latin1") + "tRtR"
	// 0xe0 is written as the two bytes of its UTF-8 form, hence 8 of 9.
	score = strings.Replace(score, "X\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc3\xa0?@@@", "X\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc3\xa0?", 1)
	pickle := "\x80\x02}" + text("score") + score + "s" + text("model") + "}" + text("w") + tensorOf(storageOf, 0, []int64{2}, []int64{1}) + "ss."
	dict, err := read(archive(pickle, map[string]string{"0": "12345678"}))
	if err != nil || dict.Metadata["score"] != "0.5" {
		t.Errorf("got %+v, %v", dict, err)
	}
}
