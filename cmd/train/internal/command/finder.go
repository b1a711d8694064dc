package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/trainer/chart"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// findRate searches for a learning rate. It writes a table and a picture to the fold's
// folder.
func (s *session) findRate(ctx context.Context) error {
	bar := cli.NewProgress(s.cmd, "searching a learning rate", int64(s.Config.Train.LRFinder.NumSteps), cli.Items)
	defer bar.Close()
	s.Hooks.Batch = func(loop.Progress) { bar.Add(1) }
	points, err := s.FindRate(ctx)
	if err != nil {
		return err
	}
	bar.Close()
	var table strings.Builder
	table.WriteString("lr,loss\n")
	for _, p := range points {
		fmt.Fprintf(&table, "%.6g,%.6g\n", p.Rate, p.Loss)
	}
	var picture bytes.Buffer
	if err := chart.Finder(&picture, s.Info.Title()+": search of a learning rate", points); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	for name, b := range map[string][]byte{"lr_finder.csv": []byte(table.String()), "lr_finder.png": picture.Bytes()} {
		if err := atomicfile.WriteFile(filepath.Join(s.Dir, name), b); err != nil {
			return err
		}
	}
	if rate := loop.Steepest(points); rate > 0 {
		cli.Printf(s.cmd, "fold %d: the loss falls fastest at a learning rate of %s", s.Fold, say.Rate(rate))
	} else {
		cli.Printf(s.cmd, "fold %d: the loss falls at no rate from %s to %s", s.Fold, say.Rate(points[0].Rate), say.Rate(points[len(points)-1].Rate))
	}
	cli.Printf(s.cmd, "fold %d: %d steps drawn in %s", s.Fold, len(points), filepath.Join(s.Dir, "lr_finder.png"))
	return nil
}
