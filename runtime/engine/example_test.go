package engine_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// predictOne returns the logits of one normalized image, (32, 32, 3). file is a
// safetensors file with the weights of a ResNet-20 with 10 classes.
func predictOne(file []byte, image []float32) ([]float32, error) {
	graph, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		return nil, err
	}
	params, err := weights.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	network, err := engine.Compile(graph, params, engine.Options{})
	if err != nil {
		return nil, err
	}
	logits := make([]float32, graph.Classes())
	return logits, network.Predict(context.Background(), image, logits)
}

// The example builds a network, loads its weights and predicts one image.
func Example() {
	logits, err := predictOne(cifarWeights(), make([]float32, 32*32*3))
	fmt.Println(len(logits), err)
	// Output: 10 <nil>
}
