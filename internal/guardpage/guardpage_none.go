//go:build !linux && !darwin

package guardpage

import "testing"

// Bytes returns n zeros.
func Bytes(_ testing.TB, n int, _ Side) []byte { return make([]byte, n) }
