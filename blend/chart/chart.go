// Package chart draws what a blend looks like, as a PNG image: the score along
// the weight of each model, the score by the common offset of the thresholds, and
// the way of searches.
//
//	err := chart.Write(w, chart.Panel{X: "weight", Y: "score", Curves: curves})
package chart

import (
	"fmt"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Panel is one diagram.
type Panel struct {
	Title, X, Y string
	Curves      []Curve
}

// Curve is a line of a diagram.
type Curve struct {
	// Name is told in the legend; none where it is empty.
	Name string
	X, Y []float64
	// Steps draws the line level up to the next point.
	Steps bool
	// Mark is the index of a point to mark; -1 for none.
	Mark int
}

// Write draws panels side by side.
func Write(w io.Writer, panels ...Panel) error {
	var row []*plot.Plot
	for _, panel := range panels {
		p, err := panel.plot()
		if err != nil {
			return fmt.Errorf("drawing %q: %w", panel.Title, err)
		}
		row = append(row, p)
	}
	img := vgimg.New(vg.Length(len(row))*4.5*vg.Inch, 3.5*vg.Inch)
	tiles := draw.Tiles{Rows: 1, Cols: len(row), PadX: 5 * vg.Millimeter, PadTop: 2 * vg.Millimeter, PadRight: 3 * vg.Millimeter}
	for i, c := range plot.Align([][]*plot.Plot{row}, tiles, draw.New(img))[0] {
		row[i].Draw(c)
	}
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(w); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	return nil
}

func (panel Panel) plot() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = panel.Title, panel.X, panel.Y
	p.Add(plotter.NewGrid())
	for i, c := range panel.Curves {
		points := make(plotter.XYs, len(c.X))
		for k := range points {
			points[k].X, points[k].Y = c.X[k], c.Y[k]
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.2)
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
		}
		if c.Name != "" {
			p.Legend.Add(c.Name, line)
		}
	}
	p.Legend.TextStyle.Font.Size = vg.Points(9)
	return p, nil
}
