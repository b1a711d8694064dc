//go:build !goexperiment.simd || !amd64 || noasm

package simd

func vectorTrainSets() []*TrainSet { return nil }
