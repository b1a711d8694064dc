// Package lint tests the rules of the project that no tool checks: the directions of
// imports, package comments, and the sizes of files.
package lint
