package ensemble

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Model is an ensemble member: a network that was trained on one or more folds.
type Model struct {
	Name        string  // name of its config, e.g. 2b_se_resnext50
	Coefficient float64 // factor of the predictions of each of its folds in the sum
	Arch        string  // name of the architecture, as in package arch
	Task        task.Task
	InputSize   int // side of the network's square input, in pixels
	Classes     int // classes, grades, or targets of a regression
	Views       int // views of each image (TTA), 1 to vision.MaxViews
	Dropout     float64
	Folds       []Fold
	// Scaling is how images are resized to InputSize × InputSize pixels.
	Scaling vision.Scaling
	// Mean and Std normalize the pixels. All zeros mean the architecture's values.
	Mean, Std [3]float32
	Alpha     vision.Alpha // treatment of transparent pixels
	EXIF      vision.EXIF  // treatment of the EXIF orientation
}

// Fold is one set of trained weights.
type Fold struct {
	Name   string // name of the weight file without its ending, e.g. 2b_se_resnext50_f0_e14_0.5975
	SHA256 string // of the plain safetensors file, in hexadecimal
	Size   int64  // of the plain safetensors file, in bytes
	// Threshold is subtracted from the sigmoid, -1 to 2: it may include an offset. It is 0
	// for tasks other than multilabel.
	Threshold float64
}

// Values returns the number of values of a prediction.
func (m *Model) Values() int { return m.Task.Values(m.Classes) }

// Input returns the number of values of an input of the network.
func (m *Model) Input() int { return 3 * m.InputSize * m.InputSize }

// Config returns the sizes of the network.
func (m *Model) Config() arch.Config {
	return arch.Config{InputSize: m.InputSize, Classes: m.Task.Logits(m.Classes), Dropout: m.Dropout}
}

// Preprocess returns how images become inputs of the network, whose architecture is a.
func (m *Model) Preprocess(a arch.Arch) vision.Preprocess {
	p := vision.Preprocess{Size: m.InputSize, Mean: a.Mean, Std: a.Std, Scaling: m.Scaling}
	if m.Std != [3]float32{} {
		p.Mean, p.Std = m.Mean, m.Std
	}
	return p
}

// Decoder returns a decoder for the model's images, which may have the given formats.
func (m *Model) Decoder(formats []vision.Format) vision.Decoder {
	return vision.Decoder{Formats: formats, Alpha: m.Alpha, EXIF: m.EXIF}
}

// Operations returns a measure of the time that one view of an image takes: the number
// of multiplications plus the number of values that the layers write. a is the model's
// architecture.
func (m *Model) Operations(a arch.Arch) (float64, error) {
	g, err := a.Build(m.Config())
	if err != nil {
		return 0, err
	}
	n := 0.0
	for _, node := range g.Nodes {
		n += float64(node.Shape.Len())
		switch node.Op {
		case nn.Conv:
			n += float64(node.Shape.Len()) * float64(node.In[0].Shape.C/node.Groups*node.Window.H*node.Window.W)
		case nn.Linear:
			n += float64(node.Shape.C) * float64(node.In[0].Shape.Len())
		}
	}
	return n, nil
}
