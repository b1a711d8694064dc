//go:build !linux

package engine

// newFloats returns memory for n values.
func newFloats(n int) []float32 { return make([]float32, n) }
