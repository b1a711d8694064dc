// Command infer predicts an ensemble in place. Its submission has the same bytes as
// that of the kernel which deploy-kernel makes of the ensemble.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/infer/internal/command"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
)

func main() { cli.Main(command.New()) }
