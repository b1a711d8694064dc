package tensor_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx/onnxtest"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

func Example() {
	x := tensor.Floats(onnx.Float32, []int{2, 3}, []float64{1, 2, 3, 4, 5, 6})
	y := x.Permute([]int{1, 0})
	fmt.Println(y, y.Float32s())
	// Output: float32 [3 2] [1 4 2 5 3 6]
}

func TestElementsHaveTheRangeOfTheirType(t *testing.T) {
	for _, c := range []struct {
		to         onnx.ElemType
		from, want float64
	}{
		{onnx.Float32, 1.0 / 3, float64(float32(1.0 / 3))},
		{onnx.Float16, 1.0 / 3, 0.333251953125},
		{onnx.BFloat16, 1.0 / 3, 0.333984375},
		{onnx.Float64, 1.0 / 3, 1.0 / 3},
		{onnx.Int8, 200, -56},
		{onnx.Uint8, 300, 44},
		{onnx.Int32, -2.9, -2},
		{onnx.Int64, math.NaN(), 0},
		{onnx.Int64, math.Inf(1), math.MaxInt64},
		{onnx.Bool, 0.5, 1},
		{onnx.Bool, 0, 0},
	} {
		for _, x := range []*tensor.Tensor{
			tensor.Floats(c.to, nil, []float64{c.from}),
			tensor.Floats(onnx.Float64, nil, []float64{c.from}).Cast(c.to),
		} {
			if got := x.Float64s()[0]; x.Type != c.to || got != c.want {
				t.Errorf("%v as %v is %v, want %v", c.from, c.to, got, c.want)
			}
		}
	}
	if got := tensor.Ints(onnx.Uint8, nil, []int64{-1}).Int64s()[0]; got != 255 {
		t.Errorf("-1 as uint8 is %d", got)
	}
}

func TestTypesOfFilesAreRead(t *testing.T) {
	for elem, data := range map[onnx.ElemType][]byte{
		onnx.Float32: {0, 0, 0xc0, 0xbf}, onnx.Float64: {0, 0, 0, 0, 0, 0, 0xf8, 0xbf},
		onnx.Float16: {0, 0xbe}, onnx.BFloat16: {0xc0, 0xbf},
		onnx.Int8: {0xfe}, onnx.Int16: {0xfe, 0xff}, onnx.Int32: {0xfe, 0xff, 0xff, 0xff},
		onnx.Uint8: {7}, onnx.Uint16: {7, 0}, onnx.Uint32: {7, 0, 0, 0}, onnx.Uint64: {7, 0, 0, 0, 0, 0, 0, 0}, onnx.Bool: {7},
	} {
		m, err := onnx.Parse(onnxtest.Model(17, onnxtest.Tensor(5, "w", int(elem), []int{1}, onnxtest.Message(9, data))))
		if err != nil {
			t.Fatal(err)
		}
		x, err := tensor.FromFile(m.Graph.Initializers[0])
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]float64{true: -1.5, false: -2}[tensor.IsFloat(elem)]
		switch elem {
		case onnx.Bool:
			want = 1
		case onnx.Uint8, onnx.Uint16, onnx.Uint32, onnx.Uint64:
			want = 7
		}
		if got := x.Float64s()[0]; got != want {
			t.Errorf("%v: got %v, want %v", elem, got, want)
		}
	}
}

// sequence returns a tensor whose elements are their places.
func sequence(shape ...int) *tensor.Tensor {
	v := make([]int64, tensor.Len(shape))
	for i := range v {
		v[i] = int64(i)
	}
	return tensor.Ints(onnx.Int64, shape, v)
}

func TestMoves(t *testing.T) {
	x := sequence(2, 3)
	minus := tensor.Ints(onnx.Int64, nil, []int64{-1})
	for name, c := range map[string]struct {
		got   *tensor.Tensor
		shape []int
		want  []int64
	}{
		"pick":      {x.Pick([][]int{{1, 0}, {2, tensor.Outside}}, minus), []int{2, 2}, []int64{5, -1, 2, -1}},
		"take":      {x.Take([]int{3}, []int{5, tensor.Outside, 0}, nil), []int{3}, []int64{5, 0, 0}},
		"broadcast": {sequence(2, 1).Broadcast([]int{2, 2, 2}), []int{2, 2, 2}, []int64{0, 0, 1, 1, 0, 0, 1, 1}},
		"concat":    {tensor.Concat([]*tensor.Tensor{x, sequence(2, 1)}, 1), []int{2, 4}, []int64{0, 1, 2, 0, 3, 4, 5, 1}},
		"empty":     {sequence(0, 3).Broadcast([]int{2, 0, 3}), []int{2, 0, 3}, nil},
	} {
		if !slices.Equal(c.got.Shape, c.shape) || !slices.Equal(c.got.Int64s(), c.want) {
			t.Errorf("%s: got %v %v, want %v %v", name, c.got, c.got.Int64s(), c.shape, c.want)
		}
	}
}

func TestPermutationsCompose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 4).Draw(t, "shape")
		axes := make([]int, len(shape))
		for i := range axes {
			axes[i] = i
		}
		p := rapid.Permutation(axes).Draw(t, "first")
		inverse := make([]int, len(p))
		for i, a := range p {
			inverse[a] = i
		}
		x := sequence(shape...)
		if got := x.Permute(p).Permute(inverse); !slices.Equal(got.Int64s(), x.Int64s()) || !slices.Equal(got.Shape, x.Shape) {
			t.Errorf("%v of %v and back gives %v", p, x, got.Int64s())
		}
	})
}

func TestBroadcastShapesFollowNumPy(t *testing.T) {
	for _, c := range []struct {
		shapes [][]int
		want   []int
		ok     bool
	}{
		{[][]int{{2, 1}, {3}}, []int{2, 3}, true},
		{[][]int{{}, {4}}, []int{4}, true},
		{[][]int{{0}, {1}}, []int{0}, true},
		{[][]int{{2}, {3}}, nil, false},
		{[][]int{{1, 2}, {5, 1, 1}, {2}}, []int{5, 1, 2}, true},
	} {
		if got, ok := tensor.BroadcastShape(c.shapes...); ok != c.ok || ok && !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, %v", c.shapes, got, ok)
		}
	}
}
