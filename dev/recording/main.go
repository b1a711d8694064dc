// Command recording draws the session of a document as an animated SVG of 20 seconds: a
// terminal in which the commands and their outputs appear line by line.
//
//	go run ./dev/recording -o docs/demo.svg docs/quickstart.md
//
// The outputs are those that the document shows, and package docstest compares them with
// the commands. Browsers play the SVG without scripts, so it works in a README.
package main

import (
	"flag"
	"fmt"
	"html"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/dev/docstest"
)

const (
	seconds = 20.0 // of the recording
	hold    = 3.0  // of them for the last picture
	rows    = 24   // of the terminal
	columns = 100
	height  = 18 // of a line, in pixels
	width   = 8  // of a character
)

func main() {
	out := flag.String("o", "demo.svg", "the `FILE` to write")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("recording: name one document")
	}
	svg, err := record(flag.Arg(0))
	if err != nil {
		log.Fatal("recording: ", err)
	}
	if err := os.WriteFile(*out, []byte(svg), 0o644); err != nil {
		log.Fatal("recording: ", err)
	}
}

// record returns the recording of a document.
func record(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	doc, err := docstest.Parse(path, string(text))
	if err != nil {
		return "", err
	}
	var lines []string
	for _, b := range doc.Blocks {
		if b.Lang != "console" || b.Skip != "" {
			continue
		}
		for _, c := range b.Commands() {
			if tool := strings.Fields(c.Text)[0]; tool != "make" && !slices.Contains(docstest.Tools, tool) {
				continue
			}
			for line := range strings.Lines("$ " + c.Text + c.Output) {
				lines = append(lines, cut(line))
			}
		}
	}
	if len(lines) == 0 {
		return "", fmt.Errorf("%s: it has no console blocks", path)
	}
	return draw("deploy-kernel", lines), nil
}

// cut shortens a line to the width of the terminal.
func cut(line string) string {
	r := []rune(strings.TrimRight(line, " \n"))
	if len(r) > columns {
		return string(r[:columns-1]) + "…"
	}
	return string(r)
}

// draw returns the SVG. The text scrolls up by a line each time that one appears below
// the last row.
func draw(name string, lines []string) string {
	step := (seconds - hold) / float64(len(lines))
	w, h := columns*width+32, rows*height+56
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Recording of %s">`+"\n", w, h, w, h, html.EscapeString(name))
	b.WriteString("<style>\n.t{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d6deeb;white-space:pre}\n.c{fill:#7fdbca}\n")
	fmt.Fprintf(&b, "@keyframes a{from{opacity:0}to{opacity:1}}\n.l{opacity:0;animation:a .01s linear forwards}\n")
	if scroll := len(lines) - rows; scroll > 0 {
		b.WriteString("@keyframes s{")
		for i := 0; i <= scroll; i++ {
			fmt.Fprintf(&b, "%.2f%%{transform:translateY(%dpx)}", 100*step*float64(rows+i)/seconds, -i*height)
		}
		fmt.Fprintf(&b, "100%%{transform:translateY(%dpx)}}\n.s{animation:s %gs steps(1,end) forwards}\n", -scroll*height, seconds)
	}
	b.WriteString("@media (prefers-reduced-motion:reduce){.l{opacity:1;animation:none}}\n</style>\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#011627"/>`+"\n", w, h)
	for i, color := range []string{"#ff5f56", "#ffbd2e", "#27c93f"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="18" r="6" fill="%s"/>`+"\n", 20+20*i, color)
	}
	fmt.Fprintf(&b, `<svg x="16" y="36" width="%d" height="%d" overflow="hidden"><g class="s">`+"\n", columns*width, rows*height+4)
	for i, line := range lines {
		if line == "" {
			continue
		}
		class := "t l"
		if strings.HasPrefix(line, "$ ") {
			class += " c"
		}
		fmt.Fprintf(&b, `<text class="%s" x="0" y="%d" style="animation-delay:%.2fs">%s</text>`+"\n", class, (i+1)*height-4, step*float64(i), html.EscapeString(line))
	}
	b.WriteString("</g></svg>\n</svg>\n")
	return b.String()
}
