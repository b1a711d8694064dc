package submission

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// Write writes the submission to path, in the form and the order of the sample. rows holds
// the number of the image of each row. Images without prediction get f. The file at path
// changes as a whole or not at all.
func Write(path string, sample *input.Sample, rows []int, s *Sum, f Fallback) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	w := csv.NewWriter(out)
	if err := w.Write(sample.Form.Header); err != nil {
		return err
	}
	r := &rowWriter{form: &sample.Form, sum: s, fallback: f, record: make([]string, len(sample.Form.Header))}
	for i := range sample.Rows {
		if err := w.Write(r.row(&sample.Rows[i], rows[i])); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return out.Commit()
}

// rowWriter makes the rows of a submission.
type rowWriter struct {
	form     *input.Form
	sum      *Sum
	fallback Fallback
	record   []string // the last row
	labels   []int
	text     []byte
}

// row returns the record of a row. It is valid until the next call.
func (w *rowWriter) row(row *input.SampleRow, image int) []string {
	copy(w.record, row.Copied)
	w.record[w.form.ID] = row.ID
	w.labels = w.labels[:0]
	if w.form.Answer != input.Values {
		if w.sum.Has(image) {
			w.labels = w.sum.appendLabels(w.labels, image)
		} else if w.form.Layout == input.OneField && w.form.Answer != input.Indicators {
			w.labels = append(w.labels, w.fallback.of(row)...)
		} else {
			w.labels = append(w.labels, w.fallback.labels...)
		}
	}
	switch w.form.Layout {
	case input.OneField:
		w.record[w.form.Field] = w.field(image, w.form.Target)
	case input.ColumnPerClass:
		for i, c := range w.form.Classes {
			if c >= 0 {
				w.record[i] = w.field(image, c)
			}
		}
	default:
		w.record[w.form.Field] = w.field(image, row.Class)
	}
	return w.record
}

// field returns the answer about an image, or about one of its classes.
func (w *rowWriter) field(image, c int) string {
	w.text = w.text[:0]
	switch w.form.Answer {
	case input.Values:
		x := 0.0
		if w.sum.Has(image) {
			x = w.sum.value(image, c)
		} else {
			x = w.fallback.values[c]
		}
		w.text = strconv.AppendFloat(w.text, float64(float32(x)), 'f', -1, 32)
	case input.Indicators:
		if slices.Contains(w.labels, c) {
			return w.form.Yes
		}
		return w.form.No
	default:
		w.text = appendLabels(w.text, w.form, w.labels)
	}
	return string(w.text)
}

// appendLabels appends a field of labels to dst.
func appendLabels(dst []byte, form *input.Form, labels []int) []byte {
	if len(labels) == 0 {
		return append(dst, form.None...)
	}
	for i, c := range labels {
		if i > 0 {
			dst = append(dst, form.Separator...)
		}
		dst = form.AppendClass(dst, c)
	}
	return dst
}

// WritePredictions writes the predictions of a fold to path, as a .npy file of type
// float32 and shape rows × values. rows holds the number of the image of each row. An
// image without prediction gets -threshold: the prediction for a sigmoid of 0.
func WritePredictions(path string, predictions []float32, rows []int, values int, threshold float64) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := npy.WriteHeader(w, npy.Header{DType: npy.Float32, Shape: []int{len(rows), values}}); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	missing := make([]float32, values)
	for c := range missing {
		missing[c] = float32(-threshold)
	}
	for _, image := range rows {
		row := predictions[image*values : (image+1)*values]
		if isMissing(row) {
			row = missing
		}
		if err := npy.AppendFloat32s(w, row); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Commit()
}
