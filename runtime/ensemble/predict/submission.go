package predict

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// writeSubmission writes the labels of every row's image, in the sample's order.
// places has the number of each row's image. Images without prediction get the
// fallback.
func writeSubmission(path string, sample *input.Table, places []int, s *sum, f fallback) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	w := csv.NewWriter(out)
	if err := w.Write(sample.Columns[:]); err != nil {
		return err
	}
	var classes []int
	var labels []byte
	for i, row := range sample.Rows {
		classes, labels = s.labels(classes[:0], places[i]), labels[:0]
		if !s.has[places[i]] {
			classes = append(classes[:0], f.labels(sample, i, s.classes)...)
		}
		for n, c := range classes {
			if n > 0 {
				labels = append(labels, ' ')
			}
			labels = strconv.AppendInt(labels, int64(c), 10)
		}
		if err := w.Write([]string{row.ID, string(labels)}); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return out.Commit()
}

// writePredictions writes a fold's predictions as a .npy file, a row for each of
// places, which are numbers of images. Images that could not be read have the
// prediction of sigmoid 0.
func writePredictions(path string, predictions []float32, places []int, classes int, threshold float64) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := npy.WriteHeader(w, npy.Header{DType: npy.Float32, Shape: []int{len(places), classes}}); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	empty := make([]float32, classes)
	for c := range empty {
		empty[c] = float32(-threshold)
	}
	for _, i := range places {
		row := predictions[i*classes : (i+1)*classes]
		if missing(row) {
			row = empty
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
