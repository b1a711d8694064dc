package weightfile

import (
	"slices"
	"strings"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// wrappers are the parts of parameter names that come from wrapping a module: by
// DataParallel and AveragedModel, torch.compile, FSDP, activation checkpointing, and
// Lightning Fabric.
var wrappers = map[string]bool{
	"module": true, "_orig_mod": true, "_fsdp_wrapped_module": true, "_checkpoint_wrapped_module": true,
	"_forward_module": true, "_original_module": true,
}

// withoutWrappers returns a name without the parts of wrappers.
func withoutWrappers(name string) string {
	if !strings.Contains(name, "mod") {
		return name
	}
	parts := strings.Split(name, ".")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return wrappers[p] }), ".")
}

// leadingWrappers returns the parts of wrappers that a name begins with.
func leadingWrappers(name string) string {
	rest := name
	for {
		part, after, ok := strings.Cut(rest, ".")
		if !ok || !wrappers[part] {
			return name[:len(name)-len(rest)]
		}
		rest = after
	}
}

// anySize is an input size that every architecture takes.
const anySize = 331

// parameters returns the names of all parameters of all architectures.
var parameters = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, a := range arch.All() {
		for _, dropout := range []float64{0, 0.5} { // dropout changes the name of the last layer
			g, err := a.Build(arch.Config{InputSize: anySize, Classes: 1, Dropout: dropout})
			if err != nil {
				continue
			}
			for _, p := range g.Params() {
				names[p.Name] = true
			}
		}
	}
	return names
})

// isParameter reports whether an architecture has a parameter of that name, or a
// batch norm whose counter has that name.
func isParameter(name string) bool {
	if norm, ok := strings.CutSuffix(name, ".num_batches_tracked"); ok {
		name = norm + ".running_mean"
	}
	return parameters()[name]
}

// maxParts bounds the parts of a prefix.
const maxParts = 12

// prefixOf returns the text before the longest suffix of a name that is the name of a
// parameter. ok is false if no suffix is.
func prefixOf(name string) (prefix string, ok bool) {
	at := 0
	for range maxParts {
		if isParameter(withoutWrappers(name[at:])) {
			return name[:at] + leadingWrappers(name[at:]), true
		}
		dot := strings.IndexByte(name[at:], '.')
		if dot < 0 {
			break
		}
		at += dot + 1
	}
	return "", false
}

// maxNetworks bounds the number of networks in one dict.
const maxNetworks = 32

// candidatesIn returns the networks in a dict. If no name ends with a parameter of a
// known architecture, the dict is one unknown network.
func candidatesIn(number int, s set) []*candidate {
	if len(s.infos) == 0 {
		return nil
	}
	prefixes := make([]string, len(s.infos))
	known := make([]bool, len(s.infos))
	count := map[string]int{}
	most := 0
	var order []string
	for i, info := range s.infos {
		prefixes[i], known[i] = prefixOf(info.Name)
		if !known[i] {
			continue
		}
		if count[prefixes[i]] == 0 {
			order = append(order, prefixes[i])
		}
		count[prefixes[i]]++
		most = max(most, count[prefixes[i]])
	}
	if most == 0 {
		return []*candidate{unknownNetwork(number, s)}
	}
	mains := map[string]bool{}
	for _, p := range order {
		if 2*count[p] >= most && len(mains) < maxNetworks {
			mains[p] = true
		}
	}
	var all []*candidate
	for _, p := range order {
		if !mains[p] {
			continue
		}
		c := &candidate{set: number, path: s.path, prefix: p, names: map[string]bool{}, known: count[p]}
		var parts []int
		for i, info := range s.infos {
			switch {
			case known[i] && prefixes[i] == p:
				c.add(info, p)
			case known[i] && mains[prefixes[i]]: // another network's
			case isCounter(info):
			default:
				parts = append(parts, i)
			}
		}
		for _, i := range parts {
			c.addPart(s.infos[i], prefixes[i], known[i])
		}
		c.sort(s.infos)
		all = append(all, c)
	}
	return all
}

// add takes a tensor as a part of the network.
func (c *candidate) add(info weights.Info, prefix string) {
	raw := info.Name
	info.Name = withoutWrappers(raw[len(prefix):])
	if c.names[info.Name] {
		info.Name = raw // the name exists with and without a wrapper
	}
	c.names[info.Name] = true
	c.entries = append(c.entries, entry{name: info.Name, raw: raw, set: c.set, info: info})
}

// addPart adds or leaves out a tensor that has another prefix than the network or no
// parameter's name. Under the prefix of the network it adds everything, so that a
// mistake becomes visible. Under another prefix, it adds a parameter that the network
// lacks, such as the classifier behind a backbone.
func (c *candidate) addPart(info weights.Info, prefix string, known bool) {
	rest, inside := strings.CutPrefix(info.Name, c.prefix)
	switch {
	case isForeign(info.Name) || inside && isForeign(rest):
		c.left = append(c.left, info.Name)
	case inside:
		c.add(info, c.prefix)
	case known && !c.names[withoutWrappers(info.Name[len(prefix):])]:
		c.add(info, prefix)
	default:
		c.left = append(c.left, info.Name)
	}
}

// sort puts the entries in the order of the file.
func (c *candidate) sort(infos []weights.Info) {
	place := make(map[string]int, len(infos))
	for i, info := range infos {
		place[info.Name] = i
	}
	slices.SortFunc(c.entries, func(a, b entry) int { return place[a.raw] - place[b.raw] })
}

// unknownNetwork returns the candidate for names of no known architecture, without
// the wrappers that all of them begin with.
func unknownNetwork(number int, s set) *candidate {
	c := &candidate{set: number, path: s.path, names: map[string]bool{}}
	i := slices.IndexFunc(s.infos, func(info weights.Info) bool { return !isCounter(info) })
	if i >= 0 {
		c.prefix = leadingWrappers(s.infos[i].Name)
	}
	for _, info := range s.infos {
		if !isCounter(info) && !strings.HasPrefix(info.Name, c.prefix) {
			c.prefix = ""
		}
	}
	for _, info := range s.infos {
		if !strings.HasPrefix(info.Name, c.prefix) {
			continue // a counter
		}
		raw := info.Name
		info.Name = raw[len(c.prefix):]
		c.names[info.Name] = true
		c.entries = append(c.entries, entry{name: info.Name, raw: raw, set: number, info: info})
	}
	return c
}

// counters are the names of the counters of averages and training loops.
var counters = map[string]bool{
	"n_averaged": true, "num_averaged": true, "num_updates": true, "updates": true, "update_count": true, "steps": true,
	"step": true, "global_step": true, "initted": true, "decay": true, "epoch": true, "iteration": true, "num_steps": true,
}

// isCounter reports whether a tensor is a single number with the name of a counter.
func isCounter(info weights.Info) bool {
	n, err := weights.Elements(info.Shape)
	if err != nil || n != 1 {
		return false
	}
	last := info.Name[strings.LastIndexByte(info.Name, '.')+1:]
	return counters[last]
}

// isForeign reports whether a name begins with the name of a loss or a metric, which
// Lightning and others keep beside a network.
func isForeign(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return slices.ContainsFunc(words(first), func(w string) bool { return foreign[w] })
}

var foreign = map[string]bool{
	"criterion": true, "criterions": true, "criteria": true, "loss": true, "losses": true, "bce": true, "ce": true,
	"metric": true, "metrics": true, "acc": true, "accuracy": true, "auroc": true, "auc": true, "fbeta": true, "f1": true, "f2": true,
	"precision": true, "recall": true, "confmat": true, "ema": true,
}
