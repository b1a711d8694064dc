package templates_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// plan is an ensemble of one network.
func plan(archName string) *ensemble.Plan {
	return &ensemble.Plan{Name: "best", Classes: 10, Models: []ensemble.Model{{
		Name: "a", Coefficient: 0.143100754915091, Arch: archName, InputSize: 32, Classes: 10, Views: 2,
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
	// 	engine "github.com/deploy-kernel/deploy-kernel/runtime/engine"
	// 	ensemble "github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	// 	command "github.com/deploy-kernel/deploy-kernel/runtime/ensemble/command"
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
	// 			Name:        "a",
	// 			Coefficient: 0.143100754915091,
	// 			Arch:        "cifar_resnet20",
	// 			InputSize:   32,
	// 			Classes:     10,
	// 			Views:       2,
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
	// // operations are what the networks compute with.
	// var operations = []engine.Operation{
	// 	engine.Grouped,
	// 	engine.Convolution,
	// 	engine.Addition,
	// 	engine.GlobalPooling,
	// 	engine.Copy,
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
	// 	command.Main(plan, archs, operations, formats, key)
	// }
}

func TestMainNamesTheVariableOfEveryArchitecture(t *testing.T) {
	for _, a := range arch.All() {
		p := plan(a.Name)
		p.Models[0].InputSize = 128 // large enough for every network
		src, err := templates.Main(p, templates.MainOptions{Key: "secret"})
		if err != nil {
			t.Error(err)
			continue
		}
		if clean, err := format.Source(src); err != nil || string(clean) != string(src) {
			t.Errorf("%s: not gofmt-clean (%v)", a.Name, err)
		}
	}
}

func TestValuesWithoutALiteralAreRefused(t *testing.T) {
	p := plan("cifar_resnet20")
	p.Models[0].Coefficient = math.NaN()
	if _, err := templates.Main(p, templates.MainOptions{}); err == nil || !strings.Contains(err.Error(), "Coefficient: NaN") {
		t.Errorf("NaN: error %v", err)
	}
	if _, err := templates.Main(plan("nonesuch"), templates.MainOptions{}); err == nil || !strings.Contains(err.Error(), `no architecture "nonesuch"`) {
		t.Errorf("architecture: error %v", err)
	}
}

func TestTheSourceHoldsTheImageSettingsOfTheConfig(t *testing.T) {
	p := plan("cifar_resnet20")
	p.Models[0].Scaling = vision.Scaling{Policy: vision.Letterbox, Interpolation: vision.OpenCVLinear, Side: 40, Pad: [3]uint8{114, 114, 114}}
	p.Models[0].Mean, p.Models[0].Std = [3]float32{0.48145466, 0.4578275, 0.40821073}, [3]float32{0.26862954, 0.26130258, 0.27577711}
	p.Models[0].Alpha, p.Models[0].EXIF = vision.OverWhite, vision.ApplyEXIF
	src, err := templates.Main(p, templates.MainOptions{})
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(src)), " ")
	for _, want := range []string{
		"Scaling: vision.Scaling{ Policy: 4, Interpolation: 6, Side: 40, Pad: [3]uint8{114, 114, 114}, }",
		"Mean: [3]float32{0.48145467, 0.4578275, 0.40821072}", "Std: [3]float32{0.26862955, 0.2613026, 0.2757771}", "Alpha: 1", "EXIF: 1",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("%s is missing in\n%s", want, src)
		}
	}
}

// Models of one imported network share its graph. The compiler reads the text as it was.
func TestImportedNetworksAreTexts(t *testing.T) {
	for _, name := range []string{"fc", "a`b"} {
		text := fmt.Sprintf("Input 3 32 32\nGlobalAvgPool 0\nLinear 1 %q 10\nOutput 2\n", name)
		a := arch.Imported(text)
		p := plan(a.Name)
		p.Models = append(p.Models, p.Models[0])
		src, err := templates.Main(p, templates.MainOptions{Archs: []arch.Arch{a}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), "main.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		var found int
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok {
				if s, err := strconv.Unquote(lit.Value); err == nil && s == text {
					found++
				}
			}
			return true
		})
		if found != 1 {
			t.Errorf("the main package holds the text %d times:\n%s", found, src)
		}
		if _, err := templates.Main(p, templates.MainOptions{}); err == nil || !strings.Contains(err.Error(), "unknown architecture \"onnx:") {
			t.Errorf("without the architecture: %v", err)
		}
	}
}
