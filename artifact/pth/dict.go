package pth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Dict is a dict of tensors in a checkpoint.
type Dict struct {
	// Path lists the keys that lead from the file's value to the dict; it is empty
	// for that value itself.
	Path []string
	// Infos describes the tensors in order. An unsupported tensor has no shape.
	Infos []weights.Info

	named []namedTensor
	err   error // why Load fails, or nil
}

// namedTensor is an entry of a dict of tensors.
type namedTensor struct {
	name string
	*tensor
}

const (
	// maxDepth is the number of levels of dicts that are searched. Lightning keeps
	// averaged weights at callbacks, callback, average_model_state.
	maxDepth = 4
	// maxDicts bounds the number of dicts that are searched; an optimizer has one per
	// parameter.
	maxDicts = 1 << 17
)

// dictsIn returns the dicts of tensors in a value, root itself included, outer ones
// first. lists holds the paths of the lists of tensors.
func dictsIn(root any) (found []*Dict, lists [][]string) {
	type place struct {
		dict *dict
		path []string
	}
	seen := map[*dict]bool{}
	var level []place
	enter := func(v any, path []string) {
		if d, ok := v.(*dict); ok && !seen[d] && len(seen) < maxDicts {
			seen[d] = true
			level = append(level, place{d, path})
		}
		if isTensorList(v) && len(lists) < maxDicts {
			lists = append(lists, path)
		}
	}
	enter(root, nil)
	for depth := 0; depth <= maxDepth; depth++ {
		now := level
		level = nil
		for _, p := range now {
			if d := p.dict.state(p.path); d != nil {
				found = append(found, d)
			}
			for _, e := range p.dict.pairs {
				switch key := e.key.(type) {
				case string:
					if notWeights(key) {
						continue
					}
					enter(e.value, append(p.path[:len(p.path):len(p.path)], key))
				case int64:
					enter(e.value, append(p.path[:len(p.path):len(p.path)], strconv.FormatInt(key, 10)))
				}
			}
		}
	}
	return found, lists
}

// isTensorList reports whether a value is a list or tuple that begins with a tensor.
func isTensorList(v any) bool {
	items, ok := v.(tuple)
	if l, isList := v.(*list); isList {
		items, ok = l.items, true
	}
	if !ok || len(items) == 0 {
		return false
	}
	_, ok = items[0].(*tensor)
	return ok
}

// notWeights reports whether a key of a checkpoint holds the state of an optimizer or
// similar, which has a dict of tensors per parameter.
func notWeights(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "optim") || strings.Contains(key, "sched") || strings.Contains(key, "scaler") || key == "opt"
}

// state returns d as a dict of tensors, or nil if it has none. As in Python, the
// first of equal keys gives the position, and the last one the value.
func (d *dict) state(path []string) *Dict {
	s := &Dict{Path: path}
	place := make(map[string]int, len(d.pairs))
	found := false
	for _, p := range d.pairs {
		name, isText := p.key.(string)
		t, isTensor := p.value.(*tensor)
		odd, isOdd := p.value.(*oddTensor)
		found = found || isTensor || isOdd
		switch {
		case !isText && (isTensor || isOdd):
			s.fail(fmt.Errorf("the state dict has the key %s, which is not a text", describe(p.key)))
			continue
		case isOdd:
			s.fail(fmt.Errorf("tensor %s: %s", name, odd.why))
			t = &tensor{storage: &storage{}}
		case isTensor:
		case strings.Contains(name, "._packed_params"):
			s.fail(fmt.Errorf("the state dict is quantized (%s); save the weights from before quantization", name))
			continue
		case beside(name, p.value):
			continue
		default:
			s.fail(fmt.Errorf("the state dict's %q is %s, not a tensor", name, describe(p.value)))
			continue
		}
		info := weights.Info{Name: name, DType: t.storage.dtype, Shape: t.shape}
		if i, ok := place[name]; ok {
			s.named[i].tensor, s.Infos[i] = t, info
			continue
		}
		place[name] = len(s.named)
		s.named = append(s.named, namedTensor{name, t})
		s.Infos = append(s.Infos, info)
	}
	if !found {
		return nil
	}
	return s
}

// fail records the first error.
func (d *Dict) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// beside reports whether an entry of a state dict is not a tensor but may be left
// out: a number, a text, or the extra state of a module.
func beside(name string, value any) bool {
	switch value.(type) {
	case nil, bool, int64, float64, string, integer:
		return true
	}
	return strings.HasSuffix(name, "_extra_state")
}

// containers are the Python modules of values that checkpoints keep beside a network.
var containers = map[string]bool{"argparse": true, "builtins": true, "collections": true, "datetime": true, "pathlib": true, "numpy": true, "torch": true}

// noState returns an error that says what a file without a dict of tensors holds.
func noState(root any) error {
	const instead = "in Python, save model.state_dict()"
	switch v := root.(type) {
	case *object:
		return fmt.Errorf("it holds an object of %s, not a state dict; %s", v.class, instead)
	case *tensor, *oddTensor:
		return errors.New("no state dict found: it holds a single tensor; " + instead)
	case *list, tuple:
		return errors.New("no state dict found: it holds a list; save each model's state dict as a file of its own")
	case *dict:
		var keys []string
		for _, p := range v.pairs {
			key, _ := p.key.(string)
			if o, ok := p.value.(*object); ok && !containers[o.class.module] {
				return fmt.Errorf("no state dict found: its %q is an object of %s; %s", key, o.class, instead)
			}
			if isTensorList(p.value) {
				return fmt.Errorf("no state dict found: its %q is a list of tensors without names; in Python, copy them into the model and save model.state_dict()", key)
			}
			if len(keys) < 5 && key != "" && len(key) < 40 {
				keys = append(keys, strconv.Quote(key))
			}
		}
		if keys != nil {
			return fmt.Errorf("no state dict found under any of its keys, %s; %s", strings.Join(keys, ", "), instead)
		}
	}
	return errors.New("no state dict found; " + instead)
}
