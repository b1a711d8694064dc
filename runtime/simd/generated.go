package simd

import (
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// generatedSets returns the sets of generated code that this CPU can run, and why
// there are none where there could be.
var generatedSets = sync.OnceValues(func() ([]*Set, error) { return emit.Sets(Scalar, generate, selfTest) })

// generate returns a set of generated code.
func generate(name string, width amd64.Width) (*Set, error) {
	wide := &gemmRoutines{width: width, columns: 2 * Lanes, name: name}
	half := &gemmRoutines{width: width, columns: Lanes, name: name}
	if width == amd64.YMM {
		wide = half
	}
	rows := &rowRoutines{width: width, name: name}
	s := &Set{
		Name: name, Panel: wide.columns, FastProducts: fastProducts(width), L2: secondCache(),
		GEMM: wide.run, HalfGEMM: half.run,
		activations: &activationRoutines{width: width},
		Depthwise:   rows.depthwise, MaxPool: rows.maxPool, Grouped: rows.grouped,
	}
	if err := s.vectors(width); err != nil {
		return nil, err
	}
	plain, err := emitGather(width, name, false)
	if err != nil {
		return nil, err
	}
	scaled, err := emitGather(width, name, true)
	if err != nil {
		return nil, err
	}
	s.Gather = gather(plain, scaled)
	if s.Strassen, err = emitStrassen(width, name); err != nil {
		return nil, err
	}
	if s.ToWinograd, err = emitToWinograd(width, name); err != nil {
		return nil, err
	}
	if s.FromWinograd, err = emitFromWinograd(width, name); err != nil {
		return nil, err
	}
	layerNorm, err := emitLayerNorm(width, name)
	if err != nil {
		return nil, err
	}
	s.LayerNorm = func(a *Across) { a.run(layerNorm) }
	softmax, err := emitSoftmax(width, name)
	if err != nil {
		return nil, err
	}
	s.Softmax = func(a *Across) { a.run(softmax) }
	return s, nil
}

// Trouble returns why the fastest set is the scalar one where it need not be: the
// system denies executable memory, or a routine fails its test at the start. It
// returns nil if all is well, and on systems and processors without other sets.
func Trouble() error {
	_, err := generatedSets()
	return err
}
