//go:build !goexperiment.simd || !amd64 || noasm

package vector

func vectorSets() []*Set { return nil }
