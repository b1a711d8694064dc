//go:build !goexperiment.simd || !amd64 || noasm

package kernel

func vectorTrainSets() []*TrainSet { return nil }
