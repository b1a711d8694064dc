package golden

import (
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// Runner predicts one image of shape (H, W, C), and visits the outputs of the network's
// modules in NHWC. engine.Modules makes one from a network and weights.
type Runner func(image []float32, visit func(name string, shape nn.Shape, nhwc []float32)) error

// summary accumulates the figures of a [Module].
type summary struct {
	shape      nn.Shape
	images, n  int
	sum, sumSq float64
	head       []float64
}

// FirstDifference runs the reference's input through a network and describes the first
// module, in PyTorch's order, that differs: in shape, mean, standard deviation or first
// values. The limit is tolerance times the larger of mean and deviation, ten times that
// for first values. FirstDifference returns "" if no module differs.
func (r *Reference) FirstDifference(run Runner, tolerance float64) (string, error) {
	n, h, w := r.Input[0], r.Input[2], r.Input[3]
	images := NHWC(Images(n, h, w, Cell), n, 3, h, w)
	got := map[string]*summary{}
	for i := range n {
		err := run(images[i*h*w*3:][:h*w*3], func(name string, shape nn.Shape, nhwc []float32) {
			if got[name] == nil {
				got[name] = &summary{shape: shape}
			}
			got[name].add(nhwc)
		})
		if err != nil {
			return "", err
		}
	}
	for _, want := range r.Modules {
		s, ok := got[want.Name]
		if !ok {
			return fmt.Sprintf("module %s is missing", want.Name), nil
		}
		if what := s.differs(want, tolerance); what != "" {
			return fmt.Sprintf("module %s: %s", want.Name, what), nil
		}
	}
	return "", nil
}

func (s *summary) add(nhwc []float32) {
	if s.images == 0 {
		// PyTorch's first values belong to the first channel.
		for i := range min(4, len(nhwc)) {
			plane := s.shape.H * s.shape.W
			s.head = append(s.head, float64(nhwc[i%plane*s.shape.C+i/plane]))
		}
	}
	for _, v := range nhwc {
		s.sum += float64(v)
		s.sumSq += float64(v) * float64(v)
	}
	s.images++
	s.n += len(nhwc)
}

func (s *summary) differs(want Module, tolerance float64) string {
	shape := fmt.Sprint([]int{s.images, s.shape.C, s.shape.H, s.shape.W})
	if len(want.Shape) == 2 {
		shape = fmt.Sprint([]int{s.images, s.shape.C})
	}
	if shape != fmt.Sprint(want.Shape) {
		return fmt.Sprintf("shape %s, PyTorch's is %v", shape, want.Shape)
	}
	mean := s.sum / float64(s.n)
	std := math.Sqrt((s.sumSq - mean*s.sum) / float64(s.n-1)) // PyTorch's has Bessel's correction
	limit := tolerance * max(math.Abs(want.Mean), want.Std)
	far := func(a, b float64) bool { return !(math.Abs(a-b) <= limit) } // NaN is far
	if far(mean, want.Mean) || far(std, want.Std) {
		return fmt.Sprintf("mean %.7g and deviation %.7g, PyTorch's are %.7g and %.7g", mean, std, want.Mean, want.Std)
	}
	for i, v := range want.Head {
		// Single values differ by more than means do.
		if math.Abs(s.head[i]-v) > 10*limit {
			return fmt.Sprintf("first values %.7g, PyTorch's are %.7g", s.head, want.Head)
		}
	}
	return ""
}
