package weightfile_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

const checkpoint = "../pth/testdata/checkpoint_zip.pth"

func Example() {
	f, err := weightfile.Open(checkpoint)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	fmt.Println(f.Format(), f.Metadata()["score"], f.Infos()[0].Name)
	// Output: PyTorch 0.5975 conv.weight
}

func open(t *testing.T, path string) *weightfile.File {
	t.Helper()
	f, err := weightfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func convert(t *testing.T, f *weightfile.File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Convert(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func save(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConvertKeepsTensorsAndMetadata(t *testing.T) {
	before := open(t, checkpoint)
	b := convert(t, before)
	if !bytes.Equal(b, convert(t, open(t, checkpoint))) {
		t.Error("the same file was converted to other bytes")
	}
	// The content decides the format, not the name.
	after := open(t, save(t, "converted.pth", b))
	if after.Format() != weightfile.Safetensors {
		t.Errorf("the form is %v", after.Format())
	}
	if !bytes.Equal(b, convert(t, after)) {
		t.Error("a safetensors file was not copied as it is")
	}
	if got, want := after.Metadata(), before.Metadata(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("metadata %v, want %v", got, want)
	}
	for i, info := range before.Infos() {
		if got := after.Infos()[i]; got.Name != info.Name || got.DType != info.DType || !slices.Equal(got.Shape, info.Shape) || !after.Has(info.Name) || !before.Has(info.Name) {
			t.Errorf("%+v became %+v", info, got)
		}
		a, _, err1 := before.Float32(info.Name)
		b, _, err2 := after.Float32(info.Name)
		if !slices.Equal(a, b) || (err1 == nil) != (err2 == nil) || (err1 == nil) != info.DType.Float() {
			t.Errorf("%s: %v, %v", info.Name, err1, err2)
		}
	}
	dict, err := after.StateDict()
	if err != nil || len(dict.Tensors) != len(before.Infos()) {
		t.Errorf("%d tensors, %v", len(dict.Tensors), err)
	}
}

func TestBothFormatsOfTorchSaveConvertToEqualBytes(t *testing.T) {
	if !bytes.Equal(convert(t, open(t, checkpoint)), convert(t, open(t, strings.Replace(checkpoint, "zip", "legacy", 1)))) {
		t.Error("zip and legacy differ")
	}
}

func TestRecipeWeightsFitTheirNetwork(t *testing.T) {
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 7})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, golden.StateDict(g)); err != nil {
		t.Fatal(err)
	}
	f := open(t, save(t, "m.safetensors", b.Bytes()))
	if err := arch.Check(g, f.Infos()); err != nil {
		t.Error(err)
	}
	if f.Metadata()["arch"] != "cifar_resnet20" || f.Metadata()["classes"] != "7" {
		t.Errorf("metadata %v", f.Metadata())
	}
}

func TestOtherFilesAreRefusedByName(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    string
	}{
		"empty.pth":         {"", "the file is empty"},
		"page.safetensors":  {"<!doctype html><html></html>", "a web page (HTML)"},
		"cut.safetensors":   {"\x20\x00\x00\x00\x00\x00\x00\x00{\"a\":", "incomplete"},
		"cut.pth":           {"PK\x03\x04", "damaged or incomplete"},
		"m.safetensors.enc": {strings.Repeat("\x28abc", 20), "encrypted"},
		"whole_model.pth":   {"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02cmodels\nNet\n)\x81.\x80\x02].", "save model.state_dict()"},
	} {
		path := save(t, name, []byte(c.content))
		if _, err := weightfile.Open(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := weightfile.Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := weightfile.Open("nowhere.pth"); err == nil || !strings.Contains(err.Error(), "nowhere.pth") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestModelNamesComeFromPaths(t *testing.T) {
	for path, want := range map[string]string{
		"a/2b_se_resnext50_f0_e14_0.5975.safetensors":   "2b_se_resnext50_f0_e14_0.5975",
		"2b_se_resnext50_f0_e14_0.5975.safetensors.enc": "2b_se_resnext50_f0_e14_0.5975",
		"/x/2b_se_resnext50_f0_e14_0.5975.pth":          "2b_se_resnext50_f0_e14_0.5975",
		"2b_se_resnext50_f0_e14_0.5975":                 "2b_se_resnext50_f0_e14_0.5975",
		"resnet20-12fca82f.th":                          "resnet20-12fca82f",
	} {
		if got := weightfile.ModelName(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}
