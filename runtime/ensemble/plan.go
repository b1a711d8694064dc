// Package ensemble predicts a whole ensemble: it finds the weights, decrypts
// them into memory, runs every network over every image and writes the
// submission.
//
//	plan := &ensemble.Plan{Name: "best", Classes: 1103, Models: []ensemble.Model{…}}
//	summary, err := ensemble.Run(ctx, plan, ensemble.Options{
//		Archs:   []arch.Arch{arch.SEResNeXt50},
//		Formats: []vision.Format{jpeg.Format, png.Format},
//		Input:   "../input",
//		Output:  "submission.csv",
//	})
//
// [Main] is the body of a generated kernel: Run behind flags and environment
// variables.
//
// # Guarantees
//
// The prediction of a fold for an image and a class is the mean over views of
// sigmoid(logit), less the fold's threshold, rounded to float32. A label is
// given where the sum over all folds of weight x (prediction - offset of the
// class) is positive. The terms are summed as fixed-point numbers of 44 fractional bits, so that the
// submission is the same, byte for byte, for any number of threads, any batch
// size and any order of folds, and whether or not the run was interrupted and
// taken up again.
//
// Weights are used only where their SHA-256 is the plan's. What is decrypted
// stays in memory. An image that can't be read or that there is no time for gets
// default labels: those of Plan.Fallback, or the most frequent ones. The submission is replaced atomically from the first finished
// fold on, and where there is a budget the run ends within it: see [Cut].
//
// # Refusals
//
// Run stops before it predicts anything where weights are missing, cut or not
// readable with the key, unless Options.Partial says that the rest should go
// on; and where the input has no sample submission, or one of another kind than
// an id and class numbers. Without any image it writes default labels.
package ensemble

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Plan is what a kernel predicts. It isn't changed by running it.
type Plan struct {
	Name    string // of the ensemble, e.g. best_ensemble_val_0.6397
	Classes int
	Models  []Model
	// ClassOffsets are taken off the predictions of each class where they are
	// summed; empty means that no class has one.
	ClassOffsets []float64
	// Score is the validation score of the whole plan, 0 if unknown.
	Score float64
	// Cuts says what to give up, the first thing first, where time is short.
	// Where it is empty, DefaultCuts is taken.
	Cuts []Cut
	// Budget is how long a kernel may take unless it is told otherwise, 0 for
	// any time.
	Budget time.Duration
	// Submission is the kind of submission that the user asked for. Unsettled
	// leaves it to the sample submission.
	Submission input.Submission
	// Training says how many labels the rows of the training table have.
	Training input.Labelling
	// Column names the training table's column of labels; "" if unknown.
	Column string
	// Fallback are the classes given to an image that is not predicted: the best
	// constant answer of the training table. Empty if unknown.
	Fallback []int
	// Sample is the file name of the sample submission where it is unusual.
	Sample string
}

// Model is a network and what was trained of it, fold by fold.
type Model struct {
	Name      string  // of its config, e.g. 2b_se_resnext50
	Weight    float64 // of each of its folds in the sum
	Arch      string
	InputSize int // side of the input, in pixels
	Classes   int
	Views     int // of every image, 1 to vision.MaxViews (num_ttas)
	Dropout   float64
	Folds     []Fold
	// Scaling says how images become InputSize x InputSize pixels.
	Scaling vision.Scaling
	// Mean and Std normalize the pixels; all zero means the architecture's.
	Mean, Std [3]float32
	Alpha     vision.Alpha // of the images that it reads
	EXIF      vision.EXIF
}

// Preprocess returns what the network sees of an image. a is its architecture.
func (m *Model) Preprocess(a arch.Arch) vision.Preprocess {
	p := vision.Preprocess{Size: m.InputSize, Mean: a.Mean, Std: a.Std, Scaling: m.Scaling}
	if m.Std != [3]float32{} {
		p.Mean, p.Std = m.Mean, m.Std
	}
	return p
}

// Decoder returns the decoder of the images that the network sees.
func (m *Model) Decoder(formats []vision.Format) vision.Decoder {
	return vision.Decoder{Formats: formats, Alpha: m.Alpha, EXIF: m.EXIF}
}

// Fold is one set of trained weights.
type Fold struct {
	Name      string  // e.g. 2b_se_resnext50_f0_e14_0.5975
	SHA256    string  // of the plain safetensors file, in hex
	Size      int64   // of the plain safetensors file, in bytes
	Threshold float64 // taken off the sigmoid; -1 to 2, as an offset may be in it
}

// Cut is one step of making a plan smaller. With a budget, as many cuts are
// made, in their order, as the speed of the machine asks for; they are made
// again, more or fewer, as the run goes. Folds that fall to the first cuts are
// predicted last.
type Cut struct {
	Model, Fold int // indices into Plan.Models and Model.Folds
	// Views is how many views are left; 0 drops the fold.
	Views int
	// Score is the validation score of the plan after this cut and those
	// before it, 0 if unknown. It is only told, not used.
	Score float64
}

// DefaultCuts is the order of cuts where nothing is known of what each costs:
// first all but one view of every fold, then the folds themselves, the last
// folds of all models before the last but one. The first fold of the first
// model is never dropped.
func (p *Plan) DefaultCuts() []Cut {
	var views, folds []Cut
	for f := p.maxFolds() - 1; f >= 0; f-- {
		for m := len(p.Models) - 1; m >= 0; m-- {
			if f >= len(p.Models[m].Folds) {
				continue
			}
			if p.Models[m].Views > 1 {
				views = append(views, Cut{Model: m, Fold: f, Views: 1})
			}
			if m > 0 || f > 0 {
				folds = append(folds, Cut{Model: m, Fold: f})
			}
		}
	}
	return append(views, folds...)
}

func (p *Plan) maxFolds() int {
	n := 0
	for _, m := range p.Models {
		n = max(n, len(m.Folds))
	}
	return n
}

// cuts returns the plan's cuts or the default ones.
func (p *Plan) cuts() []Cut {
	if len(p.Cuts) > 0 {
		return p.Cuts
	}
	return p.DefaultCuts()
}

// maxWeight bounds the sum of all folds' |weight|, so that a fixed-point sum
// of predictions can't overflow.
const maxWeight = 1 << 16

// Check returns an error that names the place where the plan can't be run:
// numbers out of range, names that can't be files' or are used twice, cuts of
// what isn't there.
func (p *Plan) Check() error {
	if p.Classes < 1 {
		return fmt.Errorf("plan %s: %d classes", p.Name, p.Classes)
	}
	if len(p.Models) == 0 {
		return fmt.Errorf("plan %s: no models", p.Name)
	}
	names := map[string]bool{}
	weight := 0.0
	for i, m := range p.Models {
		if err := m.check(p.Classes); err != nil {
			return fmt.Errorf("plan %s: model %d (%s): %w", p.Name, i, m.Name, err)
		}
		for _, f := range m.Folds {
			if names[f.Name] {
				return fmt.Errorf("plan %s: model %d (%s): the fold %s is there twice", p.Name, i, m.Name, f.Name)
			}
			names[f.Name] = true
			weight += math.Abs(m.Weight)
		}
	}
	if n := len(p.ClassOffsets); n != 0 && n != p.Classes {
		return fmt.Errorf("plan %s: %d offsets of %d classes", p.Name, n, p.Classes)
	}
	for c, o := range p.ClassOffsets {
		if !(o >= -1 && o <= 1) {
			return fmt.Errorf("plan %s: class %d: the offset %g is not between -1 and 1", p.Name, c, o)
		}
	}
	for _, c := range p.Fallback {
		if c < 0 || c >= p.Classes {
			return fmt.Errorf("plan %s: the default label %d is not below %d", p.Name, c, p.Classes)
		}
	}
	if weight > maxWeight {
		return fmt.Errorf("plan %s: the weights of all folds sum to %g, more than %d", p.Name, weight, maxWeight)
	}
	for i, c := range p.Cuts {
		if c.Model < 0 || c.Model >= len(p.Models) || c.Fold < 0 || c.Fold >= len(p.Models[c.Model].Folds) ||
			c.Views < 0 || c.Views > vision.MaxViews {
			return fmt.Errorf("plan %s: cut %d: model %d, fold %d, %d views: no such thing in the plan", p.Name, i, c.Model, c.Fold, c.Views)
		}
	}
	return nil
}

func (m *Model) check(classes int) error {
	switch {
	case m.Classes != classes:
		return fmt.Errorf("%d classes in a plan of %d", m.Classes, classes)
	case math.IsNaN(m.Weight) || math.IsInf(m.Weight, 0):
		return fmt.Errorf("weight %g", m.Weight)
	case m.Views < 1 || m.Views > vision.MaxViews:
		return fmt.Errorf("%d views, there are 1 to %d", m.Views, vision.MaxViews)
	case m.InputSize < 1 || m.InputSize > 1<<12:
		return fmt.Errorf("an input of %d pixels", m.InputSize)
	case len(m.Folds) == 0:
		return errors.New("no folds")
	case m.Alpha > vision.OverBlack:
		return fmt.Errorf("there is no treatment %d of transparency", m.Alpha)
	case m.EXIF > vision.ApplyEXIF:
		return fmt.Errorf("there is no treatment %d of the EXIF orientation", m.EXIF)
	}
	if err := m.Scaling.Check(m.InputSize); err != nil {
		return err
	}
	if most := m.Scaling.MaxViews(m.InputSize); m.Views > most {
		return fmt.Errorf("%d views, but with the policy %s there are %d", m.Views, m.Scaling.Policy, most)
	}
	if m.Mean != [3]float32{} && m.Std == [3]float32{} {
		return errors.New("a mean without standard deviation")
	}
	for i, std := range m.Std {
		if m.Std != [3]float32{} && !(std > 0 && std <= 1) || !(m.Mean[i] >= 0 && m.Mean[i] <= 1) {
			return fmt.Errorf("mean %v, standard deviation %v: they must be of pixels from 0 to 1", m.Mean, m.Std)
		}
	}
	for _, f := range m.Folds {
		if f.Name == "" || strings.ContainsAny(f.Name, "/\\\x00") {
			return fmt.Errorf("fold %q: not a file name", f.Name)
		}
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 32 {
			return fmt.Errorf("fold %s: %q is not a SHA-256", f.Name, f.SHA256)
		}
		if f.Size < 1 {
			return fmt.Errorf("fold %s: %d bytes", f.Name, f.Size)
		}
		if !(f.Threshold >= -1 && f.Threshold <= 2) {
			return fmt.Errorf("fold %s: threshold %g is not between -1 and 2", f.Name, f.Threshold)
		}
	}
	return nil
}

// CropWarnings returns a line for each model that sees less than a quarter of
// the typical image. sizes are those of some images: width and height.
func (p *Plan) CropWarnings(sizes [][2]int) []string {
	var lines []string
	for _, m := range p.Models {
		if text := m.Preprocess(arch.Arch{}).CropWarning(sizes); text != "" {
			lines = append(lines, m.Name+": "+text)
		}
	}
	return lines
}

// foldNames lists the names of all folds, in plan order.
func (p *Plan) foldNames() []string {
	var names []string
	for _, m := range p.Models {
		for _, f := range m.Folds {
			names = append(names, f.Name)
		}
	}
	return names
}

// archs resolves the architecture of every model.
func (p *Plan) archs(known []arch.Arch) ([]arch.Arch, error) {
	list := make([]arch.Arch, len(p.Models))
	for i, m := range p.Models {
		a, err := arch.Find(known, m.Arch)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
		list[i] = a
	}
	return list, nil
}
