// Command train trains the networks of an ensemble, fold by fold, and predicts the rows
// that each fold held out and the test images.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/train/internal/command"
)

func main() { cli.Main(command.New()) }
