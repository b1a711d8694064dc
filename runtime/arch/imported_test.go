package arch_test

import (
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
)

const importedText = "Input 3 8 8\nGlobalAvgPool 0\nLinear 1 \"fc\" 5\nOutput 2\n"

func TestImportedNetworksTakeOneSize(t *testing.T) {
	a := arch.Imported(importedText)
	if a.Name != arch.ImportedName(importedText) || !arch.IsImported(a.Name) || arch.IsImported(arch.ResNet18.Name) {
		t.Errorf("the name is %q", a.Name)
	}
	g, err := a.Build(arch.Config{InputSize: 8, Classes: 5})
	if err != nil || g.Text() != importedText || g.Arch != a.Name {
		t.Errorf("%v, %v", g, err)
	}
	for want, c := range map[string]arch.Config{
		"takes images of 3 channels and 8x8 pixels, not of 3 channels and 9x9 pixels": {InputSize: 9, Classes: 5},
		"has 5 classes, not 6": {InputSize: 8, Classes: 6},
	} {
		if _, err := a.Build(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := arch.Imported("ReLU 0\n").Build(arch.Config{}); err == nil || !strings.Contains(err.Error(), "line 1 of the network onnx:") {
		t.Errorf("a damaged text: %v", err)
	}
}
