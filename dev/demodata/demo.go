// Package demodata makes a small image data set, and an ensemble of two networks with two
// folds each. Tests deploy it.
//
//	files, err := demodata.Write(dir, demodata.Options{Images: 48})
//	// deploy-kernel infer files.Ensemble --weights files.Weights --input files.Data
//
// The files have the same bytes on every machine. The networks are not trained: their
// weights follow from the recipe of dev/golden, with a little noise in each fold.
//
// WriteTrain makes the training set of the demo.
package demodata

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Options say what Write makes.
type Options struct {
	Images int // in the test set; 0 is 48
	// FullSize makes one fold of a network of the size of competitions, with 100 MB of
	// weights, instead of the small ones.
	FullSize bool
}

// Files holds the paths of the files that Write made.
type Files struct {
	Data     string // folder of the test images and the sample submission
	Weights  string // folder of the weights and thresholds
	Configs  string // folder of the configs
	Ensemble string // the ensemble file
	// Models lists the names of all folds, such as "demo_a_f0_e07_0.6123".
	Models []string
}

// Classes lists the names of the labels.
var Classes = []string{"circle", "square", "triangle", "red", "green", "blue", "large", "small", "striped", "dark"}

// network is a member of the ensemble.
type network struct {
	config    string
	arch      string
	inputSize int
	views     int
	dropout   float64
	weight    float64
	folds     []string // <epoch>_<score>
	threshold []float64
}

var networks = []network{
	{"demo_a", "cifar_resnet20", 32, 2, 0, 0.4, []string{"e07_0.6123", "e09_0.6088"}, []float64{0.42, 0.5}},
	{"demo_b", "cifar_resnet32", 48, 1, 0.1, 0.6, []string{"e05_0.6301", "e06_0.6249"}, []float64{0.37, 0.45}},
}

var fullSize = []network{
	{"demo_c", "seresnext50_32x4d", 288, 1, 0.5, 1, []string{"e14_0.5975"}, []float64{0.4}},
}

// Write makes the files in the existing folder dir.
func Write(dir string, o Options) (Files, error) {
	f := Files{
		Data: filepath.Join(dir, "data"), Weights: filepath.Join(dir, "models"), Configs: filepath.Join(dir, "configs"),
		Ensemble: filepath.Join(dir, "demo_val_0.6402.yml"),
	}
	for _, d := range []string{filepath.Join(f.Data, "test"), f.Weights, f.Configs} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return f, err
		}
	}
	if o.Images == 0 {
		o.Images = 48
	}
	if err := writeImages(f.Data, o.Images); err != nil {
		return f, err
	}
	all := networks
	if o.FullSize {
		all = fullSize
	}
	var members []ensemblefile.Member
	for _, n := range all {
		m := ensemblefile.Member{Coefficient: n.weight}
		for fold := range n.folds {
			name := n.model(fold)
			if err := n.write(f, fold); err != nil {
				return f, fmt.Errorf("making the weights %s: %w", name, err)
			}
			f.Models = append(f.Models, name)
			m.Predicts = append(m.Predicts, ensemblefile.TrainPrefix+name+".npy")
		}
		members = append(members, m)
	}
	var b bytes.Buffer
	if err := ensemblefile.Write(&b, &ensemblefile.Ensemble{Members: members}); err != nil {
		return f, err
	}
	return f, os.WriteFile(f.Ensemble, b.Bytes(), 0o644)
}

// model returns the name of a fold's model.
func (n network) model(fold int) string {
	return fmt.Sprintf("%s_f%d_%s", n.config, fold, n.folds[fold])
}

func (n network) configText() string {
	return fmt.Sprintf(`model:
    arch: '%s'
    input_size: %d
    num_classes: %d
    dropout: %g

train:
    csv: 'train.csv'
    folds_file: 'folds.npy'

test:
    csv: 'sample_submission.csv'
    num_ttas: %d
`, n.arch, n.inputSize, len(Classes), n.dropout, n.views)
}

// write writes the weights of a fold with their metadata, its threshold file, and the
// config.
func (n network) write(f Files, fold int) error {
	a, err := arch.Find(arch.All(), n.arch)
	if err != nil {
		return err
	}
	g, err := a.Build(arch.Config{InputSize: n.inputSize, Classes: len(Classes), Dropout: n.dropout})
	if err != nil {
		return err
	}
	dict := golden.StateDict(g)
	for i, t := range dict.Tensors {
		if dict.Tensors[i], err = vary(t, fold); err != nil {
			return err
		}
	}
	epoch, score, _ := strings.Cut(n.folds[fold], "_")
	dict.Metadata = map[string]string{
		"format": "pt", "arch": n.arch, "config": n.configText(),
		"epoch": strings.TrimLeft(epoch, "e0"), "fold": strconv.Itoa(fold), "score": score,
		"threshold": fmt.Sprint(n.threshold[fold]),
		"classes":   strconv.Itoa(len(Classes)), "input_size": strconv.Itoa(n.inputSize),
	}
	var b bytes.Buffer
	if err := weights.Write(&b, dict); err != nil {
		return err
	}
	base, config := filepath.Join(f.Weights, n.model(fold)), filepath.Join(f.Configs, n.config+".yml")
	for path, data := range map[string][]byte{
		base + ".safetensors": b.Bytes(),
		base + ".yml":         fmt.Appendf(nil, "threshold: %g\n", n.threshold[fold]),
		config:                []byte(n.configText()),
	} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// vary returns the tensor of a fold: the recipe's tensor with 5 % of noise.
func vary(t weights.Tensor, fold int) (weights.Tensor, error) {
	if !t.DType.Float() || fold == 0 {
		return t, nil
	}
	v, err := t.Float32s()
	if err != nil {
		return t, err
	}
	stream := fmt.Sprintf("fold%d.%s", fold, t.Name)
	for i := range v {
		v[i] *= float32(1 + 0.05*golden.Uniform(stream, i))
	}
	return weights.NewFloat32(t.Name, t.Shape, v), nil
}
