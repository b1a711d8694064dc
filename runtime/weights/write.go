package weights

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// metadataKey is the only key of a header that is not a tensor.
const metadataKey = "__metadata__"

// Write writes the dict as a safetensors file. Equal dicts give equal bytes.
func Write(w io.Writer, s *StateDict) error {
	order, err := layout(s)
	if err != nil {
		return fmt.Errorf("writing safetensors: %w", err)
	}
	head := header(s, order)
	if len(head) > maxHeader {
		return fmt.Errorf("writing safetensors: a header of %d bytes is over the format's limit of %d", len(head), maxHeader)
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(head)))); err != nil {
		return fmt.Errorf("writing safetensors: %w", err)
	}
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("writing safetensors: %w", err)
	}
	for _, i := range order {
		if _, err := w.Write(s.Tensors[i].Data); err != nil {
			return fmt.Errorf("writing safetensors: tensor %s: %w", s.Tensors[i].Name, err)
		}
	}
	return nil
}

// layout checks the tensors, and returns their indices in the order of their data:
// the widest elements first.
func layout(s *StateDict) ([]int, error) {
	names := make(map[string]bool, len(s.Tensors))
	order := make([]int, len(s.Tensors))
	for i, t := range s.Tensors {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		if t.Name == metadataKey || names[t.Name] {
			return nil, fmt.Errorf("the name %q is taken", t.Name)
		}
		names[t.Name] = true
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return s.Tensors[b].DType.Size() - s.Tensors[a].DType.Size()
	})
	return order, nil
}

func header(s *StateDict, order []int) []byte {
	begin := make([]int, len(order))
	at := 0
	for _, i := range order {
		begin[i] = at
		at += len(s.Tensors[i].Data)
	}
	b := []byte("{")
	comma := func() {
		if len(b) > 1 {
			b = append(b, ',')
		}
	}
	if len(s.Metadata) > 0 {
		b = append(appendString(b, metadataKey), ":{"...)
		for i, k := range slices.Sorted(maps.Keys(s.Metadata)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(append(appendString(b, k), ':'), s.Metadata[k])
		}
		b = append(b, '}')
	}
	for i, t := range s.Tensors {
		comma()
		b = append(appendString(b, t.Name), `:{"dtype":"`...)
		b = append(append(b, t.DType.String()...), `","shape":`...)
		b = append(appendInts(b, t.Shape...), `,"data_offsets":`...)
		b = append(appendInts(b, begin[i], begin[i]+len(t.Data)), '}')
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	return b
}

func appendString(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		panic("weights: internal error: " + err.Error()) // a string always has a JSON form
	}
	return append(b, q...)
}

func appendInts(b []byte, ints ...int) []byte {
	b = append(b, '[')
	for i, n := range ints {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}
