// Package procgroup starts programs in process groups of their own, so that the
// terminal's Ctrl-C reaches them through this program alone.
package procgroup
