// Command data makes the data of the worked examples in a folder:
//
//	go run ./examples/data grades competition
//
// competition/data is what Kaggle shows before the hidden run. competition/hidden holds
// the test images and the true answers.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
)

func main() {
	rows := flag.Int("rows", 240, "number of images to train on")
	images := flag.Int("images", 1000, "number of hidden test images")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: data [flags] NAME FOLDER")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(flag.Arg(0), flag.Arg(1), demodata.TrainOptions{Rows: *rows, Test: *images}); err != nil {
		fmt.Fprintln(os.Stderr, "data:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %d images to train on, %d to predict\n", flag.Arg(1), *rows, *images)
}

func write(name, dir string, o demodata.TrainOptions) error {
	c, err := demodata.FindCompetition(name)
	if err != nil {
		return err
	}
	return c.Write(dir, o)
}
