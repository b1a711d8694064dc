package loop

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/schedule"
)

// Run trains the remaining epochs.
func (t *Training) Run(ctx context.Context) (*End, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	for t.state.Epoch < t.Config.Train.NumEpochs {
		if err := t.epoch(ctx); err != nil {
			return nil, err
		}
	}
	return &End{State: &t.state, SWA: t.swa}, nil
}

// At returns the current epoch and the number of its batches that are done.
func (t *Training) At() (epoch, batch int) { return t.state.Epoch, t.state.Batch }

// begin restores the checkpoint, if there is one.
func (t *Training) begin() error {
	t.schedule = schedule.New(t.Config)
	t.saved = time.Now()
	if c := t.From; c != nil {
		if err := t.Model.Load(c.Model); err != nil {
			return fmt.Errorf("going on from a checkpoint: %w", err)
		}
		if err := t.Optimizer.Load(c.Optimizer); err != nil {
			return fmt.Errorf("going on from a checkpoint: %w", err)
		}
		t.Model.SetRNG(c.State.RNG)
		t.state, t.swa = c.State, c.SWA
		t.schedule.SetState(c.State.Schedule)
	}
	return t.freeze()
}

// freeze freezes all layers but the last one during a head-only warm-up.
func (t *Training) freeze() error {
	frozen := t.Config.Train.HeadOnlyWarmup && t.schedule.WarmingUp(t.state.Step)
	if frozen == t.frozen {
		return nil
	}
	t.frozen = frozen
	if !frozen {
		return t.Model.SetFrozen(nil)
	}
	return t.Model.SetFrozen(func(param string) bool { return !strings.HasPrefix(param, t.Head) })
}

// epoch trains the rest of an epoch, validates, and saves the results.
func (t *Training) epoch(ctx context.Context) error {
	if !t.state.Trained {
		if err := t.train(ctx); err != nil {
			return err
		}
	}
	r, err := t.validate(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return t.stop(ctx.Err())
		}
		return err
	}
	if math.IsNaN(r.ValidLoss) || math.IsInf(r.ValidLoss, 0) {
		return t.stop(fmt.Errorf("epoch %d: the loss of the held-out rows is not finite, though that of training is", t.state.Epoch))
	}
	return t.conclude(r)
}

// train takes the remaining steps of the epoch.
func (t *Training) train(ctx context.Context) error {
	// A step that has begun is finished even if ctx ends.
	whole := context.WithoutCancel(ctx)
	stream := t.Train.Start(whole, t.state.Epoch, t.state.Batch)
	defer stream.Close()
	start, before, waited := time.Now(), t.state.Took, t.state.Waited
	batches, accum := t.Train.Batches(), t.Config.Train.AccumBatchesNum
	for t.state.Batch < batches {
		group := min(accum, batches-t.state.Batch/accum*accum) // batches of this step
		at := schedule.Position{
			Epoch: t.state.Epoch, Step: t.state.Batch / accum, PerEpoch: (batches + accum - 1) / accum, Total: t.state.Step,
		}
		t.state.Rate = t.schedule.Rate(at)
		if err := t.step(whole, stream, group, t.state.Rate); err != nil {
			return err
		}
		t.state.Took, t.state.Waited = before+time.Since(start), waited+stream.Waited
		if err := t.freeze(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return t.stop(ctx.Err())
		}
		if t.Every > 0 && time.Since(t.saved) > t.Every && t.state.Batch < batches {
			if err := t.save(); err != nil {
				return err
			}
		}
	}
	t.state.Trained = true
	return nil
}

// step makes one step of the optimizer with the gradients of a group of batches.
func (t *Training) step(ctx context.Context, stream *data.Stream, group int, rate float64) error {
	sum := 0.0
	done := make([]Progress, 0, group)
	for i := range group {
		b, err := stream.Next()
		if err != nil {
			return err
		}
		loss, _, err := t.Model.Step(ctx, b.Images, b.Labels)
		if err != nil {
			err = fmt.Errorf("epoch %d, batch %d of %d: %w", t.state.Epoch, t.state.Batch+i+1, t.Train.Batches(), err)
			return t.stop(err)
		}
		sum += loss
		done = append(done, Progress{
			Epoch: t.state.Epoch, Batch: t.state.Batch + i, Batches: t.Train.Batches(),
			Step: t.state.Step, Images: b.N, Rate: rate, Loss: loss,
		})
	}
	if err := t.Model.Update(t.Optimizer, rate, 1/float64(group)); err != nil {
		return err
	}
	t.state.Batch += group
	t.state.Step++
	t.state.LossSum += sum
	if t.Hooks.Batch != nil {
		for _, p := range done {
			t.Hooks.Batch(p)
		}
	}
	return nil
}

// conclude saves the result of an epoch and moves on to the next one.
func (t *Training) conclude(r Result) error {
	dict := t.Model.StateDict()
	best, ok := t.state.Best()
	m := t.Config.Score()
	r.Best = !ok || m.Gain(r.Score) > m.Gain(best.Score)
	if r.Best {
		if err := t.Store.SaveBest(dict, r); err != nil {
			return err
		}
	}
	if err := t.Store.SaveLast(dict, r); err != nil {
		return err
	}
	if err := t.average(dict); err != nil {
		return err
	}
	if t.schedule.EpochEnd(r.Score) {
		if err := t.reload(); err != nil {
			return err
		}
	}
	t.state.History = append(t.state.History, r)
	t.state.Epoch++
	t.state.Batch, t.state.Trained, t.state.LossSum, t.state.Took, t.state.Waited = 0, false, 0, 0, 0
	if err := t.save(); err != nil {
		return err
	}
	if t.Hooks.Epoch != nil {
		t.Hooks.Epoch(r, &t.state)
	}
	return nil
}

// reload continues from the best weights after a drop of the rate.
func (t *Training) reload() error {
	dict, err := t.Store.Best()
	if err != nil {
		return fmt.Errorf("going back to the best weights: %w", err)
	}
	if err := t.Model.Load(dict); err != nil {
		return fmt.Errorf("going back to the best weights: %w", err)
	}
	t.note("the score has stopped improving: the rate drops to %.3g, and training goes on from the best weights", t.schedule.State().Rate)
	return nil
}

// stop saves a checkpoint and returns why.
func (t *Training) stop(why error) error {
	if err := t.save(); err != nil {
		return fmt.Errorf("%w; and then %w", why, err)
	}
	return why
}

// save saves a checkpoint.
func (t *Training) save() error {
	t.state.RNG, t.state.Schedule = t.Model.RNG(), t.schedule.State()
	t.saved = time.Now()
	return t.Store.SaveCheckpoint(&Checkpoint{
		State: t.state, Model: t.Model.StateDict(), Optimizer: t.Optimizer.State(), SWA: t.swa,
	})
}

func (t *Training) note(format string, args ...any) {
	if t.Hooks.Note != nil {
		t.Hooks.Note(fmt.Sprintf(format, args...))
	}
}
