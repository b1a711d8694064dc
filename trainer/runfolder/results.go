package runfolder

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/trainer/chart"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// WriteResults writes results.csv and curves.png for the epochs so far, and adds the last
// one to metrics.jsonl. history must not be empty.
func (f *Folder) WriteResults(history []loop.Result) error {
	last := history[len(history)-1]
	if err := f.events.add(f.eventOf(last)); err != nil {
		return err
	}
	if err := f.events.flush(); err != nil {
		return err
	}
	var table, picture bytes.Buffer
	if err := f.writeCSV(&table, history); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(f.Path("results.csv"), table.Bytes()); err != nil {
		return err
	}
	if err := chart.Curves(&picture, f.info.Title(), chart.Score{Name: f.info.Config.Score().Label(), ToBeat: f.info.ToBeat}, history); err != nil {
		return err
	}
	return atomicfile.WriteFile(f.Path("curves.png"), picture.Bytes())
}

// isF2 reports whether results call the score f2. They call others score.
func (f *Folder) isF2() bool { return f.info.Config.Score().Label() == "F2" }

func (f *Folder) writeCSV(w io.Writer, history []loop.Result) error {
	c := csv.NewWriter(w)
	score := "score"
	if f.isF2() {
		score = "f2"
	}
	header := []string{"epoch", "step", "lr", "train_loss", "valid_loss", score, "threshold", "images_per_second", "data_wait_share", "seconds", "best"}
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

// Step adds a batch of training to metrics.jsonl.
func (f *Folder) Step(p loop.Progress) error {
	return f.events.add(batchEvent{Epoch: p.Epoch, Step: p.Step, Batch: p.Batch, Loss: p.Loss, Rate: p.Rate})
}

// batchEvent is the line of a batch in metrics.jsonl.
type batchEvent struct {
	Epoch int     `json:"epoch"`
	Step  int     `json:"step"`
	Batch int     `json:"batch"`
	Loss  float64 `json:"loss"`
	Rate  float64 `json:"lr"`
}

// epochEvent is the line of an epoch in metrics.jsonl. Keys that results.csv has too have
// the name of its column.
type epochEvent struct {
	Epoch     int      `json:"epoch"`
	Step      int      `json:"step"`
	Rate      float64  `json:"lr"`
	TrainLoss float64  `json:"train_loss"`
	ValidLoss float64  `json:"valid_loss"`
	F2        *float64 `json:"f2,omitempty"`
	Score     *float64 `json:"score,omitempty"`
	Threshold float64  `json:"threshold"`
	Images    int      `json:"images"`
	PerSecond float64  `json:"images_per_second"`
	Seconds   float64  `json:"seconds"`
	Waited    float64  `json:"data_wait_seconds"`
	Best      bool     `json:"best"`
}

func (f *Folder) eventOf(r loop.Result) epochEvent {
	e := epochEvent{
		Epoch: r.Epoch, Step: r.Step, Rate: r.Rate, TrainLoss: r.TrainLoss, ValidLoss: r.ValidLoss,
		Threshold: r.Threshold, Images: r.Images, PerSecond: rounded(r.ImagesPerSecond()),
		Seconds: rounded(r.Took.Seconds()), Waited: rounded(r.Waited.Seconds()), Best: r.Best,
	}
	if f.isF2() {
		e.F2 = &r.Score
	} else {
		e.Score = &r.Score
	}
	return e
}

// rounded returns v rounded to a thousandth.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }

// place is the position in the training that a line of either kind has. A line of an epoch
// has no batch.
type place struct {
	Epoch int  `json:"epoch"`
	Batch *int `json:"batch"`
	// Result marks lines of epochs in files of older versions, which have a batch too.
	Result json.RawMessage `json:"result"`
}

// isBefore reports whether the line was written before the training reached state.
func (p place) isBefore(state *loop.State) bool {
	ofBatch := p.Batch != nil && p.Result == nil
	return p.Epoch < state.Epoch || p.Epoch == state.Epoch && ofBatch && *p.Batch < state.Batch
}

// events is an open metrics.jsonl.
type events struct {
	file *os.File
	w    *bufio.Writer
}

// openEvents opens metrics.jsonl. It drops the lines behind state, because the resumed
// training writes them again.
func openEvents(path string, state *loop.State) (*events, error) {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var kept []byte
	for line := range bytes.Lines(old) {
		var at place
		if json.Unmarshal(line, &at) != nil {
			break // cut by a kill
		}
		if at.isBefore(state) {
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

func (e *events) add(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing metrics.jsonl: %w", err)
	}
	_, err = e.w.Write(append(b, '\n'))
	return err
}

func (e *events) flush() error { return e.w.Flush() }

func (e *events) close() error { return errors.Join(e.w.Flush(), e.file.Close()) }
