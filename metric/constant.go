package metric

import "slices"

// BestConstant returns the labels with the best mean F-beta when every row gets them,
// and that score. It is what a network has to beat. The search begins with no label
// and adds the label that helps most, as long as one helps. With beta 2 and K labels
// per row, each label added costs O(classes) passes over the labels.
//
// By hand, rows true 0 1, true 0, beta 2: giving 0 has the F-betas 5*1/(4*2+1) and 1,
// mean 7/9; giving 0 and 1 has 1 and 5*1/(4*1+2), mean 11/12.
func BestConstant(labels [][]int, classes int, beta float64) (given []int, score float64) {
	hits := make([]int, len(labels)) // by row, of the labels given
	has := make([][]int, classes)    // by class, the rows that have it
	for i, row := range labels {
		for _, c := range row {
			has[c] = append(has[c], i)
		}
	}
	for len(given) < classes {
		// base is the score after one more label that is right in no row.
		base := 0.0
		for i, row := range labels {
			base += Counts{Hits: hits[i], Given: len(given) + 1, True: len(row)}.FBeta(beta)
		}
		best, label := score*float64(len(labels)), -1
		for c := range classes {
			if slices.Contains(given, c) {
				continue
			}
			sum := base
			for _, i := range has[c] {
				n := Counts{Hits: hits[i], Given: len(given) + 1, True: len(labels[i])}
				sum -= n.FBeta(beta)
				n.Hits++
				sum += n.FBeta(beta)
			}
			if sum > best {
				best, label = sum, c
			}
		}
		if label < 0 {
			break
		}
		given, score = append(given, label), best/float64(len(labels))
		for _, i := range has[label] {
			hits[i]++
		}
	}
	slices.Sort(given)
	return given, score
}
