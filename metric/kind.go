package metric

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Metric names a score and its parameters.
type Metric struct {
	// Name is one of [Names].
	Name string
	// Beta is the beta of the F-betas: how many times as much recall counts as
	// precision. 0 means DefaultBeta.
	Beta float64
	// MinTPR is the true positive rate above which PartialAUC measures the area. 0
	// means DefaultMinTPR.
	MinTPR float64
}

// The defaults of the parameters of a [Metric].
const (
	DefaultBeta   = 2
	DefaultMinTPR = 0.8
)

// The names of the metrics.
const (
	// FBeta is the mean over rows of the F-beta of each row's labels.
	FBeta = "f-beta"
	// MicroFBeta is the F-beta of all labels together.
	MicroFBeta = "micro-f-beta"
	// MacroFBeta is the mean over classes of the F-beta of each.
	MacroFBeta = "macro-f-beta"
	// Accuracy is the share of rows whose highest class, or whose grade, is true.
	Accuracy = "accuracy"
	// LogLoss is the mean cross-entropy of probabilities.
	LogLoss = "log-loss"
	// ROCAUC is the mean over classes of the area under the ROC curve.
	ROCAUC = "roc-auc"
	// AveragePrecision is the mean over classes of the average precision (mAP).
	AveragePrecision = "average-precision"
	// QuadraticKappa is Cohen's kappa of grades with quadratic weights.
	QuadraticKappa = "quadratic-kappa"
	// RMSE is the mean over targets of the root of the mean squared error.
	RMSE = "rmse"
	// MCC is Matthews' correlation coefficient of decisions.
	MCC = "mcc"
	// PartialAUC is the mean over classes of the area under the ROC curve above a true
	// positive rate.
	PartialAUC = "partial-auc"
)

// kinds says for each metric which tasks it fits.
var kinds = []struct {
	name  string
	tasks []task.Task
}{
	{FBeta, classes},
	{MicroFBeta, classes},
	{MacroFBeta, classes},
	{Accuracy, []task.Task{task.Multilabel, task.Multiclass, task.Ordinal}},
	{LogLoss, classes},
	{ROCAUC, classes},
	{AveragePrecision, classes},
	{QuadraticKappa, []task.Task{task.Multiclass, task.Regression, task.Ordinal}},
	{RMSE, []task.Task{task.Regression, task.Ordinal}},
	{MCC, classes},
	{PartialAUC, classes},
}

// classes holds the tasks that predict a probability of each class.
var classes = []task.Task{task.Multilabel, task.Multiclass}

// Names returns the names of all metrics.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Fitting returns the names of the metrics that fit a task.
func Fitting(t task.Task) []string {
	var names []string
	for _, k := range kinds {
		if slices.Contains(k.tasks, t) {
			names = append(names, k.name)
		}
	}
	return names
}

// Parse returns the metric with the given name and default parameters. Underscores
// count as hyphens.
func Parse(name string) (Metric, error) {
	if dashed := strings.ReplaceAll(name, "_", "-"); slices.Contains(Names(), dashed) {
		return Metric{Name: dashed}, nil
	}
	err := fmt.Errorf("unknown metric %q; there are %s", name, strings.Join(Names(), ", "))
	if near, ok := nearest.Name(name, Names()); ok {
		return Metric{}, hint.New(err, "did you mean %s?", near)
	}
	return Metric{}, err
}

// Default returns the metric of a task for which none is named: f-beta with beta 2
// for multilabel, accuracy for multiclass, rmse for regression and quadratic-kappa for
// ordinal.
func Default(t task.Task) Metric {
	switch t {
	case task.Multiclass:
		return Metric{Name: Accuracy}
	case task.Regression:
		return Metric{Name: RMSE}
	case task.Ordinal:
		return Metric{Name: QuadraticKappa}
	}
	return Metric{Name: FBeta}
}

// Check returns an error if the metric does not fit the task, or if a parameter is out
// of range. The error names the metrics that fit.
func (m Metric) Check(t task.Task) error {
	if _, err := Parse(m.Name); err != nil {
		return err
	}
	if fit := Fitting(t); !slices.Contains(fit, m.Name) {
		return fmt.Errorf("the metric %s does not fit the task %s; these do: %s", m.Name, t, strings.Join(fit, ", "))
	}
	return m.CheckParameters()
}

// CheckParameters returns an error if a parameter is out of range, or if the metric has
// none of its name.
func (m Metric) CheckParameters() error {
	switch {
	case m.Beta != 0 && !m.HasBeta():
		return fmt.Errorf("the metric %s has no beta; the F-betas have", m.Name)
	case m.MinTPR != 0 && m.Name != PartialAUC:
		return fmt.Errorf("the metric %s has no min-tpr; %s has", m.Name, PartialAUC)
	case m.Beta != 0 && !(m.Beta > 0 && m.Beta < 1e6):
		return fmt.Errorf("beta %s: a number above 0 and below 1000000 is needed", say.Number(m.Beta))
	case m.MinTPR != 0 && !(m.MinTPR > 0 && m.MinTPR < 1):
		return errors.New("min-tpr " + say.Number(m.MinTPR) + ": a number between 0 and 1 is needed")
	}
	return nil
}

// HasBeta reports whether the metric is an F-beta.
func (m Metric) HasBeta() bool { return strings.HasSuffix(m.Name, FBeta) }

// Decides reports whether the metric scores decisions: labels, classes or grades. The
// others score probabilities or values.
func (m Metric) Decides() bool {
	return m.HasBeta() || m.Name == Accuracy || m.Name == MCC || m.Name == QuadraticKappa
}

// Ranks reports whether the metric depends on nothing but the order of the rows'
// scores for each class.
func (m Metric) Ranks() bool {
	return m.Name == ROCAUC || m.Name == AveragePrecision || m.Name == PartialAUC
}

// Lower reports whether a lower score is better.
func (m Metric) Lower() bool { return m.Name == LogLoss || m.Name == RMSE }

// Gain returns the score with the sign for which higher is better.
func (m Metric) Gain(score float64) float64 {
	if m.Lower() {
		return -score
	}
	return score
}

// String returns the name, with the parameters that are not their defaults: "f-beta
// (beta 1)".
func (m Metric) String() string {
	switch {
	case m.HasBeta() && m.beta() != DefaultBeta:
		return fmt.Sprintf("%s (beta %s)", m.Name, say.Number(m.Beta))
	case m.Name == PartialAUC && m.minTPR() != DefaultMinTPR:
		return fmt.Sprintf("%s (min-tpr %s)", m.Name, say.Number(m.MinTPR))
	}
	return m.Name
}

// Label returns what tables and curves call the score: "F2" for f-beta with beta 2,
// otherwise String.
func (m Metric) Label() string {
	if m.Name == FBeta {
		return "F" + say.Number(m.beta())
	}
	return m.String()
}

// Thresholds reports whether the metric scores the labels above a threshold. If not,
// predictions of the task have the threshold 0.
func (m Metric) Thresholds(t task.Task) bool {
	return t == task.Multilabel && m.Decides() && m.Name != Accuracy
}

func (m Metric) beta() float64 {
	if m.Beta == 0 {
		return DefaultBeta
	}
	return m.Beta
}

func (m Metric) minTPR() float64 {
	if m.MinTPR == 0 {
		return DefaultMinTPR
	}
	return m.MinTPR
}
