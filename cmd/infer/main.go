// Command infer predicts an ensemble in place: the same plan, and the same
// bytes of submission, as the kernel that deploy-kernel makes of it.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/infer/internal/command"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
)

func main() { cli.Main(command.New()) }
