package routines

import (
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// vectorSets lists the sets of machine code that this CPU can run, fastest first: those
// of package simd. If code cannot be generated, the scalar set remains.
var vectorSets = sync.OnceValue(func() []*Set {
	var sets []*Set
	for _, s := range simd.Sets() {
		width := amd64.YMM
		switch s.Name {
		case "avx512":
			width = amd64.ZMM
		case "scalar":
			continue
		}
		set := &Set{Name: s.Name, GroupedGrad: (&gradRoutines{width: width, name: s.Name}).run}
		if set.norms(width) != nil || set.products(width) != nil || set.steps(width) != nil {
			return nil
		}
		sets = append(sets, set)
	}
	return sets
})

// maker generates loops for one set, and keeps the first error.
type maker struct {
	width amd64.Width
	set   string
	err   error
}

func (m *maker) loop(name string, moving int, body emit.Body) emit.Loop {
	l, err := emit.NewLoop(m.width, m.set+"-"+name, moving, body)
	if err != nil && m.err == nil {
		m.err = err
	}
	return l
}

// factors are the factors of a loop.
type factors = [emit.Factors]float32

// whole returns n rounded down to whole pixels.
func whole(n int) int { return n / lanes * lanes }
