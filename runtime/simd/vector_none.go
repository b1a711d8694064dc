//go:build !goexperiment.simd || !amd64 || noasm

package simd

func vectorSets() []*Set { return nil }
