package emit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// Sets generates a set of routines for each width of registers that this CPU has, the
// fastest first, and tries it. generate returns the set of one width, whose name is
// "avx512" or "avx2".
//
// If the system denies executable memory, or a routine differs from the scalar set's,
// there are no sets, and the error is why. There is no error on systems and processors
// that cannot have sets.
func Sets[S any](scalar S, generate func(name string, width amd64.Width) (S, error), try func(t *Trial[S])) ([]S, error) {
	cpu, err := machinecode.Detect()
	if errors.Is(err, machinecode.ErrUnsupported) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var sets []S
	for _, s := range []struct {
		name  string
		has   bool
		width amd64.Width
	}{{"avx512", cpu.AVX512, amd64.ZMM}, {"avx2", cpu.AVX2, amd64.YMM}} {
		if !s.has {
			continue
		}
		set, err := generate(s.name, s.width)
		if err == nil {
			err = Test(s.name, set, scalar, try)
		}
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// Variable is the environment variable that names the set to use.
const Variable = "DEPLOY_KERNEL_SIMD"

// Select returns the set with this name, or the first one if name is empty. It returns
// an error that lists the available sets if this one is not among them.
func Select[S any](sets []S, nameOf func(S) string, name string) (S, error) {
	if name == "" {
		return sets[0], nil
	}
	names := make([]string, len(sets))
	for i, s := range sets {
		if names[i] = nameOf(s); names[i] == name {
			return s, nil
		}
	}
	var none S
	return none, fmt.Errorf("%s=%s: this CPU and build have %s", Variable, name, strings.Join(names, ", "))
}
