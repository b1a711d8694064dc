package templates_test

import (
	"fmt"
	"go/format"
	"math"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// plan is an ensemble of one network.
func plan(archName string) *ensemble.Plan {
	return &ensemble.Plan{Name: "best", Classes: 10, Models: []ensemble.Model{{
		Name: "a", Weight: 0.143100754915091, Arch: archName, InputSize: 32, Classes: 10, Views: 2,
		Folds: []ensemble.Fold{{Name: "a_f0_e1_0.5", SHA256: strings.Repeat("0f", 32), Size: 100, Threshold: 1.0 / 3}},
	}}}
}

func ExampleMain() {
	src, err := templates.Main(plan("cifar_resnet20"), templates.MainOptions{Formats: []string{"jpeg", "png"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(src))
	// Output:
	// // Command kernel predicts the ensemble best.
	// package main
	//
	// import (
	// 	arch "github.com/deploy-kernel/deploy-kernel/runtime/arch"
	// 	ensemble "github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	// 	vision "github.com/deploy-kernel/deploy-kernel/runtime/vision"
	// 	jpeg "github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
	// 	png "github.com/deploy-kernel/deploy-kernel/runtime/vision/png"
	// )
	//
	// // plan is the ensemble: its networks, coefficients and weights.
	// var plan = &ensemble.Plan{
	// 	Name:    "best",
	// 	Classes: 10,
	// 	Models: []ensemble.Model{
	// 		{
	// 			Name:      "a",
	// 			Weight:    0.143100754915091,
	// 			Arch:      "cifar_resnet20",
	// 			InputSize: 32,
	// 			Classes:   10,
	// 			Views:     2,
	// 			Folds: []ensemble.Fold{
	// 				{
	// 					Name:      "a_f0_e1_0.5",
	// 					SHA256:    "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
	// 					Size:      100,
	// 					Threshold: 0.3333333333333333,
	// 				},
	// 			},
	// 		},
	// 	},
	// }
	//
	// // archs are the networks' architectures.
	// var archs = []arch.Arch{
	// 	arch.CIFARResNet20,
	// }
	//
	// // formats are the image formats that are decoded.
	// var formats = []vision.Format{
	// 	jpeg.Format,
	// 	png.Format,
	// }
	//
	// // key is empty: the key, where one is needed, is found when the kernel runs.
	// const key = ""
	//
	// func main() {
	// 	ensemble.Main(plan, archs, formats, key)
	// }
}

func TestEveryArchitectureHasAVariableToName(t *testing.T) {
	for _, a := range arch.All() {
		src, err := templates.Main(plan(a.Name), templates.MainOptions{Key: "secret"})
		if err != nil {
			t.Error(err)
			continue
		}
		if clean, err := format.Source(src); err != nil || string(clean) != string(src) {
			t.Errorf("%s: not gofmt-clean (%v)", a.Name, err)
		}
	}
}

func TestWhatHasNoLiteralIsRefused(t *testing.T) {
	p := plan("cifar_resnet20")
	p.Models[0].Weight = math.NaN()
	if _, err := templates.Main(p, templates.MainOptions{}); err == nil || !strings.Contains(err.Error(), "Weight: NaN") {
		t.Errorf("NaN: error %v", err)
	}
	if _, err := templates.Main(plan("nonesuch"), templates.MainOptions{}); err == nil || !strings.Contains(err.Error(), `no architecture "nonesuch"`) {
		t.Errorf("architecture: error %v", err)
	}
}
