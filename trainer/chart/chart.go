// Package chart draws the progress of a training as PNG images.
//
//	err := chart.Curves(w, "small, fold 0", chart.Score{Name: "F2", ToBeat: 0.745}, history) // losses, score and rate by epoch
//	err := chart.Finder(w, "small, fold 0", points)         // loss over learning rate
//	err := chart.Mosaic(w, tiles, size, normal)             // the network's input images
package chart

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"github.com/deploy-kernel/deploy-kernel/internal/plotting"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// add draws a curve, with dots at its points if dots is set. It leaves out points that are
// not finite, and reports whether any point was drawn.
func add(p *plot.Plot, name string, c color.Color, dots bool, points plotter.XYs) (bool, error) {
	var finite plotter.XYs
	for _, xy := range points {
		if !math.IsNaN(xy.Y) && !math.IsInf(xy.Y, 0) {
			finite = append(finite, xy)
		}
	}
	if len(finite) == 0 {
		return false, nil
	}
	curve, marks, err := plotter.NewLinePoints(finite)
	if err != nil {
		return false, err
	}
	curve.Color, curve.Width = c, vg.Points(1.5)
	p.Add(curve)
	if dots {
		marks.Color, marks.Shape, marks.Radius = c, draw.CircleGlyph{}, vg.Points(1.8)
		p.Add(marks)
	}
	if name != "" {
		p.Legend.Add(name, curve)
	}
	return true, nil
}

// Score names the score of a training.
type Score struct {
	Name   string
	ToBeat float64 // the score of the best constant answer, or 0 if it is unknown
}

// Curves draws the losses, the score and the learning rate by epoch, and marks the best
// epoch.
func Curves(w io.Writer, title string, score Score, history []loop.Result) error {
	curve := func(value func(loop.Result) float64) (xys plotter.XYs) {
		for _, r := range history {
			xys = append(xys, plotter.XY{X: float64(r.Epoch), Y: value(r)})
		}
		return xys
	}
	losses, err := lossPanel(curve, history)
	if err != nil {
		return err
	}
	scores, err := scorePanel(curve, score, history)
	if err != nil {
		return err
	}
	rate := plotting.Panel("epoch", "learning rate")
	rates := curve(func(r loop.Result) float64 { return r.Rate })
	positive := rates[:0]
	for _, xy := range rates {
		if xy.Y > 0 { // a logarithm is needed
			positive = append(positive, xy)
		}
	}
	if drawn, err := add(rate, "", plotting.Green, true, positive); err != nil {
		return err
	} else if drawn {
		plotting.Log(&rate.Y)
	}
	panels := []*plot.Plot{losses, scores, rate}
	for _, p := range panels {
		p.X.Tick.Marker = plotting.Whole{}
		if n := len(history); n > 0 { // one scale for all panels, with the epochs left out
			p.X.Min, p.X.Max = float64(history[0].Epoch), float64(history[n-1].Epoch)
		}
		if !(p.X.Min < p.X.Max) {
			p.X.Min, p.X.Max = p.X.Min-0.5, p.X.Min+0.5
		}
	}
	return plotting.Write(w, title, panels...)
}

// curveOf returns the curve of a value over the epochs.
type curveOf func(value func(loop.Result) float64) plotter.XYs

func lossPanel(curve curveOf, history []loop.Result) (*plot.Plot, error) {
	p := plotting.Panel("epoch", "loss")
	p.Legend.Top = true
	if _, err := add(p, "training", plotting.Blue, true, curve(func(r loop.Result) float64 { return r.TrainLoss })); err != nil {
		return nil, err
	}
	drawn, err := add(p, "held out", plotting.Orange, true, curve(func(r loop.Result) float64 { return r.ValidLoss }))
	if err != nil || !drawn {
		return p, err
	}
	if best, ok := bestOf(history); ok && !math.IsNaN(best.ValidLoss) {
		err = plotting.Ring(p, "best epoch", plotting.Gray, plotter.XY{X: float64(best.Epoch), Y: best.ValidLoss})
	}
	plotting.Widen(&p.Y, 0.04, 0.04)
	return p, err
}

func scorePanel(curve curveOf, score Score, history []loop.Result) (*plot.Plot, error) {
	p := plotting.Panel("epoch", score.Name+", held out")
	p.Legend.Left = false
	drawn, err := add(p, "", plotting.Orange, true, curve(func(r loop.Result) float64 { return r.Score }))
	if err != nil || !drawn {
		return p, err
	}
	if best, ok := bestOf(history); ok {
		name := fmt.Sprintf("best: epoch %d, %.4f", best.Epoch, best.Score)
		if err := plotting.Ring(p, name, plotting.Gray, plotter.XY{X: float64(best.Epoch), Y: best.Score}); err != nil {
			return nil, err
		}
	}
	if toBeat := score.ToBeat; toBeat > 0 {
		first, last := float64(history[0].Epoch), float64(history[len(history)-1].Epoch)
		if first == last {
			first, last = first-0.5, last+0.5
		}
		if err := plotting.Dashed(p, fmt.Sprintf("to beat: %.4f", toBeat), plotting.Gray, plotter.XYs{{X: first, Y: toBeat}, {X: last, Y: toBeat}}); err != nil {
			return nil, err
		}
	}
	plotting.Widen(&p.Y, 0.22, 0.04) // the legend is below
	return p, nil
}

func bestOf(history []loop.Result) (loop.Result, bool) {
	s := loop.State{History: history}
	return s.Best()
}

// Finder draws the smoothed loss over the learning rate, and marks the suggested rate.
func Finder(w io.Writer, title string, points []loop.Point) error {
	p := plotting.Panel("learning rate", "loss, smoothed")
	var xys plotter.XYs
	for _, point := range points {
		if point.Rate > 0 {
			xys = append(xys, plotter.XY{X: point.Rate, Y: point.Loss})
		}
	}
	p.Legend.Left = true // where the loss is level
	drawn, err := add(p, "", plotting.Blue, false, xys)
	if err != nil {
		return err
	}
	if drawn {
		low, high := p.Y.Min, p.Y.Max
		if rate := loop.Steepest(points); rate > 0 {
			if err := plotting.Dashed(p, "suggested: "+say.Rate(rate), plotting.Orange, plotter.XYs{{X: rate, Y: low}, {X: rate, Y: high}}); err != nil {
				return err
			}
		}
		plotting.Log(&p.X)
		plotting.Widen(&p.Y, 0.02, 0.02)
	}
	return plotting.Write(w, title, p)
}
