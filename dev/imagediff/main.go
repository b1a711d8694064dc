// Command imagediff writes the inputs that networks get from images, for a comparison
// with other libraries.
//
//	go run ./dev/imagediff CASES.json < paths
//
// CASES.json is a list of testCase objects. For each of them, and for each path
// of standard input, imagediff writes view 0 to standard output: Size*Size*3
// float32 values, little-endian. oracle.py starts it and compares.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "imagediff:", err)
		os.Exit(1)
	}
}

// testCase is a [vision.Preprocess] with the names of its policy and interpolation.
type testCase struct {
	Size, Side            int
	Policy, Interpolation string
	Pad                   [3]uint8
	Mean, Std             [3]float32
}

func (c testCase) preprocess() (vision.Preprocess, error) {
	policy, ok := vision.ParsePolicy(c.Policy)
	if !ok {
		return vision.Preprocess{}, fmt.Errorf("unknown policy %q", c.Policy)
	}
	f, ok := vision.ParseInterpolation(c.Interpolation)
	if !ok {
		return vision.Preprocess{}, fmt.Errorf("unknown interpolation %q", c.Interpolation)
	}
	p := vision.Preprocess{Size: c.Size, Mean: c.Mean, Std: c.Std}
	p.Scaling = vision.Scaling{Policy: policy, Interpolation: f, Side: c.Side, Pad: c.Pad}
	return p, p.Check(c.Size)
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: imagediff CASES.json < paths")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var cases []testCase
	if err := json.Unmarshal(text, &cases); err != nil {
		return err
	}
	decoder := vision.Decoder{Formats: formats.All()}
	var images []*vision.Image
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		m, err := decoder.DecodeFile(lines.Text())
		if err != nil {
			return err
		}
		images = append(images, m)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	var s vision.Scratch
	for _, c := range cases {
		p, err := c.preprocess()
		if err != nil {
			return err
		}
		view := make([]float32, 3*p.Size*p.Size)
		for _, m := range images {
			p.View(m, 0, view, &s)
			if err := binary.Write(out, binary.LittleEndian, view); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}
