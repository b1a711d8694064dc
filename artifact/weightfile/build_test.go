package weightfile_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// pair is an entry of a checkpoint's dict. The value is a dict ([]pair), a state
// dict ([]weights.Tensor), a list of tensors (unnamed), a text, a number, or a
// pickle's instructions (ops).
type pair struct {
	key   string
	value any
}

type (
	ops     string
	unnamed []weights.Tensor
)

// torchSave returns a file as torch.save makes it.
func torchSave(t testing.TB, root any) []byte {
	t.Helper()
	p := &pickler{t: t}
	p.WriteString("\x80\x02")
	p.value(root)
	p.WriteString(".")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	p.file(z, "archive/data.pkl", p.Bytes())
	for i, data := range p.storages {
		p.file(z, fmt.Sprintf("archive/data/%d", i), data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type pickler struct {
	bytes.Buffer
	t        testing.TB
	storages [][]byte
}

func (p *pickler) file(z *zip.Writer, name string, data []byte) {
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	})
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pickler) text(s string) {
	p.WriteString("X")
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
}

func (p *pickler) number(n int) {
	p.WriteString("J")
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

func (p *pickler) value(v any) {
	switch v := v.(type) {
	case ops:
		p.WriteString(string(v))
	case string:
		p.text(v)
	case int:
		p.number(v)
	case []pair:
		p.WriteString("}")
		for _, e := range v {
			p.text(e.key)
			p.value(e.value)
			p.WriteString("s")
		}
	case []weights.Tensor:
		p.WriteString("}")
		for _, t := range v {
			p.text(t.Name)
			p.tensor(t)
			p.WriteString("s")
		}
	case unnamed:
		p.WriteString("](")
		for _, t := range v {
			p.tensor(t)
		}
		p.WriteString("e")
	default:
		p.t.Fatalf("no way to pickle %T", v)
	}
}

func (p *pickler) tensor(t weights.Tensor) {
	class := map[weights.DType]string{weights.F32: "Float", weights.I64: "Long"}[t.DType]
	n := len(t.Data) / t.DType.Size()
	p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
	p.text("storage")
	p.WriteString("ctorch\n" + class + "Storage\n")
	p.text(fmt.Sprint(len(p.storages)))
	p.text("cpu")
	p.number(n)
	p.WriteString("tQ")
	p.number(0)
	p.WriteString("(")
	for _, d := range t.Shape {
		p.number(d)
	}
	p.WriteString("t(")
	step := n
	for _, d := range t.Shape {
		step /= d
		p.number(step)
	}
	p.WriteString("t\x89}tR")
	p.storages = append(p.storages, t.Data)
}

// netOf returns the weights of a small network, whose last bias begins with mark.
func netOf(t testing.TB, mark float32) []weights.Tensor {
	t.Helper()
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 3})
	if err != nil {
		t.Fatal(err)
	}
	tensors := golden.StateDict(g).Tensors
	for i, x := range tensors {
		if x.Name == "linear.bias" {
			tensors[i] = weights.NewFloat32(x.Name, x.Shape, []float32{mark, 0, 0})
		}
	}
	return tensors
}

// under puts a prefix before the names, and tensors behind them.
func under(prefix string, tensors []weights.Tensor, more ...weights.Tensor) []weights.Tensor {
	var out []weights.Tensor
	for _, x := range tensors {
		x.Name = prefix + x.Name
		out = append(out, x)
	}
	return append(out, more...)
}

// only keeps the tensors whose names end so, or all others.
func only(tensors []weights.Tensor, keep bool, endings ...string) []weights.Tensor {
	var out []weights.Tensor
	for _, x := range tensors {
		has := false
		for _, e := range endings {
			has = has || strings.HasSuffix(x.Name, e)
		}
		if has == keep {
			out = append(out, x)
		}
	}
	return out
}

func counter(name string) weights.Tensor {
	return weights.Tensor{Name: name, DType: weights.I64, Shape: []int{}, Data: make([]byte, 8)}
}

func floats(name string, v ...float32) weights.Tensor {
	return weights.NewFloat32(name, []int{len(v)}, v)
}

// safetensors is a file of these tensors.
func safetensors(t testing.TB, tensors []weights.Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := weights.Write(&b, &weights.StateDict{Tensors: tensors}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
