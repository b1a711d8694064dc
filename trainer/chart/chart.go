// Package chart draws what a training looks like, as PNG images.
//
//	err := chart.Curves(w, history)      // losses, score and rate of the epochs
//	err := chart.Finder(w, points)       // loss over learning rate
//	err := chart.Mosaic(w, images, size) // what the network is shown
package chart

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

var (
	blue   = color.NRGBA{31, 119, 180, 255}
	orange = color.NRGBA{255, 127, 14, 255}
	green  = color.NRGBA{44, 160, 44, 255}
)

// line is a curve to draw.
type line struct {
	name   string
	colour color.Color
	points plotter.XYs
}

// panel makes one diagram; what is not finite is left out.
func panel(x, y string, lines ...line) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	for _, l := range lines {
		var finite plotter.XYs
		for _, xy := range l.points {
			if !math.IsNaN(xy.Y) && !math.IsInf(xy.Y, 0) {
				finite = append(finite, xy)
			}
		}
		if len(finite) == 0 {
			continue
		}
		curve, dots, err := plotter.NewLinePoints(finite)
		if err != nil {
			return nil, err
		}
		curve.Color, curve.Width = l.colour, vg.Points(1.5)
		dots.Color, dots.Shape, dots.Radius = l.colour, draw.CircleGlyph{}, vg.Points(1.5)
		p.Add(curve, dots)
		if l.name != "" {
			p.Legend.Add(l.name, curve)
		}
	}
	return p, nil
}

// write draws panels side by side.
func write(w io.Writer, panels ...*plot.Plot) error {
	width := vg.Length(len(panels)) * 4 * vg.Inch
	img := vgimg.New(width, 3*vg.Inch)
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: 4 * vg.Millimeter, PadTop: 2 * vg.Millimeter, PadRight: 2 * vg.Millimeter}
	canvases := plot.Align([][]*plot.Plot{panels}, tiles, draw.New(img))
	for i, p := range panels {
		p.Draw(canvases[0][i])
	}
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(w); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	return nil
}

// Curves draws the losses, the score and the learning rate of the epochs.
func Curves(w io.Writer, history []loop.Result) error {
	curve := func(value func(loop.Result) float64) plotter.XYs {
		var xys plotter.XYs
		for _, r := range history {
			xys = append(xys, plotter.XY{X: float64(r.Epoch), Y: value(r)})
		}
		return xys
	}
	losses, err := panel("epoch", "loss",
		line{"training", blue, curve(func(r loop.Result) float64 { return r.TrainLoss })},
		line{"held out", orange, curve(func(r loop.Result) float64 { return r.ValidLoss })})
	if err != nil {
		return err
	}
	score, err := panel("epoch", "mean F2, held out", line{"", orange, curve(func(r loop.Result) float64 { return r.Score })})
	if err != nil {
		return err
	}
	rate, err := panel("epoch", "learning rate", line{"", green, curve(func(r loop.Result) float64 { return r.Rate })})
	if err != nil {
		return err
	}
	return write(w, losses, score, rate)
}

// Finder draws the smoothed loss over the learning rate.
func Finder(w io.Writer, points []loop.Point) error {
	var xys plotter.XYs
	for _, p := range points {
		xys = append(xys, plotter.XY{X: p.Rate, Y: p.Loss})
	}
	p, err := panel("learning rate", "loss, smoothed", line{"", blue, xys})
	if err != nil {
		return err
	}
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	return write(w, p)
}
