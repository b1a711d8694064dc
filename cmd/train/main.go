// Command train trains the networks of an ensemble, fold by fold, and predicts
// what each has not seen.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/train/internal/command"
)

func main() { cli.Main(command.New()) }
