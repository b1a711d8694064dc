package metric

import (
	"math"
	"slices"
)

// BestThreshold returns the threshold, common to all entries, with the best mean
// F-beta of the rows, and that score. It tries all thresholds in descending order.
// Each score that the threshold passes changes the F-beta of one row, so sorting
// dominates: O(N log N) for N scores.
//
// The threshold lies halfway between two neighboring scores; ties go to the highest.
// If giving nothing is best, it is the highest score. It is 0 if there are no scores.
//
// By hand: the rows of [Rows.FBeta], beta 2. Below 0.9: (5*1/(4+1) + 0)/2 = 1/2.
// Below 0.6: (5/6 + 0)/2. Below 0.5: (5/6 + 1)/2 = 11/12. Below 0.4: (5/6 + 5/6)/2;
// and lower still. The best is between 0.5 and 0.4: 0.45.
func (y Rows) BestThreshold(beta float64) (threshold float32, score float64) {
	counts := make([]Counts, len(y.Labels))
	for i, labels := range y.Labels {
		counts[i].True = len(labels)
	}
	sum := 0.0
	threshold = y.descend(func(row, _ int, isTrue bool) float64 {
		c := &counts[row]
		sum -= c.FBeta(beta)
		c.give(isTrue)
		sum += c.FBeta(beta)
		return sum
	})
	return threshold, y.FBeta(threshold, beta)
}

// give adds a label that is given.
func (c *Counts) give(isTrue bool) {
	c.Given++
	if isTrue {
		c.Hits++
	}
}

// threshold returns the threshold, common to all entries, with the best score of a
// multilabel problem. It is found as in [Rows.BestThreshold].
func (m Metric) threshold(y Rows) (threshold float32) {
	beta := m.beta()
	all := Counts{}
	for _, labels := range y.Labels {
		all.True += len(labels)
	}
	switch m.Name {
	case FBeta:
		threshold, _ = y.BestThreshold(beta)
	case MicroFBeta:
		threshold = y.descend(func(_, _ int, isTrue bool) float64 {
			all.give(isTrue)
			return all.FBeta(beta)
		})
	case MacroFBeta:
		classes := y.classCounts(float32(math.Inf(1)))
		sum := 0.0
		threshold = y.descend(func(_, class int, isTrue bool) float64 {
			c := &classes[class]
			sum -= c.FBeta(beta)
			c.give(isTrue)
			sum += c.FBeta(beta)
			return sum
		})
	case MCC:
		threshold = y.descend(func(_, _ int, isTrue bool) float64 {
			all.give(isTrue)
			return all.MCC(len(y.Scores))
		})
	}
	return threshold
}

// descend gives the entries in descending order of score. give returns the score after
// one more entry. descend returns the threshold of the best score, which is 0 before
// the first entry.
func (y Rows) descend(give func(row, class int, isTrue bool) float64) (threshold float32) {
	order := y.descending()
	if len(order) == 0 {
		return 0
	}
	isTrue := make([]bool, len(y.Scores))
	for i, labels := range y.Labels {
		for _, l := range labels {
			isTrue[i*y.Classes+l] = true
		}
	}
	best := 0.0
	threshold = y.Scores[index(order[0])]
	for k, key := range order {
		at := index(key)
		score := give(at/y.Classes, at%y.Classes, isTrue[at])
		low := float32(math.Inf(-1))
		if k+1 < len(order) {
			low = y.Scores[index(order[k+1])]
		}
		// Rounding errors of the score, about 1e-16, must not decide: they would prefer
		// the lower of two equally good thresholds.
		if high := y.Scores[at]; low < high && score > best+1e-9 {
			best, threshold = score, between(low, high)
		}
	}
	return threshold
}

// descending returns the places of all scores except NaN, in descending order of
// score. A place is the low half of a key; see [index].
func (y Rows) descending() []uint64 {
	keys := make([]uint64, 0, len(y.Scores))
	for i, s := range y.Scores {
		if s == s {
			keys = append(keys, uint64(falling(s))<<32|uint64(i))
		}
	}
	slices.Sort(keys)
	return keys
}

func index(key uint64) int { return int(key & math.MaxUint32) }

// falling maps numbers to integers in reverse order.
func falling(s float32) uint32 {
	bits := math.Float32bits(s + 0) // -0 becomes 0
	if bits>>31 == 1 {
		return bits
	}
	return ^bits &^ (1 << 31)
}

// between returns a threshold below high and not below low.
func between(low, high float32) float32 {
	if math.IsInf(float64(low), -1) {
		return math.Nextafter32(high, low)
	}
	if t := low + (high-low)/2; t < high {
		return t
	}
	return low
}
