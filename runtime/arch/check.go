package arch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// maxNamed is the number of parameters that an error names.
const maxNamed = 3

// Check returns an error unless infos describe the weights of g: every parameter with
// its shape, and no other tensors. It ignores the counters num_batches_tracked of batch
// norms, which no computation reads.
func Check(g *nn.Graph, infos []weights.Info) error {
	have := make(map[string]weights.Info, len(infos))
	for _, info := range infos {
		have[info.Name] = info
	}
	var absent, unfit []string
	for _, p := range g.Params() {
		info, ok := have[p.Name]
		switch {
		case !ok:
			absent = append(absent, p.Name)
		case !slices.Equal(info.Shape, p.Shape):
			unfit = append(unfit, fmt.Sprintf("%s is %v, the network's is %v", p.Name, info.Shape, p.Shape))
		case !info.DType.Float():
			unfit = append(unfit, fmt.Sprintf("%s is of type %v", p.Name, info.DType))
		}
		delete(have, p.Name)
	}
	var extra []string
	for _, info := range infos { // the file's order, not the map's
		if _, ok := have[info.Name]; ok && !strings.HasSuffix(info.Name, ".num_batches_tracked") {
			extra = append(extra, info.Name)
		}
	}
	var wrong []string
	for _, list := range []struct {
		title string
		names []string
	}{{"missing", absent}, {"of another shape", unfit}, {"not the network's", extra}} {
		if len(list.names) > 0 {
			wrong = append(wrong, title(list.title, list.names))
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("the weights are not those of %s with %d classes: %s", g.Arch, g.Classes(), strings.Join(wrong, "; "))
}

// title returns the first names and their number.
func title(what string, names []string) string {
	text := fmt.Sprintf("%d %s (%s", len(names), what, strings.Join(names[:min(maxNamed, len(names))], ", "))
	if len(names) > maxNamed {
		text += ", …"
	}
	return text + ")"
}
