package search

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
)

// convex is a problem with a single optimum that Newton's steps lead to; see
// [problem.LogLoss].
type convex interface {
	Newton(point []float64) []float64
}

// newton climbs by Newton's steps from equal coefficients or Options.From, until no
// step improves. If a whole step is too long, it takes the best point of its line.
func (s *searcher) newton(ctx context.Context, p convex) Result {
	r := s.start(s.starts()[0])
	for ctx.Err() == nil {
		point := p.Newton(r.point)
		if score := s.score(point); score >= r.score+r.least {
			r.take(point, score)
			continue
		}
		if !r.along(ctx, ends{problem.Scaled(r.point, len(point)), point}) {
			break
		}
	}
	return r.result()
}
