package run

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/trainer/chart"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// WriteResults writes results.csv and curves.png of the epochs so far, and
// notes the last one in metrics.jsonl.
func (f *Folder) WriteResults(history []loop.Result) error {
	last := history[len(history)-1]
	if err := f.events.add(event{Epoch: last.Epoch, Step: last.Step, Result: &last}); err != nil {
		return err
	}
	if err := f.events.flush(); err != nil {
		return err
	}
	var table, picture bytes.Buffer
	if err := writeCSV(&table, history); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(f.Path("results.csv"), table.Bytes()); err != nil {
		return err
	}
	if err := chart.Curves(&picture, history); err != nil {
		return err
	}
	return atomicfile.WriteFile(f.Path("curves.png"), picture.Bytes())
}

func writeCSV(w io.Writer, history []loop.Result) error {
	c := csv.NewWriter(w)
	header := []string{"epoch", "step", "lr", "train_loss", "valid_loss", "f2", "threshold", "images_per_second", "data_wait_share", "seconds", "best"}
	if err := c.Write(header); err != nil {
		return err
	}
	number := func(v float64, digits int) string { return strconv.FormatFloat(v, 'g', digits, 64) }
	for _, r := range history {
		if err := c.Write([]string{
			strconv.Itoa(r.Epoch), strconv.Itoa(r.Step), number(r.Rate, 6), number(r.TrainLoss, 6), number(r.ValidLoss, 6),
			number(r.Score, 6), number(r.Threshold, 6), number(r.ImagesPerSecond(), 4), number(r.WaitShare(), 3),
			number(r.Took.Seconds(), 4), strconv.FormatBool(r.Best),
		}); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// Step notes a batch of training in metrics.jsonl.
func (f *Folder) Step(p loop.Progress) error {
	return f.events.add(event{Epoch: p.Epoch, Step: p.Step, Batch: p.Batch, Loss: p.Loss, Rate: p.Rate})
}

// event is a line of metrics.jsonl: of a batch, or with Result of an epoch.
type event struct {
	Epoch  int          `json:"epoch"`
	Step   int          `json:"step"`
	Batch  int          `json:"batch"`
	Loss   float64      `json:"loss,omitempty"`
	Rate   float64      `json:"lr,omitempty"`
	Result *loop.Result `json:"result,omitempty"`
}

// events is an open metrics.jsonl.
type events struct {
	file *os.File
	w    *bufio.Writer
}

// openEvents opens the file and drops the lines that come after a state, which
// will be written anew.
func openEvents(path string, state *loop.State) (*events, error) {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var kept []byte
	for line := range bytes.Lines(old) {
		var e event
		if json.Unmarshal(line, &e) != nil {
			break // cut by a kill
		}
		if e.Epoch < state.Epoch || e.Epoch == state.Epoch && e.Result == nil && e.Batch < state.Batch {
			kept = append(kept, line...)
		}
	}
	if err := atomicfile.WriteFile(path, kept); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &events{file, bufio.NewWriter(file)}, nil
}

func (e *events) add(v event) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing metrics.jsonl: %w", err)
	}
	_, err = e.w.Write(append(b, '\n'))
	return err
}

func (e *events) flush() error { return e.w.Flush() }

func (e *events) close() error { return errors.Join(e.w.Flush(), e.file.Close()) }
