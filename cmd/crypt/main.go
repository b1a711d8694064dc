// Command crypt makes keys and encrypts, decrypts, inspects and verifies files
// of weights, so that they can lie in a public dataset.
package main

import (
	"github.com/deploy-kernel/deploy-kernel/cmd/crypt/internal/command"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
)

func main() { cli.Main(command.New()) }
