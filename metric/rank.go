package metric

import (
	"math"
	"slices"
)

// Ties is a group of rows with the same score of a class, and what is below it.
type Ties struct {
	True, False           float64 // rows of the group
	TrueBelow, FalseBelow float64 // rows with lower scores
}

// Share returns what a group of rows adds to the score of its class, which has truths
// true rows and falses others. A class's score is the sum over its groups.
//
// roc-auc is the area under the receiver operating characteristic, as scikit-learn's
// roc_auc_score: the share of pairs of a true and a false row in which the true one is
// higher; equal scores count 1/2 (Hanley and McNeil 1982). BirdCLEF averages it over
// the classes with true rows (https://www.kaggle.com/competitions/birdclef-2024).
//
// average-precision is scikit-learn's average_precision_score: the mean over the true
// rows of the share of true rows among those that are at least as high.
//
// partial-auc is the area between the ROC curve and the line at the true positive rate
// MinTPR: 0 to 1-MinTPR, as the metric of ISIC 2024 computes it with scikit-learn's
// roc_curve (https://www.kaggle.com/competitions/isic-2024-challenge). Seen from below,
// it is the share of false rows under the lowest true rows, which are a part 1-MinTPR
// of all. Within a group, the curve is a straight line.
//
// By hand: scores 0.9 0.8 0.8 0.1 of one class, true are 0.9 and one 0.8. Pairs: 0.9
// beats both others, 0.8 ties with one and beats the other: roc-auc (2 + 1.5)/4 = 7/8.
// Precisions 1/1 and 2/3: average-precision 5/6. With MinTPR 0.8 the lowest 0.4 true
// rows count, of the group of 0.8: a width of 0.2 at a height that goes from 1/2 to
// 1/2 + 0.4*1/2: partial-auc 0.2*0.6 = 0.12.
func (m Metric) Share(g Ties, truths, falses float64) float64 {
	if g.True == 0 {
		return 0
	}
	switch m.Name {
	case ROCAUC:
		return g.True * (g.FalseBelow + g.False/2) / (truths * falses)
	case AveragePrecision:
		above := truths - g.TrueBelow
		return g.True / truths * above / (above + falses - g.FalseBelow)
	case PartialAUC:
		part := min(max((truths*(1-m.minTPR())-g.TrueBelow)/g.True, 0), 1)
		return part * g.True * (g.FalseBelow + part*g.False/2) / (truths * falses)
	}
	panic("metric: internal error: " + m.Name + " is not a metric of ranks")
}

// Defined reports whether a metric of ranks is defined for a class with truths true
// rows and falses others. A class without true rows is skipped, and for the ROC curves
// also one without others.
func (m Metric) Defined(truths, falses float64) bool {
	return truths > 0 && (falses > 0 || m.Name == AveragePrecision)
}

// rank returns the mean score of the classes for which it is defined.
func (m Metric) rank(y Rows) float64 {
	has := make([][]int, y.Classes) // by class, the rows that have it
	for i, labels := range y.Labels {
		for _, c := range labels {
			has[c] = append(has[c], i)
		}
	}
	sum, n := 0.0, 0
	isTrue := make([]bool, y.Len())
	order := make([]uint64, y.Len())
	for c, rows := range has {
		truths, falses := float64(len(rows)), float64(y.Len()-len(rows))
		if !m.Defined(truths, falses) {
			continue
		}
		n++
		for _, i := range rows {
			isTrue[i] = true
		}
		sum += m.class(y, c, isTrue, order, truths, falses)
		for _, i := range rows {
			isTrue[i] = false
		}
	}
	return mean(sum, n)
}

// class returns the score of one class; order is scratch.
func (m Metric) class(y Rows, c int, isTrue []bool, order []uint64, truths, falses float64) float64 {
	for i := range order {
		key := uint32(math.MaxUint32) // of NaN
		if s := y.Scores[i*y.Classes+c]; s == s {
			key = falling(s)
		}
		order[i] = uint64(key)<<32 | uint64(i)
	}
	slices.Sort(order)
	sum := 0.0
	var g Ties
	for k := len(order) - 1; k >= 0; k-- {
		if isTrue[index(order[k])] {
			g.True++
		} else {
			g.False++
		}
		if k == 0 || order[k-1]>>32 < order[k]>>32 {
			sum += m.Share(g, truths, falses)
			g = Ties{TrueBelow: g.TrueBelow + g.True, FalseBelow: g.FalseBelow + g.False}
		}
	}
	return sum
}
