package chart_test

import (
	"bytes"
	"fmt"
	"image/png"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend/chart"
)

func Example() {
	var b bytes.Buffer
	err := chart.Write(&b, "one", chart.Panel{Title: "offset", Curves: []chart.Curve{{X: []float64{-1, 0, 1}, Y: []float64{0.4, 0.6, 0.5}, Mark: 1}}})
	fmt.Println(b.Len() > 1000, err)
	// Output: true <nil>
}

func TestPanelsStandSideBySide(t *testing.T) {
	curve := chart.Curve{Name: "a", X: []float64{0, 1}, Y: []float64{0.5, 0.5}, Steps: true, Mark: -1}
	var widths []int
	for n := 1; n <= 3; n++ {
		var panels []chart.Panel
		for range n {
			panels = append(panels, chart.Panel{Title: "t", X: "x", Y: "y", Curves: []chart.Curve{curve, curve}})
		}
		var b bytes.Buffer
		if err := chart.Write(&b, "many", panels...); err != nil {
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

func TestOddPanelsAreDrawn(t *testing.T) {
	level := chart.Curve{Name: "level", X: []float64{0, 1}, Y: []float64{0.5, 0.5}, Mark: 1}
	for name, panel := range map[string]chart.Panel{
		"no curve":    {Title: "t"},
		"many curves": {Title: "t", Curves: slices.Repeat([]chart.Curve{level}, 40), Marked: "here"},
		"a point":     {Curves: []chart.Curve{{X: []float64{0}, Y: []float64{0}, Mark: 0}}},
	} {
		var b bytes.Buffer
		if err := chart.Write(&b, name, panel); err != nil || b.Len() < 1000 {
			t.Errorf("%s: %d bytes, %v", name, b.Len(), err)
		}
	}
}
