package network_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

func TestExplain(t *testing.T) {
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 7})
	if err != nil {
		t.Fatal(err)
	}
	renamed := func(change func(string) string) []weights.Info {
		infos := sourceOf(arch.CIFARResNet20, arch.Config{InputSize: 32, Classes: 7}, nil).infos
		for i := range infos {
			infos[i].Name = change(infos[i].Name)
		}
		return infos
	}
	for want, infos := range map[string][]weights.Info{
		"they have 9 classes: set model.num_classes":                    sourceOf(arch.CIFARResNet20, arch.Config{InputSize: 32, Classes: 9}, nil).infos,
		"they fit cifar_resnet32 with 7 classes":                        sourceOf(arch.CIFARResNet32, arch.Config{InputSize: 32, Classes: 7}, nil).infos,
		"they fit efficientnet_b0 or tf_efficientnet_b0 with 3 classes": sourceOf(arch.EfficientNetB0, arch.Config{InputSize: 32, Classes: 3}, nil).infos,
		"linear.weight may be the file's fc.weight":                     renamed(func(s string) string { return strings.Replace(s, "linear.", "fc.", 1) }),
		"may be the file's stage1.0.conv1.weight":                       renamed(func(s string) string { return strings.Replace(s, "layer", "stage", 1) }),
		"they are pruned":       renamed(func(s string) string { return strings.Replace(s, "linear.weight", "linear.weight_mask", 1) }),
		"they have weight norm": renamed(func(s string) string { return strings.Replace(s, "linear.weight", "linear.weight_g", 1) }),
		"they are quantized":    renamed(func(s string) string { return strings.Replace(s, "linear.weight", "linear.qweight", 1) }),
	} {
		err := network.Explain(arch.Check(g, infos), g, infos)
		var h interface{ Hint() string }
		if !errors.As(err, &h) || !strings.Contains(h.Hint(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	plain := errors.New("of another kind")
	if err := network.Explain(plain, g, nil); !errors.Is(err, plain) {
		t.Error(err)
	}
}

// timm writes its own names of architectures, which may be unknown here.
func TestAnUnknownNameInTheMetadataIsIgnored(t *testing.T) {
	file := sourceOf(arch.CIFARResNet20, arch.Config{InputSize: 32, Classes: 7}, map[string]string{"format": "pt", "arch": "resnet20_timm"})
	if g, _, err := network.Of(file, network.Choice{InputSize: 32}); err != nil || g.Arch != "cifar_resnet20" {
		t.Error(err)
	}
}
