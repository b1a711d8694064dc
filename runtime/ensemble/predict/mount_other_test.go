//go:build !linux

package predict_test

import "errors"

func mountSmall(string) error { return errors.ErrUnsupported }

func unmount(string) {}
