// Command deploy-kernel makes an ensemble of image models into one Go file that
// predicts offline, with all that Kaggle wants around it.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/deploy-kernel/internal/command"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
)

func main() { cli.Main(command.New()) }
