package weightfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// candidate is a set of weights that a file may be read for. A file may hold several:
// raw weights and their moving average, a student and a teacher. They lie in dicts of
// their own, or under prefixes in one dict.
type candidate struct {
	set     int      // index of the dict
	path    []string // keys that lead to the dict
	prefix  string   // before each name, with its dot
	entries []entry
	names   map[string]bool // names of the entries
	known   int             // number of entries that are parameters of a known architecture
	left    []string        // tensors that are not part of the network
}

// entry is a tensor of the weights. name is its name in the network, raw in the file.
type entry struct {
	name, raw string
	set       int
	info      weights.Info // of name
}

// choice is the chosen weights.
type choice struct {
	entries []entry
	average bool
	note    string // for the user, or ""
}

// choose chooses among the sets as [File.Choose] says.
func choose(sets []set, key string) (choice, error) {
	var all []*candidate
	for i, s := range sets {
		all = append(all, candidatesIn(i, s)...)
	}
	if len(all) == 0 {
		return choice{}, errors.New("it holds no tensors")
	}
	mains := networksOf(all)
	from := mains
	if key != "" {
		if from = named(all, key); from == nil {
			return choice{}, unknownKey(all, mains, key)
		}
	}
	c, err := best(from)
	if err != nil {
		return choice{}, err
	}
	var notes []string
	if others := titles(mains, c); others != "" {
		kind := ""
		if c.average() {
			kind = ", the average"
		}
		notes = append(notes, fmt.Sprintf("taking the weights under %q%s; there are others under %s (choose by --weights-key)", c.title(), kind, others))
	} else if plain := withoutWrappers(c.prefix); plain != "" {
		notes = append(notes, fmt.Sprintf("taking the tensors under the prefix %q", plain))
	}
	out := choice{entries: c.entries, average: c.average()}
	if rest, of := c.complement(mains); len(rest) > 0 {
		out.entries = append(slices.Clip(out.entries), rest...)
		notes = append(notes, fmt.Sprintf("%d tensors that it lacks are those under %q", len(rest), of.title()))
	}
	if len(c.left) > 0 {
		notes = append(notes, "leaving out "+list(c.left))
	}
	out.note = strings.Join(notes, "; ")
	return out, nil
}

// whole chooses all tensors of the only set, under the names in the file.
func whole(sets []set, key string) (choice, error) {
	switch {
	case key != "":
		return choice{}, fmt.Errorf("no weights under %q: it holds an imported network", key)
	case len(sets) != 1 || len(sets[0].infos) == 0:
		return choice{}, errors.New("it holds no tensors")
	}
	var c choice
	for _, info := range sets[0].infos {
		c.entries = append(c.entries, entry{name: info.Name, raw: info.Name, info: info})
	}
	return c, nil
}

// networksOf returns the candidates with at least half as many parameters as the
// largest one. The others are parts of a network, or something else.
func networksOf(all []*candidate) []*candidate {
	most := slices.MaxFunc(all, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.known, b.known), cmp.Compare(len(a.entries), len(b.entries)))
	})
	var mains []*candidate
	for _, c := range all {
		if c.known > 0 && 2*c.known >= most.known || most.known == 0 && 2*len(c.entries) >= len(most.entries) {
			mains = append(mains, c)
		}
	}
	return mains
}

// best returns the first average, or else the candidate with the most usual name.
func best(from []*candidate) (*candidate, error) {
	for _, c := range from {
		if c.average() {
			return c, nil
		}
	}
	first := slices.MinFunc(from, func(a, b *candidate) int { return a.rank() - b.rank() })
	if first.rank() < unusual {
		return first, nil
	}
	for _, c := range from {
		if c != first && c.rank() == first.rank() {
			return nil, hint.New(fmt.Errorf("it holds several sets of weights: %q, %s", first.title(), titles(from, first)),
				"choose one by --weights-key, e.g. --weights-key %s", first.title())
		}
	}
	return first, nil
}

// usual lists the keys and prefixes under which training code keeps the raw weights,
// the most usual first.
var usual = []string{
	"state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params",
	"backbone", "encoder", "base_model", "classifier", "online_model", "encoder_q", "student_model",
}

// unusual is the rank of any other name.
const unusual = 1000

// rank orders candidates by how usual their names are.
func (c *candidate) rank() int {
	rank := 0
	for _, part := range c.parts() {
		i := slices.Index(usual, part)
		if i < 0 {
			i = unusual
		}
		rank += i
	}
	return rank
}

// average reports whether the weights are an average over the steps of training.
func (c *candidate) average() bool { return isAverage(c.parts()) }

// isAverage reports whether one of the keys or parts of a prefix names an average.
func isAverage(parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool {
		return slices.ContainsFunc(words(part), func(w string) bool { return averages[w] })
	})
}

// averagedList returns the first list whose path names an average, or "".
func averagedList(lists [][]string) string {
	for _, path := range lists {
		if isAverage(path) {
			return strings.Join(path, ".")
		}
	}
	return ""
}

// join appends a remark to a note.
func join(note, more string) string { return strings.TrimPrefix(note+"; "+more, "; ") }

var averages = map[string]bool{
	"ema": true, "average": true, "averaged": true, "averages": true, "avg": true, "swa": true, "shadow": true, "polyak": true,
}

// words splits a name into words in lower case, at everything but letters and
// digits, and before capital letters.
func words(name string) []string {
	var all []string
	var word []byte
	end := func() {
		if len(word) > 0 {
			all = append(all, strings.ToLower(string(word)))
			word = nil
		}
	}
	for i := range len(name) {
		c := name[i]
		upper := c >= 'A' && c <= 'Z'
		if upper && i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
			end()
		}
		if upper || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			word = append(word, c)
		} else {
			end()
		}
	}
	end()
	return all
}

// parts returns the keys and the parts of the prefix, without wrappers.
func (c *candidate) parts() []string {
	parts := slices.Clone(c.path)
	for part := range strings.SplitSeq(c.prefix, ".") {
		parts = append(parts, part)
	}
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" || wrappers[p] })
}

// title returns the name by which --weights-key chooses the candidate.
func (c *candidate) title() string {
	if parts := c.parts(); len(parts) > 0 {
		return strings.Join(parts, ".")
	}
	if full := c.full(); full != "" {
		return full
	}
	return "."
}

func (c *candidate) full() string {
	return strings.TrimSuffix(strings.Join(append(slices.Clone(c.path), c.prefix), "."), ".")
}

// named returns the candidates whose whole title is key, or else those with key in
// their title.
func named(all []*candidate, key string) []*candidate {
	key = strings.TrimSuffix(key, ".")
	var exact, within []*candidate
	for _, c := range all {
		title, full := c.title(), c.full()
		switch {
		case key == title || key == full:
			exact = append(exact, c)
		case strings.HasPrefix(title, key+".") || strings.HasPrefix(full, key+".") || slices.Contains(c.parts(), key) ||
			key == strings.TrimSuffix(c.prefix, "."):
			within = append(within, c)
		}
	}
	if exact != nil {
		return exact
	}
	return within
}

func unknownKey(all, mains []*candidate, key string) error {
	var names []string
	for _, c := range all {
		names = append(names, c.title())
	}
	if len(mains) == 1 && len(mains[0].parts()) == 0 {
		return hint.New(fmt.Errorf("no weights under %q: it holds one set, which has no name", key), "leave --weights-key out")
	}
	err := fmt.Errorf("no weights under %q; there are %s", key, titles(mains, nil))
	if near, ok := nearest.Name(key, names); ok {
		return hint.New(err, "did you mean --weights-key %s?", near)
	}
	return hint.New(err, "without --weights-key the average is taken, or the only ones")
}

// titles lists the titles of all candidates except but.
func titles(all []*candidate, but *candidate) string {
	var names []string
	for _, c := range all {
		if c != but {
			names = append(names, fmt.Sprintf("%q", c.title()))
		}
	}
	const most = 5
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return strings.Join(names, ", ")
}

// complement returns the raw weights that an average lacks, and the candidate that
// has them. Some averages hold only trained parameters, without the statistics of
// batch norms.
func (c *candidate) complement(mains []*candidate) ([]entry, *candidate) {
	if !c.average() {
		return nil, nil
	}
	var raw []*candidate
	for _, m := range mains {
		if !m.average() {
			raw = append(raw, m)
		}
	}
	if len(raw) == 0 {
		return nil, nil
	}
	of, err := best(raw)
	if err != nil {
		return nil, nil
	}
	for name := range c.names {
		if !of.names[name] {
			return nil, nil
		}
	}
	var rest []entry
	for _, e := range of.entries {
		if !c.names[e.name] {
			rest = append(rest, e)
		}
	}
	return rest, of
}

// list returns the first three names and the number of the others.
func list(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
