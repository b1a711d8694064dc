// Package lint holds, as tests, the rules of the project that no tool checks:
// who may import whom, what a package must say of itself, how long a file may
// be.
package lint
