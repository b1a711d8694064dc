package modelspec_test

import (
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/google/go-cmp/cmp"
)

// images returns a config with more keys in its section model.
func images(keys string) string {
	return "model: {arch: cifar_resnet20, num_classes: 10, input_size: 224" + keys + "}\n"
}

func TestImageKeysBecomePropertiesOfTheModel(t *testing.T) {
	plain := ensemble.Model{Name: "m", Arch: "cifar_resnet20", InputSize: 224, Classes: 10, Views: 1}
	for _, c := range []struct {
		name, text string
		want       func(m *ensemble.Model)
	}{
		{"nothing", images(""), func(*ensemble.Model) {}},
		{"the defaults", images(", resize: crop") + "alpha: drop\nexif: ignore\n", func(*ensemble.Model) {}},
		{"shorter-side", images(", resize: shorter-side"), func(m *ensemble.Model) {
			m.Scaling = vision.Scaling{Policy: vision.ShorterSide, Interpolation: vision.Bilinear, Side: 256}
		}},
		{"crop_pct as timm rounds it", images(", resize: shorter-side, crop_pct: 0.95, interpolation: bicubic"), func(m *ensemble.Model) {
			m.Scaling = vision.Scaling{Policy: vision.ShorterSide, Side: 235}
		}},
		{"crop_pct 1", images(", resize: shorter-side, crop_pct: 1"), func(m *ensemble.Model) {
			m.Scaling = vision.Scaling{Policy: vision.ShorterSide, Interpolation: vision.Bilinear}
		}},
		{"resize_to", images(", resize: shorter-side, resize_to: 232"), func(m *ensemble.Model) {
			m.Scaling = vision.Scaling{Policy: vision.ShorterSide, Interpolation: vision.Bilinear, Side: 232}
		}},
		{"squash", images(", resize: squash, interpolation: opencv-area"), func(m *ensemble.Model) {
			m.Scaling = vision.Scaling{Policy: vision.Squash, Interpolation: vision.OpenCVArea}
		}},
		{"letterbox", images(", resize: letterbox, interpolation: opencv-linear"), func(m *ensemble.Model) {
			m.Scaling = vision.Scaling{Policy: vision.Letterbox, Interpolation: vision.OpenCVLinear, Pad: [3]uint8{114, 114, 114}}
		}},
		{"pad", images(", resize: longer-side, pad: [124, 116, 104]"), func(m *ensemble.Model) {
			m.Scaling = vision.Scaling{Policy: vision.LongerSide, Interpolation: vision.Bilinear, Pad: [3]uint8{124, 116, 104}}
		}},
		{"a name", images(", normalize: inception"), func(m *ensemble.Model) {
			m.Mean, m.Std = [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}
		}},
		{"an alias", images(", normalize: openai_clip"), func(m *ensemble.Model) {
			m.Mean, m.Std = [3]float32{0.48145466, 0.4578275, 0.40821073}, [3]float32{0.26862954, 0.26130258, 0.27577711}
		}},
		{"none", images(", normalize: none"), func(m *ensemble.Model) { m.Std = [3]float32{1, 1, 1} }},
		{"numbers", images(", mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]"), func(m *ensemble.Model) {
			m.Mean, m.Std = [3]float32{0.1, 0.2, 0.3}, [3]float32{0.4, 0.5, 0.6}
		}},
		{"lines after the last section", images("") + "test:\n  num_ttas: 1\nalpha: white\nexif: apply\n", func(m *ensemble.Model) {
			m.Alpha, m.EXIF = vision.OverWhite, vision.ApplyEXIF
		}},
		{"black", images("") + "alpha: black\n", func(m *ensemble.Model) { m.Alpha = vision.OverBlack }},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := modelspec.Parse("c.yml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			want := plain
			c.want(&want)
			if diff := cmp.Diff(want, got.Ensemble("m")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMistakesInImageKeysAreRefusedAtTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"policy", images(", resize: shorterside"), `c.yml:1:73: unknown policy "shorterside" in model.resize (did you mean "shorter-side"?); there are crop, squash, shorter-side, longer-side, letterbox`},
		{"interpolation", images(", interpolation: opencv_area"), `unknown interpolation "opencv_area" in model.interpolation (did you mean "opencv-area"?); there are bicubic, bilinear`},
		{"normalization", images(", normalize: imagenett"), `(did you mean "imagenet"?); there are imagenet, inception, clip, none`},
		{"alpha", images("") + "alpha: whit\n", `c.yml:2:8: unknown treatment of transparency "whit" in alpha (did you mean "white"?); there are drop, white, black`},
		{"exif", images("") + "exif: yes\n", `c.yml:2:7: unknown treatment of the EXIF orientation "yes" in exif; there are ignore, apply`},
		{"crop_pct with crop", images(", crop_pct: 0.9"), "c.yml:1:75: model.crop_pct goes with model.resize: squash or shorter-side or longer-side, not with crop"},
		{"pad with squash", images(", resize: squash, pad: [0, 0, 0]"), "model.pad goes with model.resize: longer-side or letterbox, not with squash"},
		{"crop_pct in percent", images(", resize: shorter-side, crop_pct: 87.5"), "model.crop_pct is 87.5; it must be between 0.01 and 1"},
		{"crop_pct 0", images(", resize: shorter-side, crop_pct: 0"), "model.crop_pct is 0; it must be between 0.01 and 1"},
		{"crop_pct too small", images(", resize: shorter-side, crop_pct: 0.02"), "a side of 11200 pixels for a square of 224: it must be 224 to 8192"},
		{"both", images(", resize: shorter-side, crop_pct: 0.9, resize_to: 256"), "model.resize_to and model.crop_pct say the same thing; give one"},
		{"resize_to", images(", resize: shorter-side, resize_to: 200"), "model.resize_to is 200; it must be between model.input_size (224) and 8192 pixels"},
		{"pad of one", images(", resize: letterbox, pad: [114]"), "model.pad must have three numbers, red, green and blue, not 1"},
		{"pad level", images(", resize: letterbox, pad: [0, 256, 0]"), "model.pad has 256; levels are 0 to 255"},
		{"mean alone", images(", mean: [0.5, 0.5, 0.5]"), "model.mean needs model.std"},
		{"std alone", images(", std: [0.5, 0.5, 0.5]"), "model.std needs model.mean"},
		{"levels", images(", mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]"), "c.yml:1:72: model.mean has 123.675; it must be between 0 and 1 (levels of 0 to 255 are divided by 255 first)"},
		{"std 0", images(", mean: [0, 0, 0], std: [0, 0, 0]"), "model.std has 0; it must be between 0.0001 and 1"},
		{"name and numbers", images(", normalize: none, mean: [0, 0, 0], std: [1, 1, 1]"), "model.normalize and model.mean say the same thing; give one"},
		{"views", images(", resize: squash") + "test: {num_ttas: 4}\n", "c.yml:2:18: test.num_ttas is 4, but with model.resize: squash there are 2 views: the whole image, plain and mirrored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := modelspec.Parse("c.yml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
