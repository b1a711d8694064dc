package fold

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// singles reports whether every row has exactly one label.
func singles(labels [][]int) bool {
	return !slices.ContainsFunc(labels, func(list []int) bool { return len(list) != 1 })
}

// placeGroups places groups of rows with one label each, as scikit-learn's
// StratifiedGroupKFold: groups with the most uneven labels first, each into the fold with
// which the shares of its labels are spread most evenly over the folds. Ties go to the
// fold with the fewest rows.
func (d *division) placeGroups() {
	total := maps.Clone(d.left)
	order := d.rng.Perm(len(d.units))
	uneven := make([]float64, len(d.units))
	for u := range d.units {
		uneven[u] = d.unevenness(d.units[u])
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(uneven[b], uneven[a]) })
	for _, u := range order {
		unit := d.units[u]
		best, least := 0, math.Inf(1)
		for f := range d.room {
			spread := 0.0
			for _, label := range slices.Sorted(maps.Keys(unit.labels)) {
				share := float64(unit.labels[label]) / float64(total[label])
				spread += d.spread(label, f, share, total[label]) - d.spread(label, f, 0, total[label])
			}
			// Rounding errors, about 1e-16, must not decide.
			if spread < least-1e-12 || spread < least+1e-12 && d.room[f] > d.room[best] {
				best, least = f, spread
			}
		}
		d.place(u, best)
	}
}

// unevenness returns the variance of a unit's label counts, times the number of labels.
func (d *division) unevenness(u unit) float64 {
	mean, squares := float64(len(u.rows))/float64(len(d.order)), 0.0
	for _, n := range u.labels {
		squares += float64(n * n)
	}
	return squares - mean*float64(len(u.rows))
}

// spread returns the standard deviation over the folds of the share of a label that each
// has, if fold f had share more.
func (d *division) spread(label, f int, share float64, total int) float64 {
	n := float64(len(d.wanted))
	mean, squares := 0.0, 0.0
	for g, wanted := range d.wanted {
		has := 1/n - wanted[label]/float64(total)
		if g == f {
			has += share
		}
		mean += has / n
		squares += has * has / n
	}
	return math.Sqrt(max(0, squares-mean*mean))
}
