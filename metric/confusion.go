package metric

import (
	"math"
	"slices"
)

// Confusion counts the true class and the decided class of rows that have one of each.
// It keeps the sums from which scores follow, so a change costs little.
type Confusion struct {
	classes     []Counts // by class
	rows, right int
	// Sums over classes of true x given, true² and given².
	both, truths, givens int
	// Sums over rows of (true-given)², and of the true and given numbers and their
	// squares.
	apart         int
	truth, truth2 int
	given, given2 int
}

// NewConfusion returns the counts of no rows.
func NewConfusion(classes int) *Confusion { return &Confusion{classes: make([]Counts, classes)} }

// Add adds n rows with a true class and a decided one. A negative n removes rows.
func (c *Confusion) Add(truth, decided, n int) {
	t, d := &c.classes[truth], &c.classes[decided]
	c.rows += n
	c.both += n * t.Given
	c.truths += n * (2*t.True + n)
	t.True += n
	c.both += n * d.True
	c.givens += n * (2*d.Given + n)
	d.Given += n
	if truth == decided {
		t.Hits += n
		c.right += n
	}
	c.apart += n * (truth - decided) * (truth - decided)
	c.truth += n * truth
	c.truth2 += n * truth * truth
	c.given += n * decided
	c.given2 += n * decided * decided
}

// Confused returns the score of decisions that give each row one class or grade.
//
// By hand, three classes, true 0 0 1 2, decided 0 1 1 2:
//
//	accuracy         3/4; f-beta and micro-f-beta equal it, as a row has one label
//	macro-f-beta     beta 1: F1 2/3 of class 0, 2/3 of 1, 1 of 2: mean 7/9
//	mcc              (4*3 - 5)/sqrt((16-6)(16-6)) = 7/10
//	quadratic-kappa  1 - 4*1/(4*(5+6) - 2*3*4) = 1 - 4/20 = 4/5
func (m Metric) Confused(c *Confusion) float64 {
	if c.rows == 0 {
		return 0
	}
	switch m.Name {
	case Accuracy, FBeta, MicroFBeta:
		return float64(c.right) / float64(c.rows)
	case MacroFBeta:
		return c.macroFBeta(m.beta())
	case MCC:
		return correlation(c.rows, c.right, c.both, c.truths, c.givens)
	case QuadraticKappa:
		return c.kappa()
	}
	panic("metric: internal error: " + m.Name + " does not score decisions")
}

// macroFBeta returns the mean F-beta of the classes that are true or decided in some
// row, as scikit-learn's fbeta_score with average="macro".
func (c *Confusion) macroFBeta(beta float64) float64 {
	sum, n := 0.0, 0
	for _, k := range c.classes {
		if k.True+k.Given > 0 {
			sum += k.FBeta(beta)
			n++
		}
	}
	return mean(sum, n)
}

// kappa returns Cohen's kappa with quadratic weights, as scikit-learn's
// cohen_kappa_score with weights="quadratic" (Cohen 1968, "Weighted kappa"; the metric
// of https://www.kaggle.com/c/aptos2019-blindness-detection). For n rows with the true
// grade t and the decided grade d it is
//
//	1 - n sum (t-d)² / (n sum t² + n sum d² - 2 sum t sum d)
//
// The divisor is n times the sum of (t-d)² that independent t and d would have. If it
// is 0, all rows have one grade, and the kappa is 0.
func (c *Confusion) kappa() float64 {
	n := float64(c.rows)
	chance := n*float64(c.truth2) + n*float64(c.given2) - 2*float64(c.truth)*float64(c.given)
	if chance == 0 {
		return 0
	}
	return 1 - n*float64(c.apart)/chance
}

// correlation returns Matthews' correlation coefficient of n rows (Gorodkin 2004,
// "Comparing two K-category assignments by a K-category correlation coefficient"), as
// scikit-learn's matthews_corrcoef. both is the sum over classes of true x given,
// truths and givens are the sums of true² and given². It is 0 if all rows have one true
// class or one decided class.
func correlation(n, right, both, truths, givens int) float64 {
	s := float64(n)
	spread := (s*s - float64(truths)) * (s*s - float64(givens))
	if spread == 0 {
		return 0
	}
	return (s*float64(right) - float64(both)) / math.Sqrt(spread)
}

// MCC returns Matthews' correlation coefficient of a set of entries, each a label given
// or not and true or not. entries is their number.
//
// By hand, the two rows of [Rows.FBeta], 6 entries: 1 hit, 2 given, 2 true. Right are
// the hit and 3 others: (6*4 - 2*2 - 4*4)/sqrt((36-20)(36-20)) = 4/16 = 1/4.
func (c Counts) MCC(entries int) float64 {
	t, g := c.True, c.Given
	right := entries - t - g + 2*c.Hits
	return correlation(entries, right, t*g+(entries-t)*(entries-g), t*t+(entries-t)*(entries-t), g*g+(entries-g)*(entries-g))
}

// Clone returns a copy.
func (c *Confusion) Clone() *Confusion {
	copied := *c
	copied.classes = slices.Clone(c.classes)
	return &copied
}
