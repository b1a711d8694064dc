package schedule

// leastDrop is the smallest change of the rate that counts, as in PyTorch's
// ReduceLROnPlateau.
const leastDrop = 1e-8

// EpochEnd tells the schedule the validation score of an epoch, where more is
// better. It reports whether the rate dropped because of it: then training
// should go on from the best weights.
func (s *Schedule) EpochEnd(score float64) (dropped bool) {
	if s.config.Scheduler.Name != "reduce_lr_on_plateau" {
		return false
	}
	p := s.config.Scheduler.Params
	if s.state.Seen == 0 || score > s.state.Best*(1+p.Threshold) {
		s.state.Best, s.state.Bad = score, 0
	} else {
		s.state.Bad++
	}
	s.state.Seen++
	if s.state.Bad <= p.Patience {
		return false
	}
	s.state.Bad = 0
	next := max(s.state.Rate*p.Factor, p.MinLR)
	if s.state.Rate-next <= leastDrop {
		return false
	}
	s.state.Rate = next
	return true
}
