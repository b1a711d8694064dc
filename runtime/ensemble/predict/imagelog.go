package predict

import (
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

const (
	// maxWarnings is the number of unreadable images with a warning of their own.
	maxWarnings = 20
	// sizeSample is the number of images whose sizes decide about warnings of crops.
	sizeSample = 33
)

// imageLog is the observer of a run. It warns the user of images that can't be read, and
// of models that see only a small part of the images.
type imageLog struct {
	journal *journal
	plan    *ensemble.Plan
	images  []image

	mu       sync.Mutex   // guards the fields below
	bad      map[int]bool // images that can't be decoded
	broken   map[int]bool // damaged images that are used all the same
	sizes    [][2]int     // width and height of the first images
	warnedOf bool         // sizes is complete, and the user was warned of crops
}

func newImageLog(j *journal, p *ensemble.Plan, images []image) *imageLog {
	return &imageLog{journal: j, plan: p, images: images, bad: map[int]bool{}, broken: map[int]bool{}}
}

// unreadable implements observer. It warns once of each image.
func (l *imageLog) unreadable(i int, err error) {
	l.mu.Lock()
	known, n := l.bad[i], len(l.bad)
	l.bad[i] = true
	l.mu.Unlock()
	switch {
	case known:
	case n < maxWarnings:
		l.journal.warn("image %s gets the default labels: %v", l.images[i].id, err)
	case n == maxWarnings:
		l.journal.warn("more images can't be read; they get the default labels, too")
	}
}

// damaged implements observer.
func (l *imageLog) damaged(i int, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken[i] = true
}

// size records the size of an image, in pixels.
func (l *imageLog) size(w, h int) {
	l.mu.Lock()
	enough := false
	if !l.warnedOf {
		l.sizes = append(l.sizes, [2]int{w, h})
		enough = len(l.sizes) >= sizeSample
	}
	l.mu.Unlock()
	if enough {
		l.warnOfCrops()
	}
}

// warnOfCrops warns, once, of models that see only a small part of the images.
func (l *imageLog) warnOfCrops() {
	l.mu.Lock()
	sizes, skip := l.sizes, l.warnedOf || len(l.sizes) == 0
	l.warnedOf = l.warnedOf || !skip
	l.mu.Unlock()
	if skip {
		return
	}
	for _, text := range l.plan.CropWarnings(sizes) {
		l.journal.warn("%s", text)
	}
}

// ids returns the ids of the images that are missing or can't be decoded, and of those
// that are damaged, in the order of the images.
func (l *imageLog) ids() (unreadable, damaged []string) {
	l.mu.Lock() // after the end of the budget a pass may still decode
	defer l.mu.Unlock()
	for i, m := range l.images {
		if l.bad[i] || m.path == "" {
			unreadable = append(unreadable, m.id)
		}
		if l.broken[i] {
			damaged = append(damaged, m.id)
		}
	}
	return unreadable, damaged
}
