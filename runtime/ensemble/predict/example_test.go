package predict_test

import (
	"context"
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/png"
)

// The example of package ensemble runs this plan.
func ExampleDescribe() {
	plan := &ensemble.Plan{Name: "example", Classes: 7, Models: []ensemble.Model{{
		Name: "tiny", Coefficient: 1, Arch: "tiny", InputSize: 8, Classes: 7, Views: 2,
		Folds: []ensemble.Fold{{
			Name: "tiny_f0", SHA256: "01ad0d2e126a6c78e11e0871906cb6b41cbabc0791817810d9ab2da462aceb06", Size: 1468, Threshold: 0.5,
		}},
	}}}
	err := predict.Describe(context.Background(), plan, predict.Options{
		Archs: []arch.Arch{ensembletest.Tiny}, Operations: engine.Operations(), Formats: []vision.Format{png.Format},
		Input: "../testdata/input", Output: "submission.csv",
	}, os.Stdout)
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// plan      example: 7 classes
	// sample    ../testdata/input/sample_submission.csv: 3 ids
	// form      a row for each image, with all its classes, as class numbers from 0 separated by " " in the column "labels"
	// images    3 of 3, in 1 folders
	// output    submission.csv
	// 1         tiny_f0: coefficient 1, tiny at 8, 2 views, ../testdata/input/tiny_f0.safetensors
}
