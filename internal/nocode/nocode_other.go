//go:build !linux

package nocode

import "errors"

func supported() bool { return false }

func deny() error { return errors.ErrUnsupported }

func replace(string, []string) error { return errors.ErrUnsupported }
