package routines

import (
	"errors"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// vectorSets returns the sets of machine code that this CPU can run, fastest first, and
// why there are none where there could be.
var vectorSets = sync.OnceValues(func() ([]*Set, error) { return emit.Sets(Scalar, generate, selfTest) })

func generate(name string, width amd64.Width) (*Set, error) {
	s := &Set{Name: name, GroupedGrad: (&gradRoutines{width: width, name: name}).run}
	return s, errors.Join(s.norms(width), s.products(width), s.activations(width), s.steps(width))
}

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
