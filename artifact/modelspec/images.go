package modelspec

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// defaultCropPct is the share of the shorter side that the input shows unless
// model.crop_pct or model.resize_to gives another. It is the default of timm, and
// torchvision's 224 of 256 pixels.
const defaultCropPct = 0.875

// The names of the treatments of transparency and of the EXIF orientation, in
// the order of vision's constants.
var (
	alphas = []string{"drop", "white", "black"}
	exifs  = []string{"ignore", "apply"}
)

// Ensemble returns the model that the spec describes, without folds and coefficient.
// Training, validation, predictions and kernels all prepare images by it.
func (s *Spec) Ensemble(name string) ensemble.Model {
	m := ensemble.Model{
		Name: name, Arch: s.Model.Arch, Task: s.Model.Task(), InputSize: s.Model.InputSize, Classes: s.Model.NumClasses,
		Views: max(1, s.Test.NumTTAs), Dropout: s.Model.Dropout, Scaling: s.Model.scaling(),
		Alpha: vision.Alpha(max(0, slices.Index(alphas, s.Alpha))),
		EXIF:  vision.EXIF(max(0, slices.Index(exifs, s.EXIF))),
	}
	if n, ok := normalization(s.Model.Normalize); ok {
		m.Mean, m.Std = n.Mean, n.Std
	}
	if len(s.Model.Std) == 3 {
		for i := range 3 {
			m.Mean[i], m.Std[i] = float32(s.Model.Mean[i]), float32(s.Model.Std[i])
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

// scaling returns how images are scaled. The keys have passed their checks.
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

// checkImages refuses contradictions in the keys that say how images are read, scaled
// and normalized.
func (s *Spec) checkImages(d *yamlfile.Decoder) error {
	m := &s.Model
	m.Normalize = strings.TrimPrefix(m.Normalize, "openai_") // timm's OPENAI_CLIP_MEAN
	for _, e := range []struct{ key, what, value string }{
		{"model.resize", "policy", m.Resize},
		{"model.interpolation", "interpolation", m.Interpolation},
		{"model.normalize", "normalization", m.Normalize},
		{"alpha", "treatment of transparency", s.Alpha},
		{"exif", "treatment of the EXIF orientation", s.EXIF},
	} {
		if valid := Values(e.key); e.value != "" && !slices.Contains(valid, e.value) {
			return d.ErrorAt(e.key, "%s", yamlfile.Unknown(e.what, e.value, e.key, valid))
		}
	}
	if err := m.checkScaling(d); err != nil {
		return err
	}
	if err := m.checkNormalization(d); err != nil {
		return err
	}
	if most := m.scaling().MaxViews(m.InputSize); s.Test.NumTTAs > most {
		return d.ErrorAt("test.num_ttas", "test.num_ttas is %d, but with model.resize: %s there are %d views: the whole image, plain and mirrored",
			s.Test.NumTTAs, m.policy(), most)
	}
	return nil
}

// checkScaling refuses parameters that do not go with the policy.
func (m Model) checkScaling(d *yamlfile.Decoder) error {
	policy := m.policy()
	for _, k := range []struct {
		key   string
		takes []vision.Policy
	}{
		{"model.crop_pct", []vision.Policy{vision.Squash, vision.ShorterSide, vision.LongerSide}},
		{"model.resize_to", []vision.Policy{vision.Squash, vision.ShorterSide, vision.LongerSide}},
		{"model.pad", []vision.Policy{vision.LongerSide, vision.Letterbox}},
	} {
		if d.Given(k.key) && !slices.Contains(k.takes, policy) {
			return d.ErrorAt(k.key, "%s goes with model.resize: %s, not with %s", k.key, either(k.takes), policy)
		}
	}
	switch {
	case d.Given("model.crop_pct") && !(m.CropPct >= 0.01 && m.CropPct <= 1):
		return d.ErrorAt("model.crop_pct", "model.crop_pct is %s; it must be between 0.01 and 1, the share of the side that the input shows", say.Number(m.CropPct))
	case d.Given("model.crop_pct") && d.Given("model.resize_to"):
		return d.ErrorAt("model.resize_to", "model.resize_to and model.crop_pct say the same thing; give one")
	case d.Given("model.resize_to") && (m.ResizeTo < m.InputSize || m.ResizeTo > vision.MaxSide):
		return d.ErrorAt("model.resize_to", "model.resize_to is %d; it must be between model.input_size (%d) and %d pixels", m.ResizeTo, m.InputSize, vision.MaxSide)
	case d.Given("model.pad") && len(m.Pad) != 3:
		return d.ErrorAt("model.pad", "model.pad must have three numbers, red, green and blue, not %d", len(m.Pad))
	}
	for i, v := range m.Pad {
		if v < 0 || v > 255 {
			return d.ErrorAt(fmt.Sprintf("model.pad[%d]", i), "model.pad has %d; levels are 0 to 255", v)
		}
	}
	if err := m.scaling().Check(m.InputSize); err != nil {
		return d.ErrorAt("model.crop_pct", "model.resize: %v", err)
	}
	return nil
}

// either returns the names of the policies as a choice: "squash or shorter-side".
func either(list []vision.Policy) string {
	var names []string
	for _, p := range list {
		names = append(names, p.String())
	}
	return strings.Join(names, " or ")
}

// checkNormalization refuses a mean without a standard deviation, or the reverse, and
// values that are not for pixels from 0 to 1.
func (m Model) checkNormalization(d *yamlfile.Decoder) error {
	mean, std := d.Given("model.mean"), d.Given("model.std")
	switch {
	case mean != std && mean:
		return d.ErrorAt("model.mean", "model.mean needs model.std")
	case mean != std:
		return d.ErrorAt("model.std", "model.std needs model.mean")
	case !mean:
		return nil
	case m.Normalize != "":
		return d.ErrorAt("model.normalize", "model.normalize and model.mean say the same thing; give one")
	}
	for _, l := range []struct {
		key    string
		values []float64
		least  float64
	}{{"model.mean", m.Mean, 0}, {"model.std", m.Std, 1e-4}} {
		if len(l.values) != 3 {
			return d.ErrorAt(l.key, "%s must have three numbers, red, green and blue, not %d", l.key, len(l.values))
		}
		for i, v := range l.values {
			if !(v >= l.least && v <= 1) {
				return d.ErrorAt(fmt.Sprintf("%s[%d]", l.key, i), "%s has %s; it must be between %s and 1 (levels of 0 to 255 are divided by 255 first)", l.key, say.Number(v), say.Number(l.least))
			}
		}
	}
	return nil
}
