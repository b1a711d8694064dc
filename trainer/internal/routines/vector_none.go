//go:build !goexperiment.simd || !amd64 || noasm

package routines

func vectorSets() []*Set { return nil }
