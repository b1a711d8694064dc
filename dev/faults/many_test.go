package faults_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manyImages measures the time to the kernel's first prediction: without other
// images, beside a folder of very many, and with all of these in the sample.
func manyImages(t *testing.T, w *world) string {
	n := 5_000
	if thorough() {
		n = 100_000
	}
	s := w.stage(t)
	first := competition + "/test/" + w.ids[0] + ".png"
	s.write(t, first, nil) // decoding it causes a warning
	alone := s.firstPrediction(t)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x", i)
		s.write(t, competition+"/train/"+ids[i]+".png", nil)
	}
	beside := s.firstPrediction(t)
	s.write(t, sample, []byte("id,attribute_ids\n"+strings.Join(ids, ",0\n")+",0\n"))
	all := s.firstPrediction(t)
	// The limits allow for a busy machine. Opening each file of the folder would
	// exceed them.
	if limit := 2*alone + 200*time.Millisecond; beside > limit {
		t.Errorf("%v beside %d images, %v alone", beside, n, alone)
	}
	if limit := 2*alone + time.Second + time.Duration(n)*20*time.Microsecond; all > limit {
		t.Errorf("%v to predict %d images, %v alone", all, n, alone)
	}
	return fmt.Sprintf("after %d ms beside %d, %d ms where all are to be predicted, %d ms without them",
		beside.Milliseconds(), n, all.Milliseconds(), alone.Milliseconds())
}

// firstPrediction returns the time until the program decodes the first image, which
// must be an empty file: the least of five runs.
func (s *stage) firstPrediction(t *testing.T) time.Duration {
	t.Helper()
	least := time.Hour
	for range 5 {
		decoded := make(chan time.Time, 1)
		s.watch = writerFunc(func(b []byte) {
			if bytes.Contains(b, []byte("gets the default labels")) {
				select {
				case decoded <- time.Now():
				default:
				}
			}
		})
		begin := time.Now()
		cmd, stderr := s.start(t, s.w.program)
		select {
		case at := <-decoded:
			least = min(least, at.Sub(begin))
		case <-time.After(time.Minute):
			t.Error("no image was decoded")
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Fatal(stderr)
		}
		left, err := filepath.Glob(s.path("scratch/*"))
		for _, path := range left {
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return least
}

// writerFunc is a writer that calls itself.
type writerFunc func(b []byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}
