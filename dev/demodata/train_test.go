package demodata_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

func TestATrainingSetHasTheFaultsOfRealOnes(t *testing.T) {
	f, err := demodata.WriteTrain(t.TempDir(), demodata.TrainOptions{Rows: 400, Test: 5})
	if err != nil {
		t.Fatal(err)
	}
	table, err := input.ReadTableFile(filepath.Join(f.Data, "train.csv"))
	if err != nil {
		t.Fatal(err)
	}
	images, err := input.ItemsUnder(t.Context(), filepath.Join(f.Data, "train"), vision.Endings(), table.IDs())
	if err != nil {
		t.Fatal(err)
	}
	endings := map[string]int{}
	counts := make([]int, len(demodata.Classes))
	decoder := vision.Decoder{Formats: formats.All()}
	labels, groups := 0, map[string]int{}
	for i, row := range table.Rows {
		classes, err := table.Classes(i, len(counts))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range classes {
			counts[c]++
			labels++
		}
		original, _, _ := strings.Cut(row.ID, "-")
		groups[original]++
		path, ok := images.Path(row.ID)
		if !ok {
			t.Fatalf("%s has no image", row.ID)
		}
		if _, err := decoder.DecodeFile(path); err != nil {
			t.Fatal(err)
		}
		endings[filepath.Ext(path)]++
	}
	if len(endings) != 4 {
		t.Errorf("the endings are %v", endings)
	}
	if len(table.Rows) != 400 || len(groups) != 300 {
		t.Errorf("%d rows of %d originals", len(table.Rows), len(groups))
	}
	if low, high := slices.Min(counts), slices.Max(counts); low == 0 || high < 8*low {
		t.Errorf("the classes have %v rows", counts)
	}
	// Each image has at least three labels, of which some are missing.
	if labels >= 3*400 || labels < 2*400 {
		t.Errorf("%d labels of 400 rows", labels)
	}
	for _, path := range f.Configs {
		if _, warnings, err := config.ReadFile(path); err != nil || len(warnings) > 0 {
			t.Errorf("%v, %v", warnings, err)
		}
	}
}
