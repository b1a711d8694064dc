package emit

import "fmt"

// Trial compares the routines of a set with those of the scalar set, which define them.
type Trial[S any] struct {
	// Set is the tested set, and Scalar the one that defines it.
	Set, Scalar S
	name        string // of the set
	err         error  // names the first routine that differs
}

// Test tries a set that has this name. It returns an error that names the first routine
// that differs.
func Test[S any](name string, set, scalar S, try func(t *Trial[S])) error {
	t := &Trial[S]{Set: set, Scalar: scalar, name: name}
	try(t)
	return t.err
}

// Compare runs a job of a routine with both sets, each on a copy of y. The routine
// differs if a value of the results does by more than the tolerance.
func Compare[S any, T uint8 | uint64 | float32 | float64](t *Trial[S], routine string, tolerance T, y []T, job func(set S, y []T)) {
	want, got := append([]T(nil), y...), append([]T(nil), y...)
	job(t.Scalar, want)
	job(t.Set, got)
	for i, w := range want {
		if g := got[i]; t.err == nil && g != w && !(max(g, w)-min(g, w) <= tolerance) {
			t.err = fmt.Errorf("the %s routine %s gives %v for value %d, not %v", t.name, routine, g, i, w)
		}
	}
}

// Values returns n small numbers, whose products and sums are exact.
func Values[T float32 | float64](n, seed int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T((i*i+7*seed)%11-5) / 4
	}
	return x
}
