// Command deploy-kernel turns an ensemble of image models into one Go file that
// predicts offline, and uploads it to Kaggle.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/deploy-kernel/internal/command"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
)

func main() { cli.Main(command.New()) }
