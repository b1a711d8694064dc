//go:build !goexperiment.simd || !amd64 || noasm

package kernel

func vectorSets() []*Set { return nil }
