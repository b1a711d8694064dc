package plotting_test

import (
	"bytes"
	"image/png"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/plotting"
	"gonum.org/v1/plot"
)

func labels(ticks []plot.Tick) (list []string) {
	for _, t := range ticks {
		if t.Label != "" {
			list = append(list, t.Label)
		}
	}
	return list
}

func TestTicksAreLabeledSoThatTheyCanBeRead(t *testing.T) {
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

func TestPanelsStandSideBySideUnderATitle(t *testing.T) {
	var widths []int
	for n := 1; n <= 3; n++ {
		var panels []*plot.Plot
		for range n {
			panels = append(panels, plotting.Panel("x", "y"))
		}
		var b bytes.Buffer
		if err := plotting.Write(&b, "title", panels...); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		widths = append(widths, img.Bounds().Dx())
	}
	if widths[1] != 2*widths[0] || widths[2] != 3*widths[0] {
		t.Errorf("widths %v", widths)
	}
}
