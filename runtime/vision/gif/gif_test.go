package gif_test

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/gif"
)

func TestPixelsArePillows(t *testing.T) {
	visiontest.Corpus(t, "testdata", gif.Format, visiontest.Damage{Always: []string{"cut-", "few-", "bad-"}, Maybe: []string{"maybe-"}})
}

func FuzzDecode(f *testing.F) { visiontest.Fuzz(f, "testdata", gif.Format) }
