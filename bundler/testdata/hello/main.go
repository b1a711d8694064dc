// Hello greets the world.
package main

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/bundler/testdata/hello/greet"
)

func main() { fmt.Println(greet.Hello("world")) }
