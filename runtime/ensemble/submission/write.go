package submission

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// Write writes the labels to path, in the order of the sample submission. rows holds the
// number of the image of each row. Images without prediction get f. The file at path
// changes as a whole or not at all.
func Write(path string, sample *input.Table, rows []int, s *Sum, f Fallback) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	w := csv.NewWriter(out)
	if err := w.Write(sample.Columns[:]); err != nil {
		return err
	}
	var labels []int
	var text []byte
	for i, row := range sample.Rows {
		if image := rows[i]; s.Has(image) {
			labels = s.appendLabels(labels[:0], image)
		} else {
			labels = append(labels[:0], f.of(sample, i, s.classes)...)
		}
		text = text[:0]
		for n, c := range labels {
			if n > 0 {
				text = append(text, ' ')
			}
			text = strconv.AppendInt(text, int64(c), 10)
		}
		if err := w.Write([]string{row.ID, string(text)}); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return out.Commit()
}

// WritePredictions writes the predictions of a fold to path, as a .npy file of type
// float32 and shape rows × classes. rows holds the number of the image of each row. An
// image without prediction gets -threshold: the prediction for a sigmoid of 0.
func WritePredictions(path string, predictions []float32, rows []int, classes int, threshold float64) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := npy.WriteHeader(w, npy.Header{DType: npy.Float32, Shape: []int{len(rows), classes}}); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	missing := make([]float32, classes)
	for c := range missing {
		missing[c] = float32(-threshold)
	}
	for _, image := range rows {
		row := predictions[image*classes : (image+1)*classes]
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
