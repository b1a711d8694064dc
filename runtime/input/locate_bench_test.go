package input_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// BenchmarkIDsWithFolders locates ids such as patient17/3, whose names repeat
// in every folder.
func BenchmarkIDsWithFolders(b *testing.B) {
	const patients, slices = 2000, 5
	root := b.TempDir()
	var ids []string
	for p := range patients {
		dir := filepath.Join(root, fmt.Sprint("patient", p))
		if err := os.Mkdir(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for s := range slices {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(s, ".png")), nil, 0o644); err != nil {
				b.Fatal(err)
			}
			ids = append(ids, fmt.Sprintf("patient%d/%d", p, s))
		}
	}
	found, err := input.Find(b.Context(), root, input.Wanted{Endings: vision.Endings()})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		images, err := found.Items(b.Context(), ids)
		if err != nil || images.Len() != len(ids) {
			b.Fatalf("found %d of %d: %v", images.Len(), len(ids), err)
		}
	}
}
