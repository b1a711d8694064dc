package plan

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/deploy/cutorder"
	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// maxScored bounds the predictions of one member in memory, in elements. Of a larger
// table, evenly spaced rows are scored.
const maxScored = 1 << 24

// cuts sets the order in which the plan drops views and folds when time is short: by
// out-of-fold predictions if there are any, else by coefficients.
func (b *builder) cuts(ctx context.Context, p *ensemble.Plan, jobs []*job) error {
	members, err := b.cutMembers(p)
	if err != nil {
		return err
	}
	table, lack, err := b.cutTable(ctx, p, jobs)
	switch {
	case err != nil:
		return err
	case lack != "":
		b.warn("no out-of-fold data: members will be cut by coefficient (add --oof DIR); missing: %s", lack)
		p.Cuts = cutorder.ByCoefficients(members)
	default:
		p.Cuts, p.Score = cutorder.ByScore(members, table)
	}
	return nil
}

func (b *builder) warn(format string, args ...any) {
	if b.options.Warn != nil {
		b.options.Warn(fmt.Sprintf(format, args...))
	}
}

func (b *builder) cutMembers(p *ensemble.Plan) ([]cutorder.Member, error) {
	var members []cutorder.Member
	for i := range p.Models {
		m := &p.Models[i]
		a, err := network.Find(b.options.Archs, m.Arch)
		if err != nil {
			return nil, err
		}
		cost, err := m.Operations(a)
		if err != nil {
			return nil, err
		}
		member := cutorder.Member{Coefficient: m.Coefficient, Views: m.Views, Cost: cost}
		for _, f := range m.Folds {
			name, err := ensemblefile.ParseName(f.Name)
			if err != nil {
				return nil, err
			}
			score, err := strconv.ParseFloat(name.Score, 64)
			if err != nil {
				return nil, err
			}
			member.Scores = append(member.Scores, score)
		}
		members = append(members, member)
	}
	return members, nil
}

// cutTable reads the training table, its folds and the out-of-fold predictions of the
// rows to score. If a file is missing, lack is its name.
func (b *builder) cutTable(ctx context.Context, p *ensemble.Plan, jobs []*job) (t cutorder.Table, lack string, err error) {
	paths, lack := b.oofFiles(jobs)
	if lack != "" {
		return t, lack, nil
	}
	rows, folds, lack, err := b.trainTable(jobs[0])
	if lack != "" || err != nil {
		return t, lack, err
	}
	scored := scoredRows(folds, jobs, len(p.Models), p.Classes)
	if len(scored) == 0 {
		return t, "fold that every member was trained for", nil
	}
	t.Classes = p.Classes
	for _, r := range scored {
		labels, err := rows.Classes(r.row, p.Classes)
		if err != nil {
			return t, "", err
		}
		t.Labels = append(t.Labels, labels)
	}
	t.Predictions = make([][]float32, len(p.Models))
	for m := range t.Predictions {
		t.Predictions[m] = make([]float32, len(scored)*p.Classes)
	}
	for _, j := range jobs {
		if err := ctx.Err(); err != nil {
			return t, "", err
		}
		if err := readOOF(paths[j], foldOf(j), folds, scored, p.Classes, t.Predictions[j.member]); err != nil {
			return t, "", err
		}
		shift(t.Predictions[j.member], scored, foldOf(j), j.offset, p)
	}
	return t, "", nil
}

// shift subtracts the offsets of the ensemble from the predictions of a fold, as a run
// does.
func shift(predictions []float32, scored []scoredRow, fold uint8, offset float64, p *ensemble.Plan) {
	for i, r := range scored {
		if r.fold != fold {
			continue
		}
		row := predictions[i*p.Classes : (i+1)*p.Classes]
		for c := range row {
			off := offset
			if len(p.ClassOffsets) > 0 {
				off += p.ClassOffsets[c]
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
func (b *builder) trainTable(j *job) (rows *input.Table, folds []uint8, lack string, err error) {
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
	folds, err = foldfile.Read(path, len(rows.Rows), j.folds)
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

// scoredRows returns the rows whose fold is a job of every member, or evenly spaced ones
// of them.
func scoredRows(folds []uint8, jobs []*job, members, classes int) []scoredRow {
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
	n := max(1, maxScored/classes)
	if len(all) <= n {
		return all
	}
	some := make([]scoredRow, n)
	for i := range some {
		some[i] = all[i*len(all)/n]
	}
	return some
}

func foldOf(j *job) uint8 { return uint8(j.foldNumber) }

// readOOF reads the predictions of the scored rows of fold of into dst, which has a row
// for each scored one.
func readOOF(path string, of uint8, folds []uint8, scored []scoredRow, classes int, dst []float32) error {
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
	if len(f.Shape) != 2 || f.Shape[0] != want || f.Shape[1] != classes {
		return fmt.Errorf("%s: shape %v; the fold has %d rows of %d classes", path, f.Shape, want, classes)
	}
	for i, r := range scored {
		if r.fold != of {
			continue
		}
		if err := f.ReadAt(dst[i*classes:(i+1)*classes], r.inFold*classes); err != nil {
			return err
		}
	}
	return nil
}
