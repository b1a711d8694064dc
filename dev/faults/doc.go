// Package faults holds the tests of what a deployed kernel does when something
// goes wrong: each deploys the small ensemble of dev/demodata, lays it out as
// Kaggle does, makes a fault, and runs the program or the script that is
// uploaded.
//
// `make faults` runs them all, prints the matrix of faults and writes it to
// docs/reliability.md.
package faults
