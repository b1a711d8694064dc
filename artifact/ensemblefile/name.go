package ensemblefile

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Name is the parsed name of a model's file, <config>_f<fold>_e<epoch>_<score>, e.g.
// 2b_se_resnext50_f0_e14_0.5975.
type Name struct {
	// Config is the name of the config file, without .yml.
	Config string
	// Fold is the fold that training held out, and Epoch the epoch of the weights.
	Fold, Epoch int
	// Score is the validation score as written in the name.
	Score string

	model string
}

// Model returns the name of the weights, without folder and extension.
func (n Name) Model() string { return n.model }

// The prefixes of out-of-fold predictions and of test predictions.
const (
	TrainPrefix = "level1_train_"
	TestPrefix  = "level1_test_"
)

// pattern admits only characters that survive an upload to Kaggle.
var pattern = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)_f([0-9]{1,3})_e([0-9]{1,6})_([0-9]+(?:\.[0-9]+)?)$`)

// endings are the extensions of the files that carry a model's name.
var endings = []string{".enc", ".npy", ".safetensors", ".pth", ".yml"}

// ParseName parses the name of a model's file: predictions, weights or threshold. It
// ignores the folder.
func ParseName(file string) (Name, error) {
	model := path.Base(file)
	for _, e := range endings {
		model = strings.TrimSuffix(model, e)
	}
	model = strings.TrimPrefix(strings.TrimPrefix(model, TrainPrefix), TestPrefix)
	m := pattern.FindStringSubmatch(model)
	if m == nil {
		return Name{}, fmt.Errorf("%q is not named <config>_f<fold>_e<epoch>_<score>", file)
	}
	fold, _ := strconv.Atoi(m[2]) // the pattern admits only digits
	epoch, _ := strconv.Atoi(m[3])
	return Name{Config: m[1], Fold: fold, Epoch: epoch, Score: m[4], model: model}, nil
}
