package webp_test

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/webp"
)

func TestPixelsArePillows(t *testing.T) {
	visiontest.Corpus(t, "testdata", webp.Format, visiontest.Damage{})
}

func TestTruncatedFilesAreRefused(t *testing.T) {
	for _, f := range visiontest.Files(t, "testdata") {
		for _, n := range []int{12, 20, 25, len(f.Data) / 2, len(f.Data) - 2} {
			if m, err := webp.Format.Decode(f.Data[:min(n, len(f.Data)-2)], 0); m != nil || err == nil {
				t.Errorf("%s: %d of %d bytes are accepted", f.Name, n, len(f.Data))
			}
		}
	}
}

func FuzzDecode(f *testing.F) { visiontest.Fuzz(f, "testdata", webp.Format) }
