package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"golang.org/x/sync/errgroup"
)

// CheckImages decodes every image, in workers goroutines (0 is one a core), and
// reports those that can't be. tell, which may be nil, is called for every image
// that was looked at.
func (s *Set) CheckImages(ctx context.Context, workers int, tell func()) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	broken := make([]error, len(s.Paths))
	var group errgroup.Group
	group.SetLimit(workers)
	var mu sync.Mutex
	for i, path := range s.Paths {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			_, broken[i] = decode(path)
			if tell != nil {
				mu.Lock()
				defer mu.Unlock()
				tell()
			}
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	var wrong errorList
	for _, err := range broken {
		if err != nil {
			wrong.add("images that can't be read", err)
		}
	}
	return wrong.err()
}

// decode reads an image. A decoder that panics on a broken file must not end
// the training.
func decode(path string) (m *vision.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("%s: decoding image: %v", path, r)
		}
	}()
	return vision.DecodeFile(path)
}

// Digest is a number of the images' files: paths, sizes and times of change.
// While it stays the same they need no second check.
func (s *Set) Digest() (string, error) {
	h := sha256.New()
	for _, path := range s.Paths {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
