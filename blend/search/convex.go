package search

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
)

// convex is a problem with one top, to which Newton's steps lead. See
// [problem.LogLoss].
type convex interface {
	Newton(point []float64) []float64
}

// newton climbs by Newton's steps from equal weights (or Options.From), each cut
// to the best of its line where all of it leads too far, until none gains.
func (s *searcher) newton(ctx context.Context, p convex) Result {
	r := s.start(s.starts()[0])
	for ctx.Err() == nil {
		point := p.Newton(r.point)
		if score := s.score(point); score >= r.score+least {
			r.take(point, score)
			continue
		}
		if !r.along(ctx, ends{problem.Scaled(r.point, len(point)), point}) {
			break
		}
	}
	return r.result()
}
