package config

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"gopkg.in/yaml.v3"
)

// defaultCropPct is the share of the shorter side that the input shows, unless
// model.crop_pct or model.resize_to says otherwise: timm's default, and
// torchvision's 224 of 256 pixels.
const defaultCropPct = 0.875

// The names of the treatments of transparency and of the EXIF orientation, in
// the order of vision's constants.
var (
	alphas = []string{"drop", "white", "black"}
	exifs  = []string{"ignore", "apply"}
)

// Ensemble returns the model that the config describes, without folds and
// coefficient. Training, validation, predictions and kernels all treat images
// as it says.
func (c *Config) Ensemble(name string) ensemble.Model {
	m := ensemble.Model{
		Name: name, Arch: c.Model.Arch, InputSize: c.Model.InputSize, Classes: c.Model.NumClasses,
		Views: max(1, c.Test.NumTTAs), Dropout: c.Model.Dropout, Scaling: c.Model.scaling(),
		Alpha: vision.Alpha(max(0, slices.Index(alphas, c.Alpha))),
		EXIF:  vision.EXIF(max(0, slices.Index(exifs, c.EXIF))),
	}
	if n, ok := normalization(c.Model.Normalize); ok {
		m.Mean, m.Std = n.Mean, n.Std
	}
	if len(c.Model.Std) == 3 {
		for i := range 3 {
			m.Mean[i], m.Std[i] = float32(c.Model.Mean[i]), float32(c.Model.Std[i])
		}
	}
	return m
}

// normalization returns the normalization called name.
func normalization(name string) (vision.Normalization, bool) {
	for _, n := range vision.Normalizations() {
		if n.Name == name {
			return n, true
		}
	}
	return vision.Normalization{}, false
}

// policy returns the policy that model.resize names.
func (m Model) policy() vision.Policy {
	p, _ := vision.ParsePolicy(m.Resize)
	return p
}

// scaling returns what the checked keys of the section say.
func (m Model) scaling() vision.Scaling {
	s := vision.Scaling{Policy: m.policy()}
	f, ok := vision.ParseInterpolation(m.Interpolation)
	if !ok && s.Policy != vision.CropOnly {
		f = vision.Bilinear
	}
	s.Interpolation = f
	pct := m.CropPct
	if pct == 0 && s.Policy == vision.ShorterSide {
		pct = defaultCropPct
	}
	switch {
	case m.ResizeTo != 0:
		s.Side = m.ResizeTo
	case pct != 0:
		s.Side = int(math.Floor(float64(m.InputSize) / pct))
	}
	if s.Side == m.InputSize {
		s.Side = 0
	}
	if s.Policy == vision.Letterbox {
		s.Pad = [3]uint8{114, 114, 114}
	}
	for i, v := range m.Pad {
		s.Pad[i] = uint8(v)
	}
	return s
}

// checkImages refuses what makes no sense in the keys that say how images are
// read, scaled and normalized.
func (c *Config) checkImages(d *decoder) error {
	m := &c.Model
	m.Normalize = strings.TrimPrefix(m.Normalize, "openai_") // timm's OPENAI_CLIP_MEAN
	for _, e := range []struct{ key, what, value string }{
		{"model.resize", "policy", m.Resize},
		{"model.interpolation", "interpolation", m.Interpolation},
		{"model.normalize", "normalization", m.Normalize},
		{"alpha", "treatment of transparency", c.Alpha},
		{"exif", "treatment of the EXIF orientation", c.EXIF},
	} {
		if valid := Values(e.key); e.value != "" && !slices.Contains(valid, e.value) {
			return d.failAt(e.key, "%s", unknown(e.what, e.value, e.key, valid))
		}
	}
	if err := m.checkScaling(d); err != nil {
		return err
	}
	if err := m.checkNormalization(d); err != nil {
		return err
	}
	if most := m.scaling().MaxViews(m.InputSize); c.Test.NumTTAs > most {
		return d.failAt("test.num_ttas", "test.num_ttas is %d, but with model.resize: %s there are %d views: the whole image, plain and mirrored",
			c.Test.NumTTAs, m.policy(), most)
	}
	return nil
}

// given reports whether the file sets a key to a value.
func (d *decoder) given(key string) bool {
	n := d.at[key]
	return n != nil && (n.Kind != yaml.ScalarNode || n.Tag != "!!null")
}

// checkScaling refuses parameters that do not go with the policy.
func (m Model) checkScaling(d *decoder) error {
	policy := m.policy()
	for _, k := range []struct {
		key   string
		takes []vision.Policy
	}{
		{"model.crop_pct", []vision.Policy{vision.Squash, vision.ShorterSide, vision.LongerSide}},
		{"model.resize_to", []vision.Policy{vision.Squash, vision.ShorterSide, vision.LongerSide}},
		{"model.pad", []vision.Policy{vision.LongerSide, vision.Letterbox}},
	} {
		if d.given(k.key) && !slices.Contains(k.takes, policy) {
			return d.failAt(k.key, "%s goes with model.resize: %s, not with %s", k.key, either(k.takes), policy)
		}
	}
	switch {
	case d.given("model.crop_pct") && !(m.CropPct >= 0.01 && m.CropPct <= 1):
		return d.failAt("model.crop_pct", "model.crop_pct is %s; it must be between 0.01 and 1, the share of the side that the input shows", say.Number(m.CropPct))
	case d.given("model.crop_pct") && d.given("model.resize_to"):
		return d.failAt("model.resize_to", "model.resize_to and model.crop_pct say the same thing; give one")
	case d.given("model.resize_to") && (m.ResizeTo < m.InputSize || m.ResizeTo > vision.MaxSide):
		return d.failAt("model.resize_to", "model.resize_to is %d; it must be between model.input_size (%d) and %d pixels", m.ResizeTo, m.InputSize, vision.MaxSide)
	case d.given("model.pad") && len(m.Pad) != 3:
		return d.failAt("model.pad", "model.pad must have three numbers, red, green and blue, not %d", len(m.Pad))
	}
	for i, v := range m.Pad {
		if v < 0 || v > 255 {
			return d.failAt(fmt.Sprintf("model.pad[%d]", i), "model.pad has %d; levels are 0 to 255", v)
		}
	}
	if err := m.scaling().Check(m.InputSize); err != nil {
		return d.failAt("model.crop_pct", "model.resize: %v", err)
	}
	return nil
}

// either lists policies.
func either(list []vision.Policy) string {
	var names []string
	for _, p := range list {
		names = append(names, p.String())
	}
	return strings.Join(names, " or ")
}

// checkNormalization refuses a mean and a standard deviation that do not go
// together or are not of pixels from 0 to 1.
func (m Model) checkNormalization(d *decoder) error {
	mean, std := d.given("model.mean"), d.given("model.std")
	switch {
	case mean != std && mean:
		return d.failAt("model.mean", "model.mean needs model.std")
	case mean != std:
		return d.failAt("model.std", "model.std needs model.mean")
	case !mean:
		return nil
	case m.Normalize != "":
		return d.failAt("model.normalize", "model.normalize and model.mean say the same thing; give one")
	}
	for _, l := range []struct {
		key    string
		values []float64
		least  float64
	}{{"model.mean", m.Mean, 0}, {"model.std", m.Std, 1e-4}} {
		if len(l.values) != 3 {
			return d.failAt(l.key, "%s must have three numbers, red, green and blue, not %d", l.key, len(l.values))
		}
		for i, v := range l.values {
			if !(v >= l.least && v <= 1) {
				return d.failAt(fmt.Sprintf("%s[%d]", l.key, i), "%s has %s; it must be between %s and 1 (levels of 0 to 255 are divided by 255 first)", l.key, say.Number(v), say.Number(l.least))
			}
		}
	}
	return nil
}
