package command

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// findData names the folder of the sample submission and the images, if the user
// named neither. It returns the folder that it found, or "".
func (f *inferFlags) findData(ctx context.Context) (string, error) {
	f.o.Plan.Data = f.o.Input
	dir := datafolder.OfTest()
	if f.o.Input != "" || f.o.Sample != "" || f.o.Images != "" || dir == "" {
		return "", nil
	}
	found, err := input.Find(ctx, dir, nil)
	if err != nil || len(found.Samples) == 0 {
		return "", err
	}
	f.o.Input = dir
	return dir, nil
}
