package modelspec

import (
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
)

// Beside returns the path of the config that lies with a file of weights:
// <config>.yml, <config>.yaml or config.yml in its folder, or config.yml in the folder
// above, where a training keeps it. It reports whether there is one.
//
//	path, ok := modelspec.Beside("models/2b_se_resnext50_f0_e14_0.5975.pth")
//	// models/2b_se_resnext50.yml
func Beside(weights string) (path string, ok bool) {
	model := weightfile.ModelName(weights)
	var names []string
	if n, err := ensemblefile.ParseName(model); err == nil {
		names = append(names, n.Config+".yml", n.Config+".yaml")
	}
	names = append(names, "config.yml", filepath.Join("..", "config.yml"))
	for _, name := range names {
		path := filepath.Join(filepath.Dir(weights), name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, true
		}
	}
	return "", false
}
