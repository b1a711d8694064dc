package emit

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// Sets generates a set of routines for each width of registers that this CPU has, the
// fastest first. generate returns the set of one width, whose name is "avx512" or
// "avx2". The first error ends it: then there are no sets.
func Sets[T any](generate func(name string, width amd64.Width) (T, error)) ([]T, error) {
	cpu, err := machinecode.Detect()
	if err != nil {
		return nil, err
	}
	var sets []T
	for _, s := range []struct {
		name  string
		has   bool
		width amd64.Width
	}{{"avx512", cpu.AVX512, amd64.ZMM}, {"avx2", cpu.AVX2, amd64.YMM}} {
		if !s.has {
			continue
		}
		set, err := generate(s.name, s.width)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}
