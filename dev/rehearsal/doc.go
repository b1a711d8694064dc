// Package rehearsal tests the whole at full size: a real ensemble file of seven
// networks with five folds each and its real configs, deployed, looked at and run
// on real images as Kaggle would: on three with all folds, and on many with much
// less time than they need. It takes 20 minutes and 16 GB of disk; `make
// rehearsal` runs it.
package rehearsal
