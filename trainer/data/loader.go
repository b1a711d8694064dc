package data

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/augment"
)

// Options configures a Loader.
type Options struct {
	Batch int // images of a batch
	// MaxBatches limits the batches of an epoch; 0 means no limit.
	MaxBatches int
	// Pre makes the network's input of an image. With Augment, whose images have the
	// input size already, it only normalizes.
	Pre vision.Preprocess
	// Augment changes images. With it, epochs are shuffled and consist of full batches.
	// Without, the rows come in their order, as at test time, and the last batch may be
	// smaller.
	Augment *augment.Augmenter
	// MixupBeta is the parameter of [augment.Mixup]; 0 mixes nothing.
	MixupBeta float64
	Seed      uint64 // of this training; each fold has another
	Workers   int    // goroutines that decode; 0 means one for each core
}

// Loader makes batches of rows of a set. It is safe for concurrent use.
type Loader struct {
	set     *Set
	rows    []int
	options Options
}

// NewLoader returns a loader of rows, which must not be empty.
func NewLoader(s *Set, rows []int, o Options) *Loader {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Augment != nil {
		o.Pre.Scaling = vision.Scaling{}
	}
	return &Loader{set: s, rows: rows, options: o}
}

// Batches returns the number of batches of an epoch.
func (l *Loader) Batches() int {
	n := (len(l.rows) + l.options.Batch - 1) / l.options.Batch
	if l.options.Augment != nil { // rows left over come in another epoch
		n = max(1, len(l.rows)/l.options.Batch)
	}
	if l.options.MaxBatches > 0 {
		n = min(n, l.options.MaxBatches)
	}
	return n
}

// Rows returns the rows of the loader, in the order of NewLoader.
func (l *Loader) Rows() []int { return l.rows }

// Batch holds images with their labels.
type Batch struct {
	N      int
	Rows   []int     // of the set
	Images []float32 // (N, size, size, 3), normalized
	Labels []float32 // (N, logits): see [Set.Target], or a mixture

	left atomic.Int32 // images that are not decoded yet
	done chan struct{}
	err  error
	once sync.Once // guards err
}

// ahead is the number of batches that are made in advance.
const ahead = 3

// Stream returns the batches of an epoch in order.
type Stream struct {
	Waited time.Duration // spent in Next so far

	cancel  context.CancelFunc
	ctx     context.Context
	queue   chan *Batch
	free    chan *Batch
	last    *Batch
	workers sync.WaitGroup
}

// Start begins to make the batches of an epoch, from batch from on. The caller must close
// the stream.
func (l *Loader) Start(ctx context.Context, epoch, from int) *Stream {
	ctx, cancel := context.WithCancel(ctx)
	s := &Stream{ctx: ctx, cancel: cancel, queue: make(chan *Batch, ahead), free: make(chan *Batch, ahead+1)}
	for range cap(s.free) {
		s.free <- &Batch{}
	}
	jobs := make(chan job)
	s.workers.Go(func() {
		defer close(s.queue)
		defer close(jobs)
		l.feed(s, jobs, epoch, from)
	})
	for range l.options.Workers {
		s.workers.Go(func() {
			var scratch vision.Scratch
			for j := range jobs {
				l.do(ctx, j, &scratch)
			}
		})
	}
	return s
}

// job is one image of a batch.
type job struct {
	batch *Batch
	epoch int
	index int // of the batch
	slot  int
}

// feed sends the jobs of all batches to the workers.
func (l *Loader) feed(s *Stream, jobs chan<- job, epoch, from int) {
	order := l.order(epoch)
	for i := from; i < l.Batches(); i++ {
		var b *Batch
		select {
		case b = <-s.free:
		case <-s.ctx.Done():
			return
		}
		l.reset(b, order, i)
		select {
		case s.queue <- b:
		case <-s.ctx.Done():
			return
		}
		for slot := range b.N {
			select {
			case jobs <- job{b, epoch, i, slot}:
			case <-s.ctx.Done():
				return
			}
		}
	}
}

// order returns the order of the rows in an epoch, as indices of l.rows.
func (l *Loader) order(epoch int) []int {
	order := make([]int, len(l.rows))
	for i := range order {
		order[i] = i
	}
	if l.options.Augment != nil {
		order = l.rng("order", epoch, 0).Perm(len(l.rows))
	}
	return order
}

// rng returns the random generator of a purpose at a place of an epoch.
func (l *Loader) rng(purpose string, epoch, place int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], l.options.Seed)
	binary.LittleEndian.PutUint64(b[8:], uint64(epoch))
	h.Write(b[:])
	return rand.New(rand.NewPCG(h.Sum64(), uint64(place)))
}

// reset prepares b for batch i of an epoch. If the loader has fewer rows than a batch,
// rows repeat.
func (l *Loader) reset(b *Batch, order []int, i int) {
	b.N = l.options.Batch
	if l.options.Augment == nil {
		b.N = min(b.N, len(order)-i*l.options.Batch)
	}
	b.Rows = b.Rows[:0]
	for k := range b.N {
		b.Rows = append(b.Rows, l.rows[order[(i*l.options.Batch+k)%len(order)]])
	}
	size := 3 * l.options.Pre.Size * l.options.Pre.Size
	logits := l.set.Logits()
	if b.Images == nil {
		b.Images = make([]float32, l.options.Batch*size)
		b.Labels = make([]float32, l.options.Batch*logits)
	}
	b.Images, b.Labels = b.Images[:b.N*size], b.Labels[:b.N*logits]
	b.left.Store(int32(b.N))
	b.done = make(chan struct{})
	b.err, b.once = nil, sync.Once{}
}

// do makes one image. The last image of a batch completes the batch. s belongs to the
// calling goroutine.
func (l *Loader) do(ctx context.Context, j job, s *vision.Scratch) {
	b := j.batch
	if err := l.image(ctx, j, s); err != nil {
		b.once.Do(func() { b.err = err })
	}
	if b.left.Add(-1) > 0 {
		return
	}
	if l.options.MixupBeta > 0 && b.err == nil {
		augment.Mixup(b.Images, b.Labels, b.N, l.options.MixupBeta, l.rng("mixup", j.epoch, j.index))
	}
	close(b.done)
}

// image decodes and augments an image into its place in the batch.
func (l *Loader) image(ctx context.Context, j job, s *vision.Scratch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	row := j.batch.Rows[j.slot]
	logits := l.set.Logits()
	l.set.Target(row, j.batch.Labels[j.slot*logits:][:logits])
	m, err := l.set.Decoder.DecodeFile(l.set.Paths[row])
	if m == nil {
		return fmt.Errorf("loading an image: %w", err)
	}
	if l.options.Augment != nil {
		m = l.options.Augment.Apply(m, l.rng("augment", j.epoch, j.index*l.options.Batch+j.slot))
	}
	size := 3 * l.options.Pre.Size * l.options.Pre.Size
	l.options.Pre.View(m, 0, j.batch.Images[j.slot*size:][:size], s)
	return nil
}

// Next waits for the next batch, which is valid until the next call. It returns nil at the
// end of the epoch, and the context's error when the context ends.
func (s *Stream) Next() (*Batch, error) {
	if s.last != nil {
		s.free <- s.last
		s.last = nil
	}
	start := time.Now()
	defer func() { s.Waited += time.Since(start) }()
	b, ok := <-s.queue
	if !ok {
		return nil, s.ctx.Err()
	}
	select {
	case <-b.done:
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
	if b.err != nil {
		return nil, b.err
	}
	s.last = b
	return b, nil
}

// Close stops the workers and waits for them. It may be called at any time.
func (s *Stream) Close() {
	s.cancel()
	s.workers.Wait()
}
