package command

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/chart"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/spf13/cobra"
)

// plotPoints is the number of points of a curve.
const plotPoints = 201

// draw returns the command that draws an ensemble's score.
func draw() *cobra.Command {
	var f ensembleFlags
	var output string
	reach := 0.05
	cmd := &cobra.Command{
		Use:   "plot ENSEMBLE.yml",
		Short: "Draw the score around an ensemble's coefficients",
		Long: `plot draws three diagrams into a PNG image: the score by the coefficient of each
model, while the others keep their proportions; by an offset of all thresholds;
and over the time of an exact and a Nelder-Mead search. The score is that of the
ensemble's metric, or the mean F2 of the rows if the file names none; that of a
loss is negated. Metrics without thresholds have no second diagram, and a single
model has no first and third one.`,
		Example: `  blend plot best_val_0.6397.yml --predictions models/ -o best.png`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(reach > 0 && reach < 1) {
				return cli.Usagef("--reach %s: a number between 0 and 1 is needed", say.Number(reach))
			}
			b, err := f.open(args[0])
			if err != nil {
				return err
			}
			if err := b.scale(); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if output == "" {
				output = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0])) + ".png"
			}
			if err := b.draw(cmd, strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0])), output, reach); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), output)
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write (default: <ensemble>.png)")
	cmd.Flags().Float64Var(&reach, "reach", reach, "largest offset drawn, on either side of 0")
	return cmd
}

// drawn is a problem to draw and the name of its score.
type drawn struct {
	blend.Problem
	score string
}

// draw writes the picture to path; name is the ensemble's.
func (b *blended) draw(cmd *cobra.Command, name, path string, reach float64) error {
	offset := 0.0
	for i, w := range b.mix.Coefficients {
		offset += w * b.mix.Offsets[i]
	}
	point := slices.Clone(b.mix.Coefficients)
	p := drawn{score: b.metric.String()}
	err := withProgress(cmd, b.set, func(ctx context.Context, done func(int)) (err error) {
		if !blend.HasClassThresholds(b.set.Task, b.metric) {
			p.Problem, err = blend.Read(ctx, b.set, blend.Options{Metric: b.metric, Observer: blend.Observer{
				Begin: func(blend.Stage, int64) func(int64) { return func(values int64) { done(int(values)) } },
			}})
			return err
		}
		p.score = "mean F2"
		point = append(point, offset)
		p.Problem, err = problem.ReadSign(ctx, b.set, problem.Options{MaxOffset: reach + max(offset, -offset), ClassOffsets: b.mix.ClassOffsets}, done)
		return err
	})
	if err != nil {
		return err
	}
	if !problem.Admissible(point, p.Models(), p.MaxOffset()) {
		return fmt.Errorf("can't draw the weights %s: none may be below 0", say.List(b.mix.Coefficients))
	}
	if p.Models() == 1 && len(point) == 1 {
		return fmt.Errorf("there is nothing to draw: one model, and the metric %s has no thresholds", b.metric.Name)
	}
	var panels []chart.Panel
	if p.Models() > 1 {
		panels = append(panels, b.byWeight(p, point))
	}
	if len(point) > p.Models() {
		panels = append(panels, byOffset(p, point, reach))
	}
	if p.Models() > 1 {
		ways, err := searches(cmd.Context(), p)
		if err != nil {
			return err
		}
		panels = append(panels, ways)
	}
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	title := fmt.Sprintf("%s: %s, %s %.4f", name, say.Count(p.Models(), "model"), strings.TrimPrefix(p.score, "mean "), b.metric.Gain(p.Score(point)))
	if err := chart.Write(out, title, panels...); err != nil {
		return err
	}
	return out.Commit()
}

// byWeight returns the score by the coefficient of each model, up to twice its value.
func (b *blended) byWeight(p drawn, point []float64) chart.Panel {
	panel := chart.Panel{Title: "one weight, the others in proportion", X: "weight of the model", Y: p.score, Marked: "this ensemble"}
	n := p.Models()
	for i := range n {
		if point[i] == 1 {
			continue // there are no others
		}
		without := slices.Clone(point)
		without[i] = 0
		without = problem.Scaled(without, n)
		alone := make([]float64, len(point))
		copy(alone[n:], point[n:])
		alone[i] = 1
		top := min(1, max(2*point[i], 0.05))
		c := chart.Curve{Name: b.set.Models[i].Name, Mark: (plotPoints - 1) / 2}
		if top != 2*point[i] {
			c.Mark = int(point[i] / top * (plotPoints - 1))
		}
		for k := range plotPoints {
			w := top * float64(k) / (plotPoints - 1)
			c.X, c.Y = append(c.X, w), append(c.Y, p.Score(problem.Between(without, alone, w)))
		}
		panel.Curves = append(panel.Curves, c)
	}
	return panel
}

// byOffset returns the score by the offset of the thresholds.
func byOffset(p drawn, point []float64, reach float64) chart.Panel {
	c := chart.Curve{Mark: (plotPoints - 1) / 2}
	n := p.Models()
	at := slices.Clone(point)
	for k := range plotPoints {
		at[n] = point[n] + reach*(2*float64(k)/(plotPoints-1)-1)
		c.X, c.Y = append(c.X, at[n]), append(c.Y, p.Score(at))
	}
	return chart.Panel{Title: "an offset of all thresholds", X: "offset", Y: p.score, Curves: []chart.Curve{c}, Marked: "this ensemble"}
}

// level is a problem whose points have no offset.
type level struct{ *problem.Sign }

func (level) MaxOffset() float64 { return 0 }

// searches returns the traces of two searches.
func searches(ctx context.Context, p drawn) (chart.Panel, error) {
	panel := chart.Panel{Title: "two searches", X: "seconds", Y: p.score}
	var searched problem.Problem = p.Problem
	if s, ok := searched.(*problem.Sign); ok {
		searched = level{s}
	}
	for _, m := range []search.Method{search.Exact, search.NelderMead} {
		r, err := search.Run(ctx, searched, search.Options{Method: m, Seed: 1})
		if err != nil {
			return panel, err
		}
		c := chart.Curve{Name: m.String(), Steps: true, Mark: -1}
		for _, step := range r.Trace {
			c.X, c.Y = append(c.X, step.After.Seconds()), append(c.Y, step.Score)
		}
		c.X, c.Y = append(c.X, r.Took.Seconds()), append(c.Y, r.Score)
		panel.Curves = append(panel.Curves, c)
	}
	return panel, nil
}
