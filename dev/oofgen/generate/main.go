// Command generate writes out-of-fold predictions of made-up models on real
// labels; see package oofgen.
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
	folds := flag.String("folds", "folds.npy", "the folds of its rows")
	every := flag.Int("every", 1, "take one row of this many")
	models := flag.Int("models", 7, "how many models")
	seed := flag.Uint64("seed", 1, "what decides all that is random")
	flag.Parse()
	if flag.NArg() != 1 || *every < 1 || *models < 1 {
		fmt.Fprintln(os.Stderr, "generate: one folder to write to is needed, and -every and -models of at least 1")
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
