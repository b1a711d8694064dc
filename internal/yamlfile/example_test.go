package yamlfile_test

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
)

func Example() {
	var file struct {
		Train struct {
			BatchSize int     `yaml:"batch_size"`
			Rate      float64 `yaml:"rate"`
		} `yaml:"train"`
	}
	for _, text := range []string{"train: {batch_size: '8', rate: 1e-3}", "train: {batch_sise: 8}", "train:\n  rate: 9\n"} {
		root, err := yamlfile.Document("c.yml", "config", []byte(text))
		if err != nil {
			fmt.Println(err)
			return
		}
		d := yamlfile.NewDecoder("c.yml")
		if err = d.Decode(root, &file); err == nil {
			err = d.CheckRanges([]yamlfile.Range{{Key: "train.rate", Value: file.Train.Rate, Min: 0, Max: 1}})
		}
		fmt.Println(file.Train, err)
	}
	// Output:
	// {8 0.001} <nil>
	// {8 0.001} c.yml:1:9: unknown key "batch_sise" in train (did you mean "batch_size"?); there are batch_size, rate
	// {8 9} c.yml:2:9: train.rate is 9; it must be between 0 and 1
}

func ExampleTexts() {
	var file struct {
		Columns yamlfile.Texts `yaml:"columns"`
	}
	for _, text := range []string{"columns: label", "columns: [rust, scab]"} {
		root, err := yamlfile.Document("c.yml", "config", []byte(text))
		if err == nil {
			err = yamlfile.NewDecoder("c.yml").Decode(root, &file)
		}
		fmt.Printf("%q %v\n", file.Columns, err)
	}
	// Output:
	// ["label"] <nil>
	// ["rust" "scab"] <nil>
}
