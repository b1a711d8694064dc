package graph

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Model is a network in training. It is not safe for concurrent use.
type Model struct {
	network *nn.Graph
	options Options
	crew    *crew
	dict    *weights.StateDict // names, order, and tensors that are not the network's
	order   []*param
	params  map[string]*param
	stats   map[string][]float32
	seed    uint64
	steps   uint64 // selects the random numbers of dropout
	counted int64  // steps since the dict's counters

	arena   []float32
	images  []float32
	labels  []float32
	logits  []float32
	train   map[int]*tape // by number of images
	predict *tape
}

// param is a parameter and its gradient.
type param struct {
	optim.Param
	frozen bool
	dgrad  *tensor.Dense
}

// on returns the parameter's value on a tape.
func (p *param) on(t *tape) *value {
	v := t.params[p]
	if v == nil {
		v = t.input(p.Name, p.Value, p.Shape...)
		t.params[p] = v
	}
	return v
}

// grad returns the parameter's gradient as the output of an operation, which adds to it.
func (p *param) grad(*tape) *value { return &value{dims: p.Shape, dense: p.dgrad} }

// New returns a model of the network g with a copy of the weights in dict. It refuses a
// dict that lacks a tensor of the network, or has one of another shape.
func New(g *nn.Graph, dict *weights.StateDict, o Options) (*Model, error) {
	if o.Loss == nil {
		return nil, errors.New("training needs a loss")
	}
	if o.Batch == 0 {
		o.Batch = 8
	}
	if o.BNMomentum == 0 {
		o.BNMomentum = 0.1
	}
	set, err := simd.Select(os.Getenv(simd.Variable))
	if err != nil {
		return nil, err
	}
	m := &Model{
		network: g, options: o, crew: newCrew(set, o.Threads), seed: mix(o.Seed),
		params: map[string]*param{}, stats: map[string][]float32{},
	}
	for _, p := range g.Params() {
		v := make([]float32, elements(p.Shape))
		if !p.Role.Trainable() {
			m.stats[p.Name] = v
			continue
		}
		q := &param{Param: optim.Param{Name: p.Name, Shape: p.Shape, Value: v, Grad: make([]float32, len(v))}}
		q.dgrad = tensor.New(tensor.WithShape(p.Shape...), tensor.WithBacking(q.Grad))
		m.params[p.Name] = q
		m.order = append(m.order, q)
	}
	if err := m.Load(dict); err != nil {
		return nil, err
	}
	size := g.Input.Shape.Len()
	m.images = make([]float32, o.Batch*size+simd.Slack)
	m.labels = make([]float32, o.Batch*g.Classes())
	m.logits = make([]float32, o.Batch*g.Classes())
	return m, m.SetFrozen(o.Freeze)
}

// elements returns the number of values of a shape.
func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// SetFrozen selects the parameters that are not trained, as Options.Freeze, and clears the
// gradients.
func (m *Model) SetFrozen(freeze func(param string) bool) error {
	for _, p := range m.order {
		p.frozen = freeze != nil && freeze(p.Name)
	}
	m.zero()
	m.train, m.predict = map[int]*tape{}, nil
	_, err := m.tape(m.options.Batch)
	return err
}

// zero clears the gradients.
func (m *Model) zero() {
	for _, p := range m.order {
		clear(p.Grad)
	}
}

// tape returns the training tape for n images.
func (m *Model) tape(n int) (*tape, error) {
	if t := m.train[n]; t != nil {
		return t, nil
	}
	t, err := m.build(n, true)
	if err == nil {
		m.train[n] = t
	}
	return t, err
}

// build returns a tape for n images, bound to the arena. It enlarges the arena if needed.
func (m *Model) build(n int, train bool) (*tape, error) {
	for salt := uint32(0); ; salt += 1 << 20 {
		t, err := m.draw(n, train, salt)
		if errors.Is(err, errHash) && salt < 1<<24 {
			continue
		}
		if err != nil {
			return nil, err
		}
		if t.floats > len(m.arena) {
			m.arena = make([]float32, t.floats)
			for _, other := range m.train {
				other.bind(m.arena)
			}
			if m.predict != nil {
				m.predict.bind(m.arena)
			}
		}
		t.bind(m.arena)
		return t, nil
	}
}

// draw adds all operations of a tape. Another salt gives the operations other hashes.
func (m *Model) draw(n int, train bool, salt uint32) (*tape, error) {
	in := m.network.Input.Shape
	t := &tape{
		crew: m.crew, model: m, batch: n, train: train, salt: salt,
		graph: gorgonia.NewGraph(), params: map[*param]*value{},
	}
	t.images = t.input("images", m.images[:n*in.Len()], n, in.H, in.W, in.C)
	t.images.images, t.images.shape, t.images.raw = n, in, true
	t.findNeeds(m.network)
	layers := t.lower(m.network)
	t.current = m.network.Output
	if train {
		t.labels = t.input("labels", m.labels[:n*m.network.Classes()], n, m.network.Classes())
		t.back = true
		t.differentiate(m.network, layers, t.lossGradient())
	} else {
		t.readLogits()
	}
	return t, t.close()
}

// lossGradient adds the loss as an operation, which returns the gradient of the logits.
func (t *tape) lossGradient() *value {
	classes, px := t.model.network.Classes(), t.logits.image()
	grad := make([]float32, t.batch*classes)
	return t.apply("loss of", t.like(t.model.network.Output.Shape), []*value{t.logits, t.labels}, func(out []float32, in [][]float32) {
		logits := t.model.logits[:t.batch*classes]
		for i := range t.batch {
			copy(logits[i*classes:][:classes], in[0][i*px:])
		}
		t.loss = t.model.options.Loss(grad, logits, in[1], t.batch, classes)
		clear(out)
		for i := range t.batch {
			copy(out[i*px:], grad[i*classes:][:classes])
		}
	})
}

// readLogits adds the operation that copies the logits for the caller.
func (t *tape) readLogits() {
	classes, px := t.model.network.Classes(), t.logits.image()
	t.apply("logits of", t.like(t.model.network.Output.Shape), []*value{t.logits}, func(out []float32, in [][]float32) {
		copy(out, in[0])
		for i := range t.batch {
			copy(t.model.logits[i*classes:][:classes], in[0][i*px:])
		}
	})
}

// runAll runs the tape. With watch, every output is checked for NaN and infinity.
func (t *tape) runAll(ctx context.Context, watch bool) error {
	t.ctx, t.watch = ctx, watch
	t.machine.Reset()
	if err := t.machine.RunAll(); err != nil {
		return cmp.Or(t.failure, err)
	}
	return nil
}

// Step computes the loss of at most Options.Batch images, and adds its gradient to the
// gradients since the last Update. The logits, (n, classes), are valid until the next
// call. Step updates the running statistics of batch norms.
//
// If a value is not finite, Step returns a [*NaNError]. On this and any other error, such
// as the end of the context, weights and statistics keep their values and the gradients
// are zero.
func (m *Model) Step(ctx context.Context, images, labels []float32) (loss float64, logits []float32, err error) {
	size, classes := m.network.Input.Shape.Len(), m.network.Classes()
	n := len(images) / size
	if n < 1 || n > m.options.Batch || len(images) != n*size || len(labels) != n*classes {
		return 0, nil, fmt.Errorf("training on %d values of images and %d labels: an image has %d values and %d labels, a batch at most %d images", len(images), len(labels), size, classes, m.options.Batch)
	}
	t, err := m.tape(n)
	if err != nil {
		return 0, nil, err
	}
	copy(m.images, images)
	copy(m.labels, labels)
	if err := t.runAll(ctx, false); err != nil {
		m.zero()
		return 0, nil, err
	}
	if !m.finite(t) {
		err := t.runAll(ctx, true) // finds the layer
		m.zero()
		if err == nil {
			err = &NaNError{Layer: "the loss"} // every output is finite
		}
		return 0, nil, err
	}
	for _, l := range t.norms {
		l.commit(m.options.BNMomentum)
	}
	m.steps++
	m.counted++
	return t.loss, m.logits[:n*classes], nil
}

// finite reports whether a step's loss, statistics and gradients are finite.
func (m *Model) finite(t *tape) bool {
	if math.IsNaN(t.loss) || math.IsInf(t.loss, 0) {
		return false
	}
	for _, l := range t.norms {
		if !l.finite() {
			return false
		}
	}
	bad := make([]bool, len(m.order))
	m.crew.run(len(m.order), func(_ *worker, i int) {
		bad[i] = !m.crew.training.Finite(m.order[i].Grad)
	})
	return !slices.Contains(bad, true)
}

// Update makes a step of opt with the gradients times scale, and clears the gradients. To
// train on the mean of several steps, scale is 1 over their number.
func (m *Model) Update(opt optim.Optimizer, lr, scale float64) error {
	err := opt.Step(slices.Collect(m.Gradients()), lr, scale)
	m.zero()
	return err
}

// Predict returns the logits, (n, classes), of n images in evaluation mode, in a new
// slice. When the context ends, it returns its error.
func (m *Model) Predict(ctx context.Context, images []float32, n int) (logits []float32, err error) {
	size, classes := m.network.Input.Shape.Len(), m.network.Classes()
	if len(images) != n*size {
		return nil, fmt.Errorf("predicting %d images from %d values: an image has %d", n, len(images), size)
	}
	if m.predict == nil {
		if m.predict, err = m.build(m.options.Batch, false); err != nil {
			return nil, err
		}
	}
	for i := 0; i < n; i += m.options.Batch {
		k := min(m.options.Batch, n-i)
		clear(m.images[copy(m.images, images[i*size:(i+k)*size]):])
		if err := m.predict.runAll(ctx, false); err != nil {
			return nil, err
		}
		logits = append(logits, m.logits[:k*classes]...)
	}
	return logits, nil
}

// StateDict returns a copy of the weights and running statistics, with the names, order and
// metadata of the loaded dict. Counters num_batches_tracked count the steps.
func (m *Model) StateDict() *weights.StateDict {
	d := &weights.StateDict{Metadata: m.dict.Metadata}
	for _, t := range m.dict.Tensors {
		if v := m.values(t.Name); v != nil {
			t = weights.NewFloat32(t.Name, slices.Clone(t.Shape), v)
		} else {
			t.Data = slices.Clone(t.Data)
			if isCounter(t) {
				binary.LittleEndian.PutUint64(t.Data, binary.LittleEndian.Uint64(t.Data)+uint64(m.counted))
			}
		}
		d.Tensors = append(d.Tensors, t)
	}
	return d
}

// isCounter reports whether t counts the batches of a batch norm.
func isCounter(t weights.Tensor) bool {
	const name = "num_batches_tracked"
	return t.DType == weights.I64 && len(t.Data) == 8 && len(t.Name) >= len(name) && t.Name[len(t.Name)-len(name):] == name
}

// values returns the values of a parameter or statistic, or nil if the network has none of
// that name.
func (m *Model) values(name string) []float32 {
	if p := m.params[name]; p != nil {
		return p.Value
	}
	return m.stats[name]
}

// Load copies the values of another state dict of the same network into the model. On an
// error it changes nothing.
func (m *Model) Load(dict *weights.StateDict) error {
	all := map[string][]float32{}
	for _, p := range m.network.Params() {
		v, shape, err := dict.Float32(p.Name)
		if err != nil {
			return fmt.Errorf("loading weights: %w", err)
		}
		if !slices.Equal(shape, p.Shape) {
			return fmt.Errorf("loading weights: tensor %s has shape %v, the network needs %v", p.Name, shape, p.Shape)
		}
		all[p.Name] = v
	}
	for name, v := range all {
		copy(m.values(name), v)
	}
	m.dict = &weights.StateDict{Metadata: dict.Metadata}
	for _, t := range dict.Tensors {
		if all[t.Name] != nil {
			t.Data = nil
		} else {
			t.Data = slices.Clone(t.Data)
		}
		m.dict.Tensors = append(m.dict.Tensors, t)
	}
	m.counted = 0
	return nil
}

// Gradients lists the trained parameters in the network's order. Their values and
// gradients are the model's own memory; they may be changed between two calls.
func (m *Model) Gradients() iter.Seq[optim.Param] {
	return func(yield func(optim.Param) bool) {
		for _, p := range m.order {
			if !p.frozen && !yield(p.Param) {
				return
			}
		}
	}
}

// RNG returns the state of dropout's random numbers. A training resumes bit for bit from
// it, the weights and the state of the optimizer.
func (m *Model) RNG() uint64 { return m.steps }

// SetRNG restores a state that RNG returned.
func (m *Model) SetRNG(state uint64) { m.steps = state }
