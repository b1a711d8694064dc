package predict

import (
	"context"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// predictor predicts the test images with one fold at a time.
type predictor struct {
	archs   []arch.Arch // by model
	formats []vision.Format
	threads int
	size    int // of a batch, in network inputs
	load    loader
	images  *imageLog
	out     []float32 // predictions of the last fold: images × values
}

func newPredictor(s *setup, images *imageLog, values int) *predictor {
	return &predictor{
		archs: s.archs, formats: s.options.Formats, threads: s.options.Threads, size: s.options.Batch, load: s.options.load,
		images: images, out: make([]float32, len(images.images)*values),
	}
}

// network makes the network of a job. release takes data back. network returns
// pace.ErrLate when the budget is used up.
func (p *predictor) network(ctx context.Context, c *pace.Clock, j *pace.Job, data []byte, release func([]byte)) (network, time.Duration, error) {
	start := time.Now()
	net, err := pace.Within(ctx, c, func() (network, error) {
		defer release(data)
		return p.load(p.archs[j.ModelIndex], j.Model, data, p.threads)
	})
	return net, time.Since(start), err
}

// pass returns a pass of a job over all images, with a number of views at first.
func (p *predictor) pass(net network, j *pace.Job, views int) *pass {
	b := &batcher{
		images: p.images.images, decoders: newImageDecoders(p.threads, j.Model, p.archs[j.ModelIndex], p.formats, p.images.size),
		input: j.Model.Input(), size: p.size, observer: p.images,
	}
	b.views.Store(int32(views))
	return newPass(b, net, j.Model, j.Fold, p.out)
}

// predictions returns the predictions of the first images of a job.
func (p *predictor) predictions(j *pace.Job) []float32 { return p.out[:j.Done*j.Model.Values()] }
