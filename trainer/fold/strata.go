package fold

import (
	"slices"
)

// maxBins is the number of quantile bins of a target.
const maxBins = 10

// Bins returns labels by which [Stratify] spreads the targets of a regression: the number
// of the quantile bin of each target. values has rows x targets elements. There are at
// most 10 bins, and so few that each has at least folds rows. Equal values are in one bin.
func Bins(values []float32, targets, folds int) [][]int {
	rows := len(values) / max(targets, 1)
	bins := max(1, min(maxBins, rows/max(folds, 1)))
	labels := make([][]int, rows)
	for k := range targets {
		column := make([]float32, rows)
		for row := range rows {
			column[row] = values[row*targets+k]
		}
		sorted := slices.Sorted(slices.Values(column))
		for row, v := range column {
			below, _ := slices.BinarySearch(sorted, v)
			labels[row] = append(labels[row], k*bins+below*bins/rows)
		}
	}
	return labels
}
