package png_test

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/png"
)

func TestPixelsArePillows(t *testing.T) {
	visiontest.Corpus(t, "testdata", png.Format, visiontest.Damage{Always: []string{"cut-", "few-", "bad-"}, Maybe: []string{"maybe-"}})
}

func FuzzDecode(f *testing.F) { visiontest.Fuzz(f, "testdata", png.Format) }
