package command

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// findData sets the folder of the sample submission and the images, if the user named
// neither. It returns that folder, or "".
func (f *inferFlags) findData(ctx context.Context) (string, error) {
	f.options.Plan.Data = f.options.Input
	dir := datafolder.OfTest()
	if f.options.Input != "" || f.options.Sample != "" || f.options.Images != "" || dir == "" {
		return "", nil
	}
	found, err := input.Find(ctx, dir, input.Wanted{})
	if err != nil || len(found.Samples) == 0 {
		return "", err
	}
	f.options.Input = dir
	return dir, nil
}
