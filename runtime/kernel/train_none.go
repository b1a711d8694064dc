package kernel

func vectorTrainSets() []*TrainSet { return nil }
