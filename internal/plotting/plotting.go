// Package plotting draws what the pictures of train and blend have in common:
// readable axes, and panels side by side under a title.
//
//	p := plotting.Panel("epoch", "loss")
//	p.X.Tick.Marker = plotting.Whole{}
//	err := plotting.Write(w, "small, fold 0", p)
package plotting

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Colors of the lines.
var (
	Blue   = color.NRGBA{31, 119, 180, 255}
	Orange = color.NRGBA{255, 127, 14, 255}
	Green  = color.NRGBA{44, 160, 44, 255}
	Gray   = color.NRGBA{110, 110, 110, 255}
)

// Sizes of a picture.
const (
	panelWidth  = 4.4 * vg.Inch
	panelHeight = 3.3 * vg.Inch
	titleHeight = 0.35 * vg.Inch
	resolution  = 120 // dots per inch
)

// Panel returns an empty diagram with a grid and labeled axes.
func Panel(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Legend.TextStyle.Font.Size = vg.Points(9)
	p.Legend.Padding = vg.Points(2)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	return p
}

// Dashed adds a thin dashed line through points, with name in the legend.
func Dashed(p *plot.Plot, name string, c color.Color, points plotter.XYs) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Color, line.Width, line.Dashes = c, vg.Points(1.2), []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}

// Ring adds a ring around a point, with name in the legend.
func Ring(p *plot.Plot, name string, c color.Color, at plotter.XY) error {
	ring, err := plotter.NewScatter(plotter.XYs{at})
	if err != nil {
		return err
	}
	ring.Color, ring.Shape, ring.Radius = c, draw.RingGlyph{}, vg.Points(5)
	p.Add(ring)
	p.Legend.Add(name, ring)
	return nil
}

// Log makes an axis logarithmic, with ticks at powers of ten. Its values must be
// above 0.
func Log(a *plot.Axis) {
	a.Scale, a.Tick.Marker = plot.LogScale{}, Decades{}
	if !(a.Min < a.Max) {
		a.Min, a.Max = a.Min/3, a.Max*3
	}
}

// Widen extends an axis by fractions of its range, to make room for a legend below or
// above. If all values are equal, it first gives the axis a sensible range.
func Widen(a *plot.Axis, below, above float64) {
	d := a.Max - a.Min
	if !(d > 0) {
		d = max(math.Abs(a.Max)*0.02, 1e-6)
		a.Min -= d
		a.Max += d
	}
	a.Min -= below * d
	a.Max += above * d
}

// Decades puts labeled ticks at powers of ten and unlabeled ones between them. On an
// axis with fewer than two powers of ten, it labels 2 and 5, too.
type Decades struct{}

// Ticks implements [plot.Ticker].
func (Decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	powers := int(math.Floor(math.Log10(high)*(1+1e-12)+1e-9)) - int(math.Ceil(math.Log10(low)-1e-9)) + 1
	every := max(1, (powers+7)/8)
	for e := first; e <= last; e++ {
		for m := 1; m <= 9; m++ {
			v := float64(m) * math.Pow(10, float64(e))
			if v < low*(1-1e-9) || v > high*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 && (e-first)%every == 0 || powers < 2 && (m == 1 || m == 2 || m == 5) {
				t.Label = say.Rate(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// Whole puts ticks at whole numbers, about ten at most.
type Whole struct{}

// Ticks implements [plot.Ticker].
func (Whole) Ticks(low, high float64) []plot.Tick {
	step := 1.0
	for _, s := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if step = s; (high-low)/s <= 10 {
			break
		}
	}
	var ticks []plot.Tick
	for v := math.Ceil(low/step) * step; v <= high && len(ticks) < 1000; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprint(int(v))})
	}
	return ticks
}

// Write draws panels side by side under a title, and writes a PNG image.
func Write(w io.Writer, title string, panels ...*plot.Plot) error {
	img := vgimg.NewWith(vgimg.UseWH(vg.Length(len(panels))*panelWidth, panelHeight+titleHeight), vgimg.UseDPI(resolution))
	all := draw.New(img)
	style := plot.New().Title.TextStyle
	style.Font.Size, style.XAlign, style.YAlign = vg.Points(13), draw.XCenter, draw.YCenter
	all.FillText(style, vg.Point{X: all.Center().X, Y: all.Max.Y - titleHeight/2}, title)
	below := draw.Crop(all, 0, 0, 0, -titleHeight)
	tiles := draw.Tiles{
		Rows: 1, Cols: len(panels), PadX: 5 * vg.Millimeter,
		PadTop: 1 * vg.Millimeter, PadLeft: 2 * vg.Millimeter, PadRight: 4 * vg.Millimeter, PadBottom: 1 * vg.Millimeter,
	}
	for i, c := range plot.Align([][]*plot.Plot{panels}, tiles, below)[0] {
		panels[i].Draw(c)
	}
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(w); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	return nil
}
