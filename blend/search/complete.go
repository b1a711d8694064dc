package search

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
)

// bordered is a problem whose score changes only where one of some linear functions of
// the point changes its sign; see [problem.Sign].
type bordered interface {
	Borders() int
	Border(i int, point []float64) float64
}

const (
	// fewBorders is the number of borders up to which complete visits all cells. It
	// takes about twice as many lines.
	fewBorders = 2500
	// beside is the distance of a line from a border, relative to the side of the
	// domain.
	beside = 1e-7
)

// plane returns the corners, in order, of a two-dimensional domain: the coefficients
// of three models, or of two models with an offset. It returns nil for other domains.
func plane(p problem.Problem) [][]float64 {
	c := p.MaxOffset()
	switch {
	case p.Models() == 3 && c == 0:
		return [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	case p.Models() == 2 && c > 0:
		return [][]float64{{1, 0, -c}, {0, 1, -c}, {0, 1, c}, {1, 0, c}}
	}
	return nil
}

// complete visits every cell of a small two-dimensional problem. The borders cut the
// plane into cells of constant score. Every cell, unless it is the whole plane, has a
// border as a side. So one line on either side of each passes through every cell.
func (r *run) complete(ctx context.Context) {
	corners := plane(r.problem)
	borders, ok := r.problem.(bordered)
	if corners == nil || !ok || borders.Borders() > fewBorders {
		return
	}
	for i, c := range corners { // the border
		r.along(ctx, ends{c, corners[(i+1)%len(corners)]})
	}
	for e := range borders.Borders() {
		var above, below [][]float64
		for i, a := range corners {
			b := corners[(i+1)%len(corners)]
			va, vb := borders.Border(e, a), borders.Border(e, b)
			if (va > 0) == (vb > 0) {
				continue
			}
			at := va / (va - vb)
			before, after := problem.Between(a, b, max(at-beside, 0)), problem.Between(a, b, min(at+beside, 1))
			if va > 0 {
				above, below = append(above, before), append(below, after)
			} else {
				above, below = append(above, after), append(below, before)
			}
		}
		if len(above) == 2 {
			r.along(ctx, ends{above[0], above[1]})
			r.along(ctx, ends{below[0], below[1]})
		}
	}
}
