package command

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// findData looks for the data where the user named none. Without images the
// kernel is verified on drawn ones. It returns the folder that it found, or "".
func (f *inferFlags) findData(ctx context.Context) (string, error) {
	f.o.Plan.Data = f.o.Input
	dir := datafolder.OfTest()
	if f.o.Input != "" || f.o.Sample != "" || f.o.Images != "" || dir == "" {
		return "", nil
	}
	found, err := input.Find(ctx, dir, nil)
	if err != nil {
		return "", err
	}
	if len(found.Samples) == 0 {
		return "", nil
	}
	if table, err := input.ReadTableFile(found.Samples[0]); err == nil {
		images, err := found.Images(ctx, table.IDs())
		if err != nil || images.Len() == 0 {
			return "", err
		}
	}
	f.o.Input = dir
	return dir, nil
}
