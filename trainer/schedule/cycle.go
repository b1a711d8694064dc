package schedule

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// cyclic returns the rate of cyclic_lr.
func (s *Schedule) cyclic(at Position) float64 {
	p, t := s.config.Scheduler.Params, s.config.Train
	step := at.Total
	if t.EnableWarmup {
		step -= t.Warmup.Steps
	}
	up := float64(p.StepSizeUp)
	cycle := math.Floor(float64(step) / (2 * up))
	x := math.Abs(float64(step)/up - 2*cycle - 1)
	rate := p.BaseLR + (p.MaxLR-p.BaseLR)*(1-x)*math.Pow(p.Gamma, cycle)
	if len(t.LRDecayMilestones) > 0 {
		rate *= math.Pow(t.LRDecayCoeff, passed(t.LRDecayMilestones, at.Epoch))
	}
	return rate
}

// minCosine is the smallest rate of the schedule cosine.
const minCosine = 1e-7

// cosine returns the rate of the schedule cosine. The first step after a period still
// belongs to that period, as in adamwr's CosineLRWithRestarts.
func cosine(c config.Cosine, at Position) float64 {
	start, period := 0, float64(c.Period)
	for {
		length := int(math.Ceil(period)) // restarts come between epochs
		if since := at.Epoch - start; since < length || since == length && at.Step == 0 {
			break
		}
		start += length
		period = period*c.PeriodMult + float64(c.PeriodInc)
		if c.MaxPeriod > 0 {
			period = min(period, float64(c.MaxPeriod))
		}
	}
	t := float64(at.Epoch-start) + float64(at.Step)/float64(at.PerEpoch)
	return max(c.StartLR/2*(1+math.Cos(math.Pi*min(1, t/period))), minCosine)
}
