// Command generate writes out-of-fold predictions of simulated models on real labels (see
// package oofgen).
//
//	go run ./dev/oofgen/generate -labels train.csv -folds folds.npy -models 7 -seed 1 out/
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/deploy-kernel/deploy-kernel/dev/oofgen"
)

func main() {
	labels := flag.String("labels", "train.csv", "the table of labels")
	folds := flag.String("folds", "folds.npy", "the folds of the table's rows")
	every := flag.Int("every", 1, "keep one of so many rows")
	models := flag.Int("models", 7, "number of models")
	seed := flag.Uint64("seed", 1, "seed of all random numbers")
	flag.Parse()
	if flag.NArg() != 1 || *every < 1 || *models < 1 {
		fmt.Fprintln(os.Stderr, "generate: name one folder to write to; -every and -models must be at least 1")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	truth, err := oofgen.ReadTruth(*labels, *folds, *every)
	if err == nil {
		_, err = oofgen.Generate(ctx, flag.Arg(0), truth, oofgen.Options{Models: *models, Seed: *seed})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
