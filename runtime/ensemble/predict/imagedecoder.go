package predict

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// imageDecoder is a decoder of image files.
type imageDecoder struct {
	decoder vision.Decoder
	pre     vision.Preprocess
	scratch vision.Scratch
	saw     func(width, height int) // receives the size of each image; nil is silent
}

// newImageDecoders returns n decoders for the images of a model, whose architecture is a.
func newImageDecoders(n int, m *ensemble.Model, a arch.Arch, formats []vision.Format, saw func(width, height int)) []decoder {
	all := make([]decoder, n)
	for i := range all {
		all[i] = &imageDecoder{decoder: m.Decoder(formats), pre: m.Preprocess(a), saw: saw}
	}
	return all
}

// decode implements decoder.
func (d *imageDecoder) decode(path string, views int, inputs []float32) (bool, error) {
	img, err := d.decoder.DecodeFile(path)
	if img == nil {
		return false, err
	}
	if d.saw != nil {
		d.saw(img.W, img.H)
	}
	d.pre.Views(img, views, inputs, &d.scratch)
	return true, err
}
