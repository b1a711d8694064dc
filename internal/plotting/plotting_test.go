package plotting_test

import (
	"bytes"
	"fmt"
	"image/png"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/plotting"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

func labels(ticks []plot.Tick) (list []string) {
	for _, t := range ticks {
		if t.Label != "" {
			list = append(list, t.Label)
		}
	}
	return list
}

func TestLabelsOfTicks(t *testing.T) {
	for _, c := range []struct {
		ticks     plot.Ticker
		low, high float64
		want      []string
	}{
		{plotting.Decades{}, 1e-7, 1, []string{"1e-7", "1e-6", "1e-5", "0.0001", "0.001", "0.01", "0.1", "1"}},
		{plotting.Decades{}, 1e-12, 1, []string{"1e-12", "1e-10", "1e-8", "1e-6", "0.0001", "0.01", "1"}},
		{plotting.Decades{}, 1.2e-3, 6e-3, []string{"0.002", "0.005"}},
		{plotting.Decades{}, 1e-4, 3e-3, []string{"0.0001", "0.001"}},
		{plotting.Whole{}, 0, 5, []string{"0", "1", "2", "3", "4", "5"}},
		{plotting.Whole{}, 0, 41, []string{"0", "5", "10", "15", "20", "25", "30", "35", "40"}},
		{plotting.Whole{}, -0.5, 0.5, []string{"0"}},
	} {
		if got := labels(c.ticks.Ticks(c.low, c.high)); !slices.Equal(got, c.want) {
			t.Errorf("%T from %g to %g: %q, want %q", c.ticks, c.low, c.high, got, c.want)
		}
	}
}

// Package blend/chart tests several panels.
func Example() {
	p := plotting.Panel("epoch", "loss")
	p.X.Tick.Marker = plotting.Whole{}
	err := plotting.Dashed(p, "to beat", plotting.Gray, plotter.XYs{{X: 0, Y: 1}, {X: 9, Y: 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	plotting.Widen(&p.Y, 0, 0.2)
	var b bytes.Buffer
	if err := plotting.Write(&b, "small, fold 0", p); err != nil {
		fmt.Println(err)
		return
	}
	img, err := png.Decode(&b)
	fmt.Println(img.Bounds().Size(), err)
	// Output: (528,438) <nil>
}
