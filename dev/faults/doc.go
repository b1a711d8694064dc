// Package faults tests what a deployed kernel does when something goes wrong.
//
// The small ensemble of dev/demodata is deployed once. Each test lays out its own
// copy as Kaggle does, injects a fault, and runs the program or kernel.py. The list
// of faults is a specification: each row names a fault and what the kernel does.
// Rows that measure time run alone, the others at the same time.
//
// `make faults` runs them all, prints the matrix and writes it to
// docs/reliability.md.
package faults
