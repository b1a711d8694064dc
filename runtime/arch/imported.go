package arch

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// importedPrefix begins the names of imported networks.
const importedPrefix = "onnx:"

// IsImported reports whether an imported network has this name.
func IsImported(name string) bool { return strings.HasPrefix(name, importedPrefix) }

// ImportedName returns the name of the imported network whose graph has this text:
// "onnx:" and 12 hexadecimal digits of its SHA-256. Folds of one network share it.
func ImportedName(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%s%x", importedPrefix, sum[:6])
}

// Imported returns the architecture of an imported network. text is its graph, as
// [nn.ParseText] reads it. Mean and Std are ImageNet's: the model of an ensemble gives
// others. Build refuses a damaged text, and sizes other than the graph's.
func Imported(text string) Arch {
	name := ImportedName(text)
	return Arch{
		Name: name, Mean: imageNetMean, Std: imageNetStd,
		Build: func(c Config) (*nn.Graph, error) {
			g, err := nn.ParseText(name, text)
			if err != nil {
				return nil, err
			}
			if s := g.Input.Shape; s != (nn.Shape{C: 3, H: c.InputSize, W: c.InputSize}) {
				return nil, fmt.Errorf("%s takes images of %d channels and %dx%d pixels, not of 3 channels and %dx%d pixels", name, s.C, s.H, s.W, c.InputSize, c.InputSize)
			}
			if n := g.Classes(); n != c.Classes {
				return nil, fmt.Errorf("%s has %d classes, not %d", name, n, c.Classes)
			}
			return g, nil
		},
	}
}
