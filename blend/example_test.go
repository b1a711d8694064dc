package blend_test

import (
	"context"
	"fmt"
	"log"

	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

func Example() {
	labels, folds, predictions := demo() // train.csv, folds.npy, level1_train_m0?_f0_*.npy
	spec, err := oof.ReadSpec(predictions)
	if err != nil {
		log.Fatal(err)
	}
	set, err := blend.Open(labels, folds, spec, predictions...)
	if err != nil {
		log.Fatal(err)
	}
	fitted, err := blend.Fit(context.Background(), set, blend.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for i, m := range set.Models {
		fmt.Printf("%s %.2f\n", m.Name, fitted.Search.Point[i])
	}
	path, err := fitted.WriteFile("best")
	fmt.Println(path, err)
	// Output:
	// m00 0.22
	// m01 0.18
	// m02 0.60
	// best_val_0.9259.yml <nil>
}
