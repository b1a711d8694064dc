package gif_test

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/gif"
)

func TestPixelsArePillows(t *testing.T) {
	visiontest.Corpus(t, "testdata", gif.Format, "cut-", "few-", "bad-")
}

func FuzzDecode(f *testing.F) { visiontest.Fuzz(f, "testdata", gif.Format) }
