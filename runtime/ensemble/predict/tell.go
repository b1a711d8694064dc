package predict

import (
	"fmt"
	"strings"
	"time"
)

// maxTold is how many unreadable images are told of one by one.
const maxTold = 20

// sawUnreadable tells of an image that can't be decoded, once.
func (r *run) sawUnreadable(i int, err error) {
	r.mu.Lock()
	known, n := r.unreadable[i], len(r.unreadable)
	r.unreadable[i] = true
	r.mu.Unlock()
	switch {
	case known:
	case n < maxTold:
		r.journal.warn("image %s gets the default labels: %v", r.images[i].id, err)
	case n == maxTold:
		r.journal.warn("more images can't be read; they get the default labels, too")
	}
}

// sawDamaged notes an image whose file is damaged. The end of the run tells of
// all of them in one line.
func (r *run) sawDamaged(i int, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.damaged[i] = true
}

// sizedImages is how many images are looked at for their size.
const sizedImages = 33

// sawSize notes the size of an image, and warns when there are enough.
func (r *run) sawSize(w, h int) {
	r.mu.Lock()
	enough := r.sized
	if !enough {
		r.sizes = append(r.sizes, [2]int{w, h})
	}
	enough = !enough && len(r.sizes) >= sizedImages
	r.mu.Unlock()
	if enough {
		r.warnOfCrops()
	}
}

// warnOfCrops warns, once, of models that see little of the typical image.
func (r *run) warnOfCrops() {
	r.mu.Lock()
	sizes, told := r.sizes, r.sized || len(r.sizes) == 0
	r.sized = r.sized || !told
	r.mu.Unlock()
	if told {
		return
	}
	for _, text := range r.plan.CropWarnings(sizes) {
		r.journal.warn("%s", text)
	}
}

// tell shows how far the running fold is.
func (r *run) tell(j *job) {
	r.journal.status(r.sched.progress(), fmt.Sprintf("%s: %d of %d images, %s, %s",
		j.f.Name, j.done, len(r.images), r.speed(j), r.rest(j)))
}

func (r *run) speed(j *job) string {
	return fmt.Sprintf("%.1f images/s", 1/(r.sched.pace.view(j.model)*float64(r.sched.now(j))))
}

// rest tells when the run will end.
func (r *run) rest(running *job) string {
	left := r.sched.remaining(running)
	return fmt.Sprintf("%s left, end at %s", short(left), time.Now().Add(left).Format("15:04:05"))
}

// tellFold tells of a finished fold.
func (r *run) tellFold(j *job) {
	r.fit(nil)
	r.journal.line("%d of %d: %s, %s, %s", r.sched.count(finished), len(r.sched.jobs), j.f.Name, r.speed(j), r.rest(nil))
}

// tellEnd sums up the run.
func (r *run) tellEnd() {
	s := r.summary
	for _, text := range s.Reduced {
		r.journal.line("fewer views than planned: %s", text)
	}
	for _, text := range s.Dropped {
		r.journal.line("not or not wholly predicted: %s", text)
	}
	if n := len(s.Unreadable); n > 0 {
		r.journal.line("%d images without prediction: %s", n, some(s.Unreadable, 5))
	}
	if n := len(s.Damaged); n > 0 {
		r.journal.warn("%d damaged images are predicted as far as they can be decoded: %s", n, some(s.Damaged, 5))
	}
	if r.sched.count(finished)+r.sched.count(started) == 0 && !r.idle {
		r.journal.warn("no time for any prediction")
	}
	if s.Defaults > 0 {
		r.journal.warn("%d of %d rows have no prediction; they get %s", s.Defaults, len(r.places), r.sum.fallback(r.plan.Fallback).text())
	}
	r.journal.line("%s: %d images, %d of %d folds, %s", r.o.Output, s.Images, s.Folds, len(r.sched.jobs), short(s.Took))
}

// some joins the first n texts.
func some(texts []string, n int) string {
	if len(texts) <= n {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts[:n], ", ") + ", …"
}

func fmtScore(after, before float64) string {
	if before > 0 {
		return fmt.Sprintf(" (validation score %.4f instead of %.4f)", after, before)
	}
	return fmt.Sprintf(" (validation score %.4f)", after)
}
