// Package chart draws the diagrams of a blend as a PNG image.
//
//	err := chart.Write(w, "best, 3 models", chart.Panel{X: "weight", Y: "mean F2", Curves: curves})
package chart

import (
	"fmt"
	"io"

	"github.com/deploy-kernel/deploy-kernel/internal/plotting"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// maxNamed is the number of curves that the legend has room for.
const maxNamed = 8

// Panel is one diagram.
type Panel struct {
	Title, X, Y string
	Curves      []Curve
	// Marked is the legend of the marked points.
	Marked string
}

// Curve is a line of a diagram.
type Curve struct {
	// Name is the legend of the curve; "" means none.
	Name string
	X, Y []float64
	// Steps keeps the line level up to the next point.
	Steps bool
	// Mark is the index of a point to mark; -1 means none.
	Mark int
}

// Write draws panels side by side, with a title above.
func Write(w io.Writer, title string, panels ...Panel) error {
	var row []*plot.Plot
	for _, panel := range panels {
		p, err := panel.plot()
		if err != nil {
			return fmt.Errorf("drawing %q: %w", panel.Title, err)
		}
		row = append(row, p)
	}
	return plotting.Write(w, title, row...)
}

func (panel Panel) plot() (*plot.Plot, error) {
	p := plotting.Panel(panel.X, panel.Y)
	p.Title.Text, p.Title.Padding = panel.Title, vg.Points(4)
	p.Legend.Left = true
	named := 0
	var marked plot.Thumbnailer
	for i, c := range panel.Curves {
		points := make(plotter.XYs, len(c.X))
		for k := range points {
			points[k].X, points[k].Y = c.X[k], c.Y[k]
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.4)
		if i > 0 { // dashes tell overlapping curves apart
			line.Dashes = plotutil.Dashes(i)
		}
		if c.Steps {
			line.StepStyle = plotter.PostStep
		}
		p.Add(line)
		if c.Mark >= 0 {
			mark, err := plotter.NewScatter(points[c.Mark : c.Mark+1])
			if err != nil {
				return nil, err
			}
			mark.Color, mark.Shape, mark.Radius = plotutil.Color(i), draw.CircleGlyph{}, vg.Points(3)
			p.Add(mark)
			if marked == nil {
				marked = mark
			}
		}
		if c.Name == "" {
			continue
		}
		if named++; named <= maxNamed {
			p.Legend.Add(c.Name, line)
		}
	}
	if named > maxNamed {
		p.Legend.Add(fmt.Sprintf("and %d more", named-maxNamed))
	}
	if marked != nil && panel.Marked != "" {
		p.Legend.Add(panel.Marked, marked)
	}
	if len(panel.Curves) > 0 {
		lines := min(named, maxNamed+1)
		if panel.Marked != "" {
			lines++
		}
		plotting.Widen(&p.Y, 0.03+0.09*float64(lines), 0.05) // the legend is below
	}
	return p, nil
}
