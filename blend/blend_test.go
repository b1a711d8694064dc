package blend_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/dev/oofgen"
	"github.com/deploy-kernel/deploy-kernel/metric"
)

// TestMain runs the tests in a folder of their own, as the example writes a file.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "blend")
	if err != nil {
		panic(err)
	}
	if err := os.Chdir(dir); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// demo writes the predictions of three made-up models, with their labels and folds.
func demo() (labels, folds string, predictions []string) {
	predictions, err := oofgen.Generate(context.Background(), "demo", oofgen.RandomTruth(241, 12, 3, 1), oofgen.Options{Models: 3, Seed: 1})
	if err != nil {
		panic(err)
	}
	return filepath.Join("demo", "train.csv"), filepath.Join("demo", "folds.npy"), predictions
}

func open(t *testing.T) *oof.Set {
	t.Helper()
	labels, folds, predictions := demo()
	set, err := blend.Open(labels, folds, &predictionspec.Spec{}, predictions...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestObserversSeeEveryStage(t *testing.T) {
	var ended []blend.Stage
	left := map[blend.Stage]int64{}
	var mu sync.Mutex
	o := blend.Options{PerClass: true, Observer: blend.Observer{
		Begin: func(s blend.Stage, total int64) func(int64) {
			left[s] = total
			return func(n int64) {
				mu.Lock()
				defer mu.Unlock()
				left[s] -= n
			}
		},
		End: func(s blend.Stage, r *blend.Result) error {
			ended = append(ended, s)
			return nil
		},
	}}
	r, err := blend.Fit(context.Background(), open(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := []blend.Stage{blend.Reading, blend.Searching, blend.Validating, blend.Thresholds}; !slices.Equal(ended, want) {
		t.Errorf("stages %v, want %v", ended, want)
	}
	for s, n := range left {
		if n != 0 {
			t.Errorf("stage %v has %d units left", s, n)
		}
	}
	if r.Report == nil || r.Thresholds == nil || r.Score != r.Thresholds.Fitted.PerClass {
		t.Errorf("result %+v", r)
	}
}

func TestAnErrorOfTheObserverEndsTheFit(t *testing.T) {
	stop := errors.New("stop")
	o := blend.Options{Observer: blend.Observer{End: func(blend.Stage, *blend.Result) error { return stop }}}
	if _, err := blend.Fit(context.Background(), open(t), o); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

func TestOptionsThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		options blend.Options
		want    string
	}{
		{blend.Options{Metric: metric.Metric{Name: "auc"}}, `unknown metric "auc"; there are f-beta, `},
		{blend.Options{Metric: metric.Metric{Name: "rmse"}}, "the metric rmse does not fit the task multilabel"},
		{blend.Options{Metric: metric.Metric{Name: "accuracy"}, MaxOffset: 0.1}, "the metric accuracy has no thresholds to fit"},
		{blend.Options{Metric: metric.Metric{Name: "log-loss"}, PerClass: true}, "thresholds of classes are fitted to f-beta and micro-f-beta, not to log-loss"},
	} {
		if _, err := blend.Fit(context.Background(), open(t), c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}
