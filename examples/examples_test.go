package examples_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
)

// bin is the folder of the commands.
var bin string

func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func run(m *testing.M) (int, error) {
	var err error
	if bin, err = os.MkdirTemp("", "examples-bin-*"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(bin)
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin+"/", "./cmd/...")
	cmd.Dir, cmd.Stderr = "..", os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// world is the folder in which an example runs.
type world struct {
	testing.TB
	dir string
}

// tool runs a command and returns what it printed.
func (w world) tool(name string, args ...string) string {
	w.Helper()
	cmd := exec.Command(filepath.Join(bin, name), args...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// mention fails unless text contains each of the words.
func (w world) mention(text string, words ...string) {
	w.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			w.Errorf("no %q in:\n%s", word, text)
		}
	}
}

// checked is the output of check.py.
var checked = regexp.MustCompile(`^(\d+) rows(?:, \w+ ([0-9.]+))?\n$`)

// check checks a submission with Python, independently of the program, and returns its
// score against truth, if that is given.
func (w world) check(kind, sample, submission string, truth ...string) (rows int, score float64) {
	w.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		w.Skip("skipped: the independent check of the submission needs python3")
	}
	script, err := filepath.Abs("check.py")
	if err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{script, kind, sample, submission}, truth...)...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	m := checked.FindSubmatch(out)
	if err != nil || m == nil {
		w.Fatalf("check.py: %v\n%s", err, out)
	}
	rows, _ = strconv.Atoi(string(m[1]))
	score, _ = strconv.ParseFloat(string(m[2]), 64)
	return rows, score
}

// TestExamples runs each worked example from the training to the submission of the
// hidden run: its README shows the same commands.
func TestExamples(t *testing.T) {
	for _, c := range []struct {
		name  string
		form  []string // words of the line that tells the form of the submission
		least float64  // score of the hidden test set
	}{
		{"classes", []string{"one class, as class name"}, 0.7},
		{"probabilities", []string{"the prediction of each class in a column of its own"}, 0.8},
		{"grades", []string{"one class, as class number from 0 in the column \"diagnosis\""}, 0.6},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := world{t, t.TempDir()}
			competition, err := demodata.FindCompetition(c.name)
			if err != nil {
				t.Fatal(err)
			}
			if err := competition.Write(w.dir, demodata.TrainOptions{Rows: 180, Test: 1000}); err != nil {
				t.Fatal(err)
			}
			config, err := os.ReadFile(filepath.Join(c.name, "small.yml"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(w.dir, "small.yml"), config, 0o644); err != nil {
				t.Fatal(err)
			}
			w.tool("train", "--config", "small.yml", "--folds", "0-2")
			w.tool("train", "--config", "small.yml", "--folds", "0-2", "--predict-oof", "-o", "oof")
			first, err := filepath.Glob(filepath.Join(w.dir, "oof", "level1_train_*_f0_*.npy"))
			if err != nil || len(first) != 1 {
				t.Fatalf("predictions of fold 0: %v, %v", first, err)
			}
			lines := strings.Split(strings.TrimSpace(w.tool("blend", "best", first[0])), "\n")
			ensemble := lines[len(lines)-1]
			text := w.tool("deploy-kernel", "infer", ensemble, "--weights", "runs,oof", "--data", "data", "--user", "you", "-o", "deploy")
			w.mention(text, c.form...)

			// The commit run: the test folder is empty.
			w.mention(w.tool("deploy-kernel", "simulate", "deploy", "--data", "data", "-o", "commit"), "nothing here would fail on Kaggle")
			if rows, _ := w.check(c.name, "data/sample_submission.csv", "commit/submission.csv"); rows != 5 {
				t.Errorf("the commit run has %d rows", rows)
			}

			// The hidden run: a thousand images.
			w.mention(w.tool("deploy-kernel", "simulate", "deploy", "--data", "hidden", "-o", "out"), "nothing here would fail on Kaggle")
			rows, score := w.check(c.name, "hidden/sample_submission.csv", "out/submission.csv", "hidden/truth.csv")
			if rows != 1000 || score < c.least {
				t.Errorf("the hidden run has %d rows and the score %.4f, at least %.2f is expected", rows, score, c.least)
			}
			t.Logf("score %.4f", score)

			// infer predicts the same bytes without a kernel.
			w.tool("infer", ensemble, "--weights", "runs,oof", "--input", "hidden", "--output", "infer.csv")
			a, errA := os.ReadFile(filepath.Join(w.dir, "infer.csv"))
			b, errB := os.ReadFile(filepath.Join(w.dir, "out", "submission.csv"))
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("infer writes another submission than the kernel: %v, %v", errA, errB)
			}
		})
	}
}
