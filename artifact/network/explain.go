package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Explain adds a hint to err, the reason why weights do not match the network g. The
// hint says whether they have other classes, another architecture or other names, or
// are quantized.
func Explain(err error, g *nn.Graph, infos []weights.Info) error {
	if kind := transformed(infos); kind != "" {
		return hint.New(err, "%s", kind)
	}
	all := fits(infos, g.Input.Shape.H)
	for _, f := range all {
		if f.arch.Name == g.Arch || f.graph.Arch == g.Arch {
			return hint.New(err, "they have %d classes: set model.num_classes of the config to that", f.graph.Classes())
		}
	}
	if len(all) > 0 {
		return hint.New(err, "they fit %s with %d classes: name that architecture (model.arch of the config, or --arch)", names(all, " or "), all[0].graph.Classes())
	}
	if pair := nearestPair(g, infos); pair != "" {
		return hint.New(err, "%s", pair)
	}
	return err
}

// marks are endings of tensor names that reveal how weights were transformed.
var marks = []struct{ ending, what string }{
	{"._packed_params", "they are quantized: save the weights from before quantization"},
	{".zero_point", "they are quantized: save the weights from before quantization"},
	{".qweight", "they are quantized: save the weights from before quantization"},
	{".absmax", "they are quantized (bitsandbytes): save the weights from before quantization"},
	{".SCB", "they are quantized (bitsandbytes): save the weights from before quantization"},
	{".weight_mask", "they are pruned: in Python, call torch.nn.utils.prune.remove for each module before saving"},
	{".weight_g", "they have weight norm: in Python, call torch.nn.utils.remove_weight_norm for each module before saving"},
	{".weight_u", "they have spectral norm: in Python, call torch.nn.utils.remove_spectral_norm for each module before saving"},
	{".original0", "they are parametrized: in Python, call torch.nn.utils.parametrize.remove_parametrizations before saving"},
	{".original", "they are parametrized: in Python, call torch.nn.utils.parametrize.remove_parametrizations before saving"},
	{".lora_A.weight", "they are a LoRA adapter: in Python, save model.merge_and_unload().state_dict()"},
	{"_flat_param", "they are FSDP's flat parameters: save the full state dict (StateDictType.FULL_STATE_DICT)"},
}

// transformed returns how weights were transformed, or "" if no mark reveals it.
func transformed(infos []weights.Info) string {
	for _, info := range infos {
		for _, m := range marks {
			if strings.HasSuffix(info.Name, m.ending) {
				return m.what
			}
		}
	}
	return ""
}

// nearestPair names the first missing parameter and the tensor of the file that it
// may be. It returns "" if there is none.
func nearestPair(g *nn.Graph, infos []weights.Info) string {
	have := map[string]bool{}
	for _, info := range infos {
		have[info.Name] = true
	}
	need := map[string]bool{}
	for _, p := range g.Params() {
		need[p.Name] = true
	}
	for _, p := range g.Params() {
		if have[p.Name] {
			continue
		}
		var alike []string
		for _, info := range infos {
			if need[info.Name] || !slices.Equal(info.Shape, p.Shape) {
				continue
			}
			if strings.HasSuffix(info.Name, "."+p.Name) {
				return fmt.Sprintf("the network's %s may be the file's %s", p.Name, info.Name)
			}
			alike = append(alike, info.Name)
		}
		if near, ok := nearest.Name(p.Name, alike); ok {
			return fmt.Sprintf("the network's %s may be the file's %s", p.Name, near)
		}
		if len(alike) > 0 {
			return fmt.Sprintf("the network's %s may be the file's %s, which has its shape; names must be those of the architecture's usual PyTorch code", p.Name, alike[0])
		}
	}
	return ""
}
