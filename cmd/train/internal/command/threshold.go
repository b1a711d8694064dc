package command

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"gopkg.in/yaml.v3"
)

// readThreshold reads the file of a model's threshold.
func readThreshold(path string) (float64, error) {
	text, err := textfile.Read(path, "a threshold file")
	if err != nil {
		return 0, fmt.Errorf("reading the threshold: %w", err)
	}
	var file struct {
		Threshold *float64 `yaml:"threshold"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if file.Threshold == nil || !(*file.Threshold >= 0 && *file.Threshold <= 1) {
		return 0, fmt.Errorf("%s: there is no threshold from 0 to 1 in it", path)
	}
	return *file.Threshold, nil
}
