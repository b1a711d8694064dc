package plan

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/deploy/cutorder"
	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Bounds of the predictions of one member, in elements. Of a larger table, evenly spaced
// rows are scored. Metrics of ranks sort them for every fold that may go.
const (
	maxScored = 1 << 24
	maxRanked = 1 << 19
)

// cuts sets the order in which the plan drops views and folds when time is short: by
// out-of-fold predictions and the metric m if there are any, else by coefficients.
func (b *builder) cuts(ctx context.Context, built *Built, m metric.Metric, jobs []*job) error {
	p := built.Plan
	members, err := cutMembers(built, m)
	if err != nil {
		return err
	}
	table, lack, err := b.cutTable(ctx, p, m, jobs)
	switch {
	case err != nil:
		return err
	case lack != "":
		b.warn("no out-of-fold data: members will be cut by coefficient (add --oof DIR); missing: %s", lack)
		p.Cuts = cutorder.ByCoefficients(members)
	default:
		table.Bounds = p.GradeBounds
		p.Cuts, p.Score = cutorder.ByScore(members, table)
	}
	return nil
}

func (b *builder) warn(format string, args ...any) {
	if b.options.Warn != nil {
		b.options.Warn(fmt.Sprintf(format, args...))
	}
}

// cutMembers returns the members of the plan. m is the metric of their scores.
func cutMembers(built *Built, m metric.Metric) ([]cutorder.Member, error) {
	p := built.Plan
	var members []cutorder.Member
	for i := range p.Models {
		model := &p.Models[i]
		a, err := arch.Find(built.Archs, model.Arch)
		if err != nil {
			return nil, err
		}
		cost, err := model.Operations(a)
		if err != nil {
			return nil, err
		}
		member := cutorder.Member{Coefficient: model.Coefficient, Views: model.Views, Cost: cost}
		for _, f := range model.Folds {
			name, err := ensemblefile.ParseName(f.Name)
			if err != nil {
				return nil, err
			}
			score, err := strconv.ParseFloat(name.Score, 64)
			if err != nil {
				return nil, err
			}
			member.Scores = append(member.Scores, m.Gain(score))
		}
		members = append(members, member)
	}
	return members, nil
}

// cutTable reads the training table, its folds and the out-of-fold predictions of the
// rows to score. If a file is missing, lack is its name.
func (b *builder) cutTable(ctx context.Context, p *ensemble.Plan, m metric.Metric, jobs []*job) (t cutorder.Table, lack string, err error) {
	paths, lack := b.oofFiles(jobs)
	if lack != "" {
		return t, lack, nil
	}
	rows, folds, lack, err := b.trainTable(jobs[0])
	if lack != "" || err != nil {
		return t, lack, err
	}
	most, width := maxScored, p.Task.Values(p.Classes)
	if m.Ranks() {
		most = maxRanked
	}
	scored := scoredRows(folds, jobs, len(p.Models), max(1, most/width))
	if len(scored) == 0 {
		return t, "fold that every member was trained for", nil
	}
	t = cutorder.Table{Truth: truthOf(rows, scored, p), Metric: m, Predictions: make([][]float32, len(p.Models))}
	for m := range t.Predictions {
		t.Predictions[m] = make([]float32, len(scored)*width)
	}
	for _, j := range jobs {
		if err := ctx.Err(); err != nil {
			return t, "", err
		}
		if err := readOOF(paths[j], foldOf(j), folds, scored, width, t.Predictions[j.member]); err != nil {
			return t, "", err
		}
		shift(t.Predictions[j.member], scored, j, p, !m.Decides())
	}
	return t, "", nil
}

// truthOf returns the truth of the scored rows.
func truthOf(table *labeltable.Table, scored []scoredRow, p *ensemble.Plan) metric.Rows {
	y := metric.Rows{Classes: p.Classes, Task: p.Task}
	for _, r := range scored {
		if p.Task == task.Regression {
			y.Values = append(y.Values, table.Values[r.row*p.Classes:(r.row+1)*p.Classes]...)
		} else {
			y.Labels = append(y.Labels, table.Labels[r.row])
		}
	}
	return y
}

// shift subtracts the offsets of the ensemble from the predictions of a fold, as a run
// does. Plain predictions, without thresholds and offsets, are probabilities or values.
func shift(predictions []float32, scored []scoredRow, j *job, p *ensemble.Plan, plain bool) {
	width := p.Task.Values(p.Classes)
	for i, r := range scored {
		if r.fold != foldOf(j) {
			continue
		}
		row := predictions[i*width : (i+1)*width]
		for c := range row {
			off := j.offset
			if len(p.ClassOffsets) > 0 {
				off += p.ClassOffsets[c]
			}
			if plain {
				off = j.offset - j.fold.Threshold
			}
			row[c] = float32(float64(row[c]) - off)
		}
	}
}

// oofFiles finds the out-of-fold predictions of every job. If a file is missing, lack
// is its name.
func (b *builder) oofFiles(jobs []*job) (paths map[*job]string, lack string) {
	paths = map[*job]string{}
	for _, j := range jobs {
		name := ensemblefile.TrainPrefix + j.name + ".npy"
		path, ok := b.files.find(name)
		if !ok {
			return nil, name
		}
		paths[j] = path
	}
	return paths, ""
}

// trainTable reads the training table and the folds of the config of j. If a file is
// missing, lack is its name.
func (b *builder) trainTable(j *job) (rows *labeltable.Table, folds []uint8, lack string, err error) {
	if rows, err = b.table(); err != nil {
		return nil, nil, "", err
	}
	if rows == nil {
		return nil, nil, filepath.Base(j.table.CSV), nil
	}
	foldsFile := filepath.Base(j.table.FoldsFile)
	path, ok := b.data(foldsFile)
	if !ok {
		return nil, nil, foldsFile, nil
	}
	folds, err = foldfile.ForTable(path, rows.IDs, j.folds)
	return rows, folds, "", err
}

// data finds a file of the training data: beside the predictions and weights, or
// else by the rule of package datafolder.
func (b *builder) data(name string) (string, bool) {
	if path, ok := b.files.find(name); ok {
		return path, true
	}
	return datafolder.Find(b.options.Data, name)
}

// scoredRow is a row of the training table to score.
type scoredRow struct {
	row    int // in the table
	inFold int // among the rows of its fold
	fold   uint8
}

// scoredRows returns the rows whose fold is a job of every member, or most evenly spaced
// ones of them.
func scoredRows(folds []uint8, jobs []*job, members, most int) []scoredRow {
	var trained [256]int
	for _, j := range jobs {
		trained[foldOf(j)]++
	}
	var count [256]int
	var all []scoredRow
	for i, f := range folds {
		if trained[f] == members {
			all = append(all, scoredRow{i, count[f], f})
		}
		count[f]++
	}
	if len(all) <= most {
		return all
	}
	some := make([]scoredRow, most)
	for i := range some {
		some[i] = all[i*len(all)/most]
	}
	return some
}

func foldOf(j *job) uint8 { return uint8(j.foldNumber) }

// readOOF reads the predictions of the scored rows of fold of into dst, which has a row
// of width values for each scored one.
func readOOF(path string, of uint8, folds []uint8, scored []scoredRow, width int, dst []float32) error {
	f, err := npy.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	want := 0
	for _, x := range folds {
		if x == of {
			want++
		}
	}
	if len(f.Shape) != 2 || f.Shape[0] != want || f.Shape[1] != width {
		return fmt.Errorf("%s: shape %v; the fold has %d rows of %d columns", path, f.Shape, want, width)
	}
	for i, r := range scored {
		if r.fold != of {
			continue
		}
		if err := f.ReadAt(dst[i*width:(i+1)*width], r.inFold*width); err != nil {
			return err
		}
	}
	return nil
}
