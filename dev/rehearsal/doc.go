// Package rehearsal tests a deployment at full size: the ensemble file and the configs
// that won iMet 2019, seven networks with five folds each. The tests deploy it, inspect
// kernel.go, and run it as Kaggle would: on three images with all folds, and on 200 images
// in much less time than they need.
//
// The tests take 20 minutes and 16 GB of disk. `make rehearsal` runs them.
package rehearsal
