package engine

import (
	"fmt"
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// The seven products must equal the direct one: for planes and pixels that do not
// halve, with strides and residuals, and with parts shared by workers.
func TestStrassenEqualsTheDirectProduct(t *testing.T) {
	for _, set := range simd.Sets() {
		for _, c := range []struct{ in, out, h, w, stride int }{
			{64, 64, 8, 8, 1},
			{70, 100, 5, 7, 1},
			{33, 161, 9, 4, 1},
			{290, 40, 3, 3, 2},
			{96, 17, 1, 1, 1},
			{17, 20, 13, 3, 1},
			{512, 48, 41, 40, 1}, // several units
		} {
			if set == simd.Scalar && c.in*c.out*c.h*c.w > 1<<22 {
				continue // slow
			}
			for _, residual := range []bool{false, true} {
				name := fmt.Sprintf("%s %+v residual %v", set.Name, c, residual)
				compareStrassen(t, name, set, nn.Shape{C: c.in, H: c.h, W: c.w}, c.out, c.stride, residual)
			}
		}
	}
}

func compareStrassen(t *testing.T, name string, set *simd.Set, in nn.Shape, out, stride int, residual bool) {
	t.Helper()
	product := nn.Conv2d{Out: out, Window: nn.Square(1), Stride: nn.Square(stride), Groups: 1}
	b := nn.NewBuilder("product", in)
	x := b.Input()
	y := b.Conv("product", x, product)
	if residual {
		y = b.Add(y, b.Conv("other", x, product))
	}
	// A reader with a window gives the result a border.
	x = b.Conv("reader", b.ReLU(y), nn.Conv2d{Out: 16, Window: nn.Square(3), Stride: nn.Square(1), Pad: nn.Square(1), Groups: 1})
	g, err := b.Graph(b.Linear("fc", b.GlobalAvgPool(x), 3))
	if err != nil {
		t.Fatal(err)
	}
	f := fuse(g)
	comp := newCompiler(f)
	comp.set, comp.params = set, golden.ParamsOf(g)
	floats := place(comp.areas) + simd.Slack
	for _, u := range f.units {
		if u.first.Op != nn.Conv || u.first.Window != nn.Square(1) || (u.residual() != nil) != residual {
			continue
		}
		if residual {
			u.activation = &nn.Node{Activation: nn.Activation{Kind: nn.HardSigmoid, A: 0.2, B: 0.5}}
		}
		x, y := comp.of(u.in[0]), comp.of(u.last)
		want, err := comp.conv(u, x, y, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := newStrassen(set, x, y)
		if err := s.prepare(comp, u, 0); err != nil {
			t.Fatal(err)
		}
		arena := make([]float32, floats)
		for i := range arena {
			arena[i] = float32(golden.Uniform("arena", i))
		}
		var results [][]float32
		for _, st := range []step{want, s, s, s} {
			workers := []int{1, 1, 2, 5}[len(results)]
			a, tmp := append([]float32(nil), arena...), &scratch{floats: make([]float32, comp.scratch)}
			parts := st.parts(workers)
			for part := range parts {
				st.run(a, tmp, (part+1)%parts, parts)
			}
			results = append(results, a)
		}
		for i, v := range results[1] {
			if w := results[0][i]; math.Abs(float64(v-w)) > 2e-5*max(1, math.Abs(float64(w))) {
				t.Fatalf("%s: value %d of the arena is %v, want %v", name, i, v, w)
			}
			if v != results[2][i] || v != results[3][i] {
				t.Fatalf("%s: value %d is %v, %v with 2 workers, %v with 5", name, i, v, results[2][i], results[3][i])
			}
		}
		return
	}
	t.Fatalf("%s: no unit of the product", name)
}
