package bmp_test

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/bmp"
)

func TestPixelsArePillows(t *testing.T) {
	visiontest.Corpus(t, "testdata", bmp.Format, visiontest.Damage{Always: []string{"cut-"}})
}

func FuzzDecode(f *testing.F) { visiontest.Fuzz(f, "testdata", bmp.Format) }
