//go:build !linux

package hugepage

// Advise does nothing: only Linux has huge pages on request.
func Advise[T any]([]T) {}
