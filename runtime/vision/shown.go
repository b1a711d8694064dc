package vision

import (
	"cmp"
	"fmt"
	"slices"
)

// leastShown is the share of the typical image below which CropOnly is worth a
// warning.
const leastShown = 0.25

// shown returns the share of the pixels of a w x h image that a view shows.
func (p Preprocess) shown(w, h int) float64 {
	short := min(w, h, p.Size) // less than Size where the image is scaled up
	return float64(short) * float64(short) / (float64(w) * float64(h))
}

// CropWarning returns a warning if [CropOnly] shows less than a quarter of the
// typical image, else "". The typical image has the median share of sizes, pairs of
// a width and a height in pixels.
func (p Preprocess) CropWarning(sizes [][2]int) string {
	if p.Policy != CropOnly || len(sizes) == 0 {
		return ""
	}
	sorted := slices.Clone(sizes)
	slices.SortFunc(sorted, func(a, b [2]int) int { return cmp.Compare(p.shown(a[0], a[1]), p.shown(b[0], b[1])) })
	typical := sorted[len(sorted)/2]
	share := p.shown(typical[0], typical[1])
	if share >= leastShown {
		return ""
	}
	return fmt.Sprintf("the network sees %.2g %% of the typical image: %d x %d pixels of %d x %d (median of %d images), since model.resize is crop; "+
		"to scale images first, write `resize: shorter-side` into the section model of the config",
		100*share, min(p.Size, typical[0], typical[1]), min(p.Size, typical[0], typical[1]), typical[0], typical[1], len(sizes))
}
