// Package config reads the YAML that says how a model is trained and tested.
//
//	c, warnings, err := config.ReadFile("2b_se_resnext50.yml")
//	c, warnings, err = config.Parse(path, text, "model.num_classes=699")
//	err = c.Set("train.batch_size=8")
//	text, err := c.Marshal() // everything, defaults included
//
// A config has the sections of [Config]; the keys are the yaml tags of its fields. A
// key that the file lacks has the value of [Default]. Package artifact/modelspec reads
// the part of the same file that predictions need.
//
// Everything is checked. Errors are of package yamlfile, with file:line:col, "did you
// mean" and the valid names, and refuse
//
//   - unknown keys and values of the wrong type,
//   - parameters that the chosen optimizer, schedule or loss does not take,
//   - numbers that are out of range or contradict one another,
//   - a loss or a metric that does not fit the task.
//
// Keys that old files carry and nothing reads cause warnings.
//
// It refuses files of other kinds in one line that names the kind: weights, tables,
// ensembles, thresholds, and configs of second-level models, which train on
// predictions. It also refuses duplicate keys and YAML of more than one document.
package config

import (
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Config describes one training. Paths are as the file spells them.
type Config struct {
	Model         modelspec.Model  `yaml:"model"`
	Metric        modelspec.Metric `yaml:"metric,omitempty"`
	Labels        modelspec.Labels `yaml:"labels,omitempty"`
	Data          Data             `yaml:"data"`
	Train         Train            `yaml:"train"`
	Test          modelspec.Test   `yaml:"test"`
	Optimizer     Optimizer        `yaml:"optimizer"`
	Scheduler     Scheduler        `yaml:"scheduler"`
	Cosine        Cosine           `yaml:"cosine"`
	Loss          Loss             `yaml:"loss"`
	Augmentations Augmentations    `yaml:"augmentations"`
	// Alpha says what becomes of transparency: drop ("" too), white or black.
	Alpha string `yaml:"alpha,omitempty"`
	// EXIF says what becomes of the EXIF orientation: ignore ("" too) or apply.
	EXIF string `yaml:"exif,omitempty"`
}

// Spec returns the part of the config that predictions need.
func (c *Config) Spec() *modelspec.Spec {
	return &modelspec.Spec{
		Model: c.Model, Metric: c.Metric, Labels: c.Labels, Test: c.Test, Alpha: c.Alpha, EXIF: c.EXIF,
		Table: modelspec.Table{CSV: c.Train.CSV, FoldsFile: c.Train.FoldsFile},
	}
}

// Ensemble returns the model that the config describes, without folds and coefficient.
func (c *Config) Ensemble(name string) ensemble.Model { return c.Spec().Ensemble(name) }

// Data says where the images are and what training cuts from them.
type Data struct {
	RectCrop RectCrop `yaml:"rect_crop"`
	// TrainDir and TestDir are the folders of the images. "" is the folder train or
	// test beside the table.
	TrainDir string `yaml:"train_dir"`
	TestDir  string `yaml:"test_dir"`
}

// RectCrop cuts a random rectangle and scales it to the input size. One side of the
// rectangle, or each with ScaleBothDims, is a random share of the image's side, between
// MinRatio and MaxRatio.
type RectCrop struct {
	Enable        bool    `yaml:"enable"`
	MinRatio      float64 `yaml:"min_ratio"`
	MaxRatio      float64 `yaml:"max_ratio"`
	ScaleBothDims bool    `yaml:"scale_both_dims"`
}

// Train says on which rows a model trains, and for how long.
type Train struct {
	CSV       string `yaml:"csv"`        // the table of ids and labels
	BatchSize int    `yaml:"batch_size"` // images per step
	NumEpochs int    `yaml:"num_epochs"`
	// MaxStepsPerEpoch cuts epochs short; 0 is no limit.
	MaxStepsPerEpoch int    `yaml:"max_steps_per_epoch"`
	FoldsFile        string `yaml:"folds_file"` // .npy, a fold per row, or .csv, a fold per id
	// AccumBatchesNum is the number of batches per step of the optimizer, whose
	// gradients are averaged.
	AccumBatchesNum int `yaml:"accum_batches_num"`
	// EnableWarmup raises the rate from 0 to Warmup.MaxLR over the first
	// Warmup.Steps steps. HeadOnlyWarmup trains only the last layer meanwhile.
	EnableWarmup   bool   `yaml:"enable_warmup"`
	HeadOnlyWarmup bool   `yaml:"head_only_warmup"`
	Warmup         Warmup `yaml:"warmup"`
	Mixup          Mixup  `yaml:"mixup"`
	SWA            SWA    `yaml:"swa"`
	// LRDecayCoeff multiplies a cyclic schedule's rates after each epoch of
	// LRDecayMilestones.
	LRDecayCoeff      float64  `yaml:"lr_decay_coeff"`
	LRDecayMilestones []int    `yaml:"lr_decay_milestones,flow"`
	LRFinder          LRFinder `yaml:"lr_finder"`
	Seed              uint64   `yaml:"seed"`
}

// Warmup raises the learning rate linearly from 0 to MaxLR over Steps steps.
type Warmup struct {
	Steps int     `yaml:"steps"`
	MaxLR float64 `yaml:"max_lr"`
}

// Mixup blends pairs of images and their labels (Zhang et al., arXiv 1710.09412). The
// share of each is drawn from Beta(BetaA, BetaA).
type Mixup struct {
	Enable bool    `yaml:"enable"`
	BetaA  float64 `yaml:"beta_a"`
}

// SWA averages the weights of every Period-th epoch from epoch Start on (stochastic
// weight averaging, Izmailov et al., arXiv 1803.05407).
type SWA struct {
	Enable bool `yaml:"enable"`
	Period int  `yaml:"period"`
	Start  int  `yaml:"start"`
}

// LRFinder raises the learning rate exponentially from InitValue to FinalValue over
// NumSteps steps (Smith, arXiv 1506.01186). Beta smooths the loss.
type LRFinder struct {
	NumSteps   int     `yaml:"num_steps"`
	InitValue  float64 `yaml:"init_value"`
	FinalValue float64 `yaml:"final_value"`
	Beta       float64 `yaml:"beta"`
}

// Optimizer names the rule that turns gradients into steps.
type Optimizer struct {
	Name   string          `yaml:"name"` // adam, adamw, sgd
	Params OptimizerParams `yaml:"params"`
}

// OptimizerParams are the arguments of PyTorch's optimizers.
type OptimizerParams struct {
	LR          float64   `yaml:"lr"`
	WeightDecay float64   `yaml:"weight_decay"`
	Momentum    float64   `yaml:"momentum"`   // sgd
	Nesterov    bool      `yaml:"nesterov"`   // sgd
	AMSGrad     bool      `yaml:"amsgrad"`    // adam, adamw
	Betas       []float64 `yaml:"betas,flow"` // adam, adamw
	Eps         float64   `yaml:"eps"`        // adam, adamw
}

// Scheduler changes the learning rate.
type Scheduler struct {
	// Name: none, step, multi_step, exponential, reduce_lr_on_plateau,
	// cyclic_lr, cosine.
	Name   string          `yaml:"name"`
	Params SchedulerParams `yaml:"params"`
}

// SchedulerParams are the arguments of PyTorch's schedulers.
type SchedulerParams struct {
	StepSize   int     `yaml:"step_size"`       // step: epochs
	Gamma      float64 `yaml:"gamma"`           // step, multi_step, exponential, cyclic_lr
	Milestones []int   `yaml:"milestones,flow"` // multi_step: epochs
	Factor     float64 `yaml:"factor"`          // reduce_lr_on_plateau
	Patience   int     `yaml:"patience"`        // reduce_lr_on_plateau: epochs
	MinLR      float64 `yaml:"min_lr"`          // reduce_lr_on_plateau
	Threshold  float64 `yaml:"threshold"`       // reduce_lr_on_plateau: relative
	BaseLR     float64 `yaml:"base_lr"`         // cyclic_lr
	MaxLR      float64 `yaml:"max_lr"`          // cyclic_lr
	StepSizeUp int     `yaml:"step_size_up"`    // cyclic_lr: steps of half a cycle
}

// Cosine holds the parameters of the schedule cosine, which restarts at StartLR. The
// first period has Period epochs. Each later one has PeriodInc more or PeriodMult times
// as many, and at most MaxPeriod.
type Cosine struct {
	StartLR    float64 `yaml:"start_lr"`
	Period     int     `yaml:"period"`
	PeriodInc  int     `yaml:"period_inc"`
	PeriodMult float64 `yaml:"period_mult"`
	MaxPeriod  int     `yaml:"max_period"` // 0: no limit
}

// Loss names the function that training minimizes.
type Loss struct {
	// Name: see package loss. The default depends on the task.
	Name   string     `yaml:"name"`
	Params LossParams `yaml:"params"`
}

// LossParams are the arguments of losses.
type LossParams struct {
	// Weight is the weight of missed labels in forgiving_loss, and of the second loss
	// in mixed_bce_f2 and mixed_bce_focal.
	Weight float64 `yaml:"weight"`
	// LabelSmoothing is the share of a label that is spread evenly over the classes
	// (cross_entropy), or over yes and no (binary_cross_entropy).
	LabelSmoothing float64 `yaml:"label_smoothing,omitempty"`
	// ClassWeights holds a weight for each class, or is "balanced": inversely
	// proportional to the frequency of the class in the rows to train on.
	ClassWeights yamlfile.Texts `yaml:"class_weights,flow,omitempty"`
	Gamma        float64        `yaml:"gamma,omitempty"` // focal_loss: the focus; 0 is 2
	Alpha        float64        `yaml:"alpha,omitempty"` // focal_loss: the weight of labels; 0 is none
	Beta         float64        `yaml:"beta,omitempty"`  // smooth_l1: where the parabola ends; 0 is 1
}

// Augmentations are random changes of training images. A number is the probability of
// the change.
type Augmentations struct {
	HFlip      bool    `yaml:"hflip"`    // one image in two
	VFlip      bool    `yaml:"vflip"`    // one image in two
	Rotate90   bool    `yaml:"rotate90"` // by 0, 90, 180 or 270 degrees
	Affine     string  `yaml:"affine"`   // "", soft, medium, hard
	RectCrop   float64 `yaml:"rect_crop"`
	Noise      float64 `yaml:"noise"`
	Blur       float64 `yaml:"blur"`
	Distortion float64 `yaml:"distortion"`
	Color      float64 `yaml:"color"`
	Erase      Erase   `yaml:"erase"`
	// GlobalProb is the probability that an image is changed at all.
	GlobalProb float64 `yaml:"global_prob"`
}

// Erase paints over a random rectangle (Zhong et al., arXiv 1708.04896). Its area is a
// share of the image between MinArea and MaxArea. Its height is MinRatio to MaxRatio
// times its width.
type Erase struct {
	Prob     float64 `yaml:"prob"`
	MinArea  float64 `yaml:"min_area"`
	MaxArea  float64 `yaml:"max_area"`
	MinRatio float64 `yaml:"min_ratio"`
	MaxRatio float64 `yaml:"max_ratio"`
}

// Default returns the config of an empty file. It lacks an architecture and
// the number of classes.
func Default() *Config {
	spec := modelspec.Default()
	return &Config{
		Model: spec.Model,
		Data:  Data{RectCrop: RectCrop{MinRatio: 0.5, MaxRatio: 1}},
		Train: Train{
			CSV: spec.Table.CSV, BatchSize: 32, NumEpochs: 1000, FoldsFile: spec.Table.FoldsFile,
			AccumBatchesNum: 1, Warmup: Warmup{Steps: 5000, MaxLR: 1e-4},
			Mixup: Mixup{BetaA: 0.5}, SWA: SWA{Period: 1},
			LRFinder: LRFinder{NumSteps: 200, InitValue: 1e-7, FinalValue: 1, Beta: 0.98},
		},
		Test:          spec.Test,
		Optimizer:     Optimizer{Name: "adam", Params: OptimizerParams{LR: 1e-4}},
		Scheduler:     Scheduler{Name: "none"},
		Cosine:        Cosine{StartLR: 1e-4, Period: 3, PeriodMult: 1},
		Loss:          Loss{Name: defaultLoss(task.Multilabel)},
		Augmentations: Augmentations{Erase: Erase{MinArea: 0.02, MaxArea: 0.4, MinRatio: 0.3, MaxRatio: 3.33}, GlobalProb: 1},
	}
}
