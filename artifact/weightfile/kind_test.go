package weightfile_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
)

// zipOf is a zip archive of files of a letter each.
func zipOf(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte("x"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOtherKindsAreNamed(t *testing.T) {
	tar := func(name string) string {
		b := make([]byte, 1024)
		copy(b, name)
		copy(b[257:], "ustar\x0000")
		return string(b)
	}
	tensorflow := strings.Repeat("\x00\x01", 40) + "\x57\xfb\x80\x8b\x24\x75\x47\xdb"
	for want, content := range map[string]string{
		"a Git LFS pointer":                     "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
		"a web page (HTML)":                     "\n<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sign in</title></head></html>",
		"a web page (HTML), such":               "\xef\xbb\xbf<html><body>Quota exceeded</body></html>",
		"an XML or HTML text":                   `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`,
		`a text that begins with "404: Not`:     "404: Not Found",
		`a text that begins with "Entry not fo`: "Entry not found\n",
		"a JSON text":                           `{"error": "Invalid username or password."}`,
		"the file is empty":                     "",
		"zero bytes alone":                      strings.Repeat("\x00", 5000),
		"an HDF5 file, as Keras":                "\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08",
		"a NumPy array (.npy)":                  "\x93NUMPY\x01\x00v\x00{'descr': '<f4'",
		"a NumPy archive (.npz)":                zipOf(t, "conv1.npy", "fc.npy"),
		"a TorchScript archive":                 zipOf(t, "m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"),
		"a Keras model":                         zipOf(t, "metadata.json", "config.json", "model.weights.h5"),
		"it holds model.pth: unpack it":         zipOf(t, "model.pth"),
		"an empty zip archive":                  "PK\x05\x06" + strings.Repeat("\x00", 18),
		"damaged or incomplete":                 torchCut(t),
		"a tar archive":                         tar("model.pth"),
		"by PyTorch before version 0.1.10":      tar("sys_info"),
		"compressed by gzip":                    "\x1f\x8b\x08\x00\x00\x00\x00\x00",
		"compressed by zstd":                    "\x28\xb5\x2f\xfd\x04\x00",
		"compressed by xz":                      "\xfd7zXZ\x00\x00\x04",
		"a 7z archive":                          "7z\xbc\xaf\x27\x1c\x00\x04",
		"an ONNX model":                         "\x08\x08\x12\x07pytorch\x1a\x052.1.0",
		"a TensorFlow SavedModel":               "\x08\x01\x12\xb6\x12\x12\x9a\x0e",
		"the index of a TensorFlow checkpoint":  tensorflow,
		"a TensorFlow Lite model":               "\x1c\x00\x00\x00TFL3\x14\x00\x20\x00",
		"a pickle that torch.save did not wri":  "\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}.",
		"a GGUF file":                           "GGUF\x03\x00\x00\x00",
		"a PNG image":                           "\x89PNG\r\n\x1a\n\x00\x00",
		"macOS's notes":                         "\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X",
		"neither a safetensors file nor one of": "\x01\x02\x03\x04\x05\x06\x07\x08\x09",
		"incomplete":                            "\x40\x00\x00\x00\x00\x00\x00\x00{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}          \x01",
	} {
		for _, name := range []string{"m.pth", "m.safetensors"} {
			path := save(t, name, []byte(content))
			_, err := weightfile.Open(path)
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
			if weightfile.IsWeights(save(t, "m.dat", []byte(content))) && !strings.Contains(want, "TorchScript") && want != "incomplete" {
				t.Errorf("%s is taken for weights", want)
			}
		}
	}
}

// torchCut is the first half of a file of torch.save.
func torchCut(t *testing.T) string {
	b := torchSave(t, netOf(t, 1))
	return string(b[:len(b)/2])
}

func TestFoldersAreNamed(t *testing.T) {
	for want, name := range map[string]string{
		"was unpacked, as Kaggle does":  "data.pkl",
		"a distributed checkpoint":      ".metadata",
		"a folder, not a file of weigh": "model.safetensors",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := weightfile.Open(dir); err == nil || !strings.HasPrefix(err.Error(), dir+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestTheContentDecidesNotTheExtension(t *testing.T) {
	const model = "demo_a_f0_e07_0.6123"
	for rank, name := range []string{
		".safetensors", ".safetensors.index.json", ".pth", ".pt", ".th", ".pth.tar", ".pt.tar", ".ckpt", ".bin",
	} {
		if got, ok := weightfile.Rank(model+name, model); !ok || got != rank {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
		if got := weightfile.ModelName("x/" + model + strings.ToUpper(name)); got != model {
			t.Errorf("%s: the model's name is %s", name, got)
		}
		if weightfile.Named(model+name) != (name != ".bin") {
			t.Errorf("%s: Named is wrong", name)
		}
	}
	for _, name := range []string{".PTH", ".SafeTensors", "", ".weights", ".pkl", ".tar"} {
		if _, ok := weightfile.Rank(model+name, model); !ok {
			t.Errorf("%s is not looked at", name)
		}
	}
	for _, name := range []string{"4.pth", ".yml", ".yaml", ".npy", "_ensemble.yml", ".safetensors.enc", ".pth.bak.1", "-00001-of-00002.safetensors", ".json", ".log"} {
		if _, ok := weightfile.Rank(model+name, model); ok {
			t.Errorf("%s is taken for the model's", name)
		}
	}
	if weightfile.Named("m-00001-of-00002.safetensors") || weightfile.Named(".pth") || weightfile.Named("m.yml") {
		t.Error("other names are taken for weights")
	}
	for _, data := range [][]byte{torchSave(t, netOf(t, 1)), safetensors(t, netOf(t, 1))} {
		if !weightfile.IsWeights(save(t, "noending", data)) {
			t.Error("weights without an ending are not told")
		}
	}
	if weightfile.IsWeights("nowhere") || weightfile.IsWeights(t.TempDir()) {
		t.Error("nothing is taken for weights")
	}
}

// Encrypted weights are read through their reader.
func TestNewReadsLikeOpen(t *testing.T) {
	data := torchSave(t, under("module.", netOf(t, 1)))
	f, err := weightfile.New("m.safetensors.enc", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Choose(""); err != nil || fits(t, f) != 1 {
		t.Error(err)
	}
	if _, err := weightfile.New("m", strings.NewReader("{}"), 2); err == nil || !strings.Contains(err.Error(), "a text that begins") {
		t.Errorf("got %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("{\"weight_map\": {\"a\": \"b\"}}"))
	f.Add([]byte("version https://git-lfs.github.com/spec/v1\n"))
	f.Add([]byte("\x08\x08\x12\x07pytorch"))
	for _, path := range []string{"../pth/testdata/checkpoint_zip.pth", "../pth/testdata/tensors_legacy.pth"} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := weightfile.New("m", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if err := w.Choose(""); err != nil {
			return
		}
		if dict, err := w.StateDict(); err == nil && len(dict.Tensors) != len(w.Infos()) {
			t.Errorf("%d tensors of %d", len(dict.Tensors), len(w.Infos()))
		}
	})
}
