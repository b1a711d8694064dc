package config_test

import (
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

// images returns a config with more keys in its section model.
func images(keys string) string {
	return "model: {arch: cifar_resnet20, num_classes: 10, input_size: 224" + keys + "}\n"
}

func TestImageKeysSurviveMarshalling(t *testing.T) {
	for _, text := range []string{
		images(""), images(", resize: crop") + "alpha: drop\nexif: ignore\n", images(", resize: shorter-side"),
		images(", resize: shorter-side, crop_pct: 0.95, interpolation: bicubic"), images(", resize: shorter-side, crop_pct: 1"),
		images(", resize: shorter-side, resize_to: 232"), images(", resize: squash, interpolation: opencv-area"),
		images(", resize: letterbox, interpolation: opencv-linear"), images(", resize: longer-side, pad: [124, 116, 104]"),
		images(", normalize: inception"), images(", normalize: openai_clip"), images(", normalize: none"),
		images(", mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]"), images("") + "test:\n  num_ttas: 1\nalpha: white\nexif: apply\n",
		images("") + "alpha: black\n",
	} {
		c, _, err := config.Parse("c.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c)
	}
}

func TestImageKeysCanBeSet(t *testing.T) {
	c, _, err := config.Parse("c.yml", []byte(images("")))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"model.resize=shorter-side", "model.crop_pct=0.9", "alpha=white", "model.resize_to="} {
		err = c.Set(s)
	}
	if err == nil {
		t.Error("an empty number is set")
	}
	if err := c.Set("model.crop_pct=2"); err == nil || !strings.Contains(err.Error(), "must be between 0.01 and 1") {
		t.Errorf("got %v", err)
	}
	if m := c.Ensemble("m"); m.Scaling.Side != 248 || m.Alpha != vision.OverWhite {
		t.Errorf("%+v", m)
	}
}

func TestUnsetImageKeysAreNotWritten(t *testing.T) {
	c, _, err := config.Parse("c.yml", []byte(images("")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"resize", "interpolation", "crop_pct", "pad", "normalize", "mean:", "std", "alpha", "exif"} {
		if strings.Contains(string(text), key) {
			t.Errorf("%s is written:\n%s", key, text)
		}
	}
}
