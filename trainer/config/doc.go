// Package config reads the YAML that says how a model is trained and tested.
//
//	c, warnings, err := config.ReadFile("2b_se_resnext50.yml")
//	c, warnings, err = config.Parse(path, text, "model.num_classes=699")
//	err = c.Set("train.batch_size=8")
//	text, err := c.Marshal() // everything, defaults included
//
// A config has the sections of [Config]; the keys are the yaml tags of its
// fields. What a file doesn't say has the value of [Default]. Numbers may be
// quoted, and lists may be quoted in brackets, as old files have them.
//
// Everything is checked: an unknown key, a value of the wrong type, a
// parameter that the chosen optimiser, schedule or loss doesn't take, a number
// out of range are errors that tell file:line:col, with "did you mean" and the
// valid names. Keys that old files carry and nothing reads become warnings
// ([Warning] tells which and why).
//
// It refuses files of other kinds in one line that names the kind: weights, tables,
// ensembles, thresholds, and configs of second-level models, which train on
// predictions. It also refuses duplicate keys and YAML of more than one document.
package config

// Config is one training run. Paths are as the file spells them.
type Config struct {
	Model         Model         `yaml:"model"`
	Data          Data          `yaml:"data"`
	Train         Train         `yaml:"train"`
	Test          Test          `yaml:"test"`
	Optimizer     Optimizer     `yaml:"optimizer"`
	Scheduler     Scheduler     `yaml:"scheduler"`
	Cosine        Cosine        `yaml:"cosine"`
	Loss          Loss          `yaml:"loss"`
	Augmentations Augmentations `yaml:"augmentations"`
	// Alpha says what becomes of transparency: drop ("" too), white, black.
	Alpha string `yaml:"alpha,omitempty"`
	// EXIF says what becomes of the EXIF orientation: ignore ("" too), apply.
	EXIF string `yaml:"exif,omitempty"`
}

// Model says which network, and what it sees of an image in validation and
// prediction (docs/images.md). The keys from Resize on are written only where
// they are set.
type Model struct {
	Arch       string  `yaml:"arch"`        // a name of runtime/arch
	InputSize  int     `yaml:"input_size"`  // height and width, in pixels
	NumClasses int     `yaml:"num_classes"` // labels are 0 … NumClasses-1
	NumFolds   int     `yaml:"num_folds"`   // into which the table is divided
	Dropout    float64 `yaml:"dropout"`     // probability, before the last layer

	Resize        string  `yaml:"resize,omitempty"`        // a name of vision.Policies; "" is crop
	Interpolation string  `yaml:"interpolation,omitempty"` // a name of vision.Interpolations; "" is bicubic for crop, else bilinear
	CropPct       float64 `yaml:"crop_pct,omitempty"`      // share of the scaled side that the input shows; 0 is 0.875 for shorter-side, else 1
	ResizeTo      int     `yaml:"resize_to,omitempty"`     // the scaled side in pixels, in place of CropPct
	Pad           []int   `yaml:"pad,flow,omitempty"`      // color of the padding; none is 114 for letterbox, else black

	Normalize string    `yaml:"normalize,omitempty"` // a name of vision.Normalizations; "" is the architecture's
	Mean      []float64 `yaml:"mean,flow,omitempty"` // in place of a name
	Std       []float64 `yaml:"std,flow,omitempty"`

	// WeightsKey names the set of weights to take from a checkpoint that holds
	// several, e.g. model_ema; "" takes the average, or the only set.
	WeightsKey string `yaml:"weights_key,omitempty"`
}

// Data says what is cut from images in training.
type Data struct {
	RectCrop RectCrop `yaml:"rect_crop"`
	// TrainDir and TestDir are the folders of the images; "" is the folder
	// called train or test beside the table.
	TrainDir string `yaml:"train_dir"`
	TestDir  string `yaml:"test_dir"`
}

// RectCrop cuts a random rectangle, which is then scaled to the input size: one
// side, or with ScaleBothDims each, is a random share between MinRatio and
// MaxRatio of the image's.
type RectCrop struct {
	Enable        bool    `yaml:"enable"`
	MinRatio      float64 `yaml:"min_ratio"`
	MaxRatio      float64 `yaml:"max_ratio"`
	ScaleBothDims bool    `yaml:"scale_both_dims"`
}

// Train says what is trained on and for how long.
type Train struct {
	CSV       string `yaml:"csv"`        // the table of ids and labels
	BatchSize int    `yaml:"batch_size"` // images per step
	NumEpochs int    `yaml:"num_epochs"`
	// MaxStepsPerEpoch cuts epochs short; 0 is no limit.
	MaxStepsPerEpoch int    `yaml:"max_steps_per_epoch"`
	FoldsFile        string `yaml:"folds_file"` // .npy, uint8, a fold per row
	// AccumBatchesNum batches make one step of the optimiser.
	AccumBatchesNum int `yaml:"accum_batches_num"`
	// EnableWarmup raises the rate from 0 to Warmup.MaxLR over the first
	// Warmup.Steps steps. HeadOnlyWarmup trains only the last layer meanwhile.
	EnableWarmup   bool   `yaml:"enable_warmup"`
	HeadOnlyWarmup bool   `yaml:"head_only_warmup"`
	Warmup         Warmup `yaml:"warmup"`
	Mixup          Mixup  `yaml:"mixup"`
	SWA            SWA    `yaml:"swa"`
	// LRDecayCoeff multiplies a cyclic schedule's rates after each of the
	// epochs LRDecayMilestones.
	LRDecayCoeff      float64  `yaml:"lr_decay_coeff"`
	LRDecayMilestones []int    `yaml:"lr_decay_milestones,flow"`
	LRFinder          LRFinder `yaml:"lr_finder"`
	Seed              uint64   `yaml:"seed"`
}

// Warmup is the first, slow part of training.
type Warmup struct {
	Steps int     `yaml:"steps"`
	MaxLR float64 `yaml:"max_lr"`
}

// Mixup mixes pairs of images and of their labels (Zhang et al., arXiv
// 1710.09412), the share drawn from Beta(BetaA, BetaA).
type Mixup struct {
	Enable bool    `yaml:"enable"`
	BetaA  float64 `yaml:"beta_a"`
}

// SWA averages the weights of every Period-th epoch from epoch Start on
// (Izmailov et al., arXiv 1803.05407).
type SWA struct {
	Enable bool `yaml:"enable"`
	Period int  `yaml:"period"`
	Start  int  `yaml:"start"`
}

// LRFinder raises the rate exponentially from InitValue to FinalValue over
// NumSteps steps (Smith, arXiv 1506.01186), smoothing the loss with Beta.
type LRFinder struct {
	NumSteps   int     `yaml:"num_steps"`
	InitValue  float64 `yaml:"init_value"`
	FinalValue float64 `yaml:"final_value"`
	Beta       float64 `yaml:"beta"`
}

// Test says how predictions are made.
type Test struct {
	CSV            string         `yaml:"csv"`        // the sample submission
	BatchSize      int            `yaml:"batch_size"` // images per batch
	NumTTAs        int            `yaml:"num_ttas"`   // views of each image
	TTACombineFunc TTACombineFunc `yaml:"tta_combine_func"`
}

// TTACombineFunc says how the predictions of an image's views become one.
type TTACombineFunc string

// Mean is the only one: the mean of the sigmoids.
const Mean TTACombineFunc = "mean"

// Optimizer is the method of descent.
type Optimizer struct {
	Name   string          `yaml:"name"` // adam, adamw, sgd
	Params OptimizerParams `yaml:"params"`
}

// OptimizerParams are the arguments of PyTorch's optimisers.
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

// Cosine are the periods of the schedule called cosine: restarts after Period
// epochs, then PeriodInc more or PeriodMult times as many, MaxPeriod at most.
type Cosine struct {
	StartLR    float64 `yaml:"start_lr"`
	Period     int     `yaml:"period"`
	PeriodInc  int     `yaml:"period_inc"`
	PeriodMult float64 `yaml:"period_mult"`
	MaxPeriod  int     `yaml:"max_period"` // 0: no limit
}

// Loss is what training makes small.
type Loss struct {
	// Name: see package loss.
	Name   string     `yaml:"name"`
	Params LossParams `yaml:"params"`
}

// LossParams are arguments of losses.
type LossParams struct {
	// Weight of missed labels in forgiving_loss, of the second loss in
	// mixed_bce_f2 and mixed_bce_focal.
	Weight float64 `yaml:"weight"`
}

// Augmentations are random changes of training images. A number is the
// probability of the change; 0 is never.
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

// Erase paints a random rectangle over (Zhong et al., arXiv 1708.04896):
// between MinArea and MaxArea of the image, MinRatio to MaxRatio times as high
// as wide.
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
	return &Config{
		Model: Model{InputSize: 224, NumFolds: 5},
		Data:  Data{RectCrop: RectCrop{MinRatio: 0.5, MaxRatio: 1}},
		Train: Train{
			CSV: "train.csv", BatchSize: 32, NumEpochs: 1000, FoldsFile: "folds.npy",
			AccumBatchesNum: 1, Warmup: Warmup{Steps: 5000, MaxLR: 1e-4},
			Mixup: Mixup{BetaA: 0.5}, SWA: SWA{Period: 1},
			LRFinder: LRFinder{NumSteps: 200, InitValue: 1e-7, FinalValue: 1, Beta: 0.98},
		},
		Test:          Test{CSV: "sample_submission.csv", BatchSize: 32, NumTTAs: 1, TTACombineFunc: Mean},
		Optimizer:     Optimizer{Name: "adam", Params: OptimizerParams{LR: 1e-4}},
		Scheduler:     Scheduler{Name: "none"},
		Cosine:        Cosine{StartLR: 1e-4, Period: 3, PeriodMult: 1},
		Loss:          Loss{Name: "binary_cross_entropy"},
		Augmentations: Augmentations{Erase: Erase{MinArea: 0.02, MaxArea: 0.4, MinRatio: 0.3, MaxRatio: 3.33}, GlobalProb: 1},
	}
}
