// Command blend finds the coefficients of an ensemble from out-of-fold predictions.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/blend/internal/command"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
)

func main() { cli.Main(command.New()) }
