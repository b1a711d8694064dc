package schedule

// leastDrop is the eps of PyTorch's ReduceLROnPlateau: smaller changes of the rate are
// ignored.
const leastDrop = 1e-8

// EpochEnd updates the schedule with the validation score of an epoch, of which a higher
// one is better, or a lower one if the config's metric says so. It reports whether the
// rate dropped. The training should then continue from the best weights.
func (s *Schedule) EpochEnd(score float64) (dropped bool) {
	if s.config.Scheduler.Name != "reduce_lr_on_plateau" {
		return false
	}
	p := s.config.Scheduler.Params
	better := score > s.state.Best*(1+p.Threshold)
	if s.config.Score().Lower() {
		better = score < s.state.Best*(1-p.Threshold)
	}
	if s.state.Seen == 0 || better {
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
