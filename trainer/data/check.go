package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// CheckImages decodes every image in workers goroutines; 0 means one for each core. Its
// error lists the images that cannot be decoded. damaged has an error for each image that
// is used although its file is damaged. CheckImages calls tell, unless it is nil, after
// every image.
func (s *Set) CheckImages(ctx context.Context, workers int, tell func()) (damaged []error, err error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	broken, torn := make([]error, len(s.Paths)), make([]error, len(s.Paths))
	var group errgroup.Group
	group.SetLimit(workers)
	var mu sync.Mutex
	for i, path := range s.Paths {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if m, err := s.Decoder.DecodeFile(path); m == nil {
				broken[i] = err
			} else {
				torn[i] = err
			}
			if tell != nil {
				mu.Lock()
				defer mu.Unlock()
				tell()
			}
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return nil, err
	}
	damaged = slices.DeleteFunc(torn, func(err error) bool { return err == nil })
	var wrong errorList
	for _, err := range broken {
		if err != nil {
			wrong.add("images that can't be read", err)
		}
	}
	return damaged, wrong.err()
}

// Sizes returns the width and height of at most n images, spread over the table. It
// leaves out images that cannot be decoded.
func (s *Set) Sizes(ctx context.Context, n, workers int) [][2]int {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	n = min(n, len(s.Paths))
	found := make([][2]int, n)
	var group errgroup.Group
	group.SetLimit(workers)
	for i := range n {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			if m, _ := s.Decoder.DecodeFile(s.Paths[i*len(s.Paths)/n]); m != nil {
				found[i] = [2]int{m.W, m.H}
			}
			return nil
		})
	}
	group.Wait()
	return slices.DeleteFunc(found, func(size [2]int) bool { return size[0] == 0 })
}

// Digest returns a hash of the paths, sizes and modification times of all images. While
// it stays the same, a second CheckImages finds nothing new.
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
