//go:build !linux

package ensemble_test

import "errors"

func mountSmall(string) error { return errors.ErrUnsupported }

func unmount(string) {}
