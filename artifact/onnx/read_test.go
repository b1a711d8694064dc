package onnx_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx/onnxtest"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
)

// small is a model of two nodes that uses attributes of every type.
func small() []byte {
	return onnxtest.Model(17,
		onnxtest.Input("x", -1, 2), onnxtest.Output("z"),
		onnxtest.Node("Relu", "x", "y", onnxtest.Attribute("i", 3), onnxtest.Attribute("f", 0.5),
			onnxtest.Attribute("s", "text"), onnxtest.Attribute("is", []int{1, -2}), onnxtest.Attribute("fs", []float64{1, 2})),
		onnxtest.Node("Add", "y w", "z"),
		onnxtest.Floats("w", []int{2}, 1, 2))
}

func TestModelsAreRead(t *testing.T) {
	m, err := onnx.Parse(small())
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	if m.IRVersion != 8 || m.Opsets[""] != 17 || len(g.Nodes) != 2 || len(g.Initializers) != 1 {
		t.Fatalf("got %+v", m)
	}
	if in := g.Inputs; len(in) != 1 || in[0].Type != onnx.Float32 || in[0].Shape[0].String() != "?" || in[0].Shape[1].Size != 2 {
		t.Errorf("inputs %+v", in)
	}
	relu := g.Nodes[0]
	if relu.Op != "Relu" || relu.Opset != 17 || !slices.Equal(relu.Attribute("is").Ints, []int64{1, -2}) ||
		relu.Attribute("f").Float != 0.5 || relu.Attribute("s").String != "text" || relu.Attribute("none") != nil {
		t.Errorf("node %+v", relu)
	}
	if got := floats(t, g.Initializers[0]); !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("the initializer holds %v", got)
	}
}

func floats(t *testing.T, x *onnx.Tensor) (out []float32) {
	t.Helper()
	b, err := x.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for ; len(b) > 0; b = b[4:] {
		out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return out
}

func TestWrittenNetworksAreReadAgain(t *testing.T) {
	g, err := arch.CIFARResNet20.Build(arch.Config{InputSize: 32, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	params := golden.ParamsOf(g)
	var file bytes.Buffer
	if err := onnx.Write(&file, g, params, onnx.Options{Metadata: map[string]string{"arch": g.Arch}}); err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Parse(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if m.Metadata["arch"] != g.Arch || len(m.Graph.Inputs) != 1 || m.Graph.Outputs[0].Name != "logits" {
		t.Errorf("got %+v", m)
	}
	byName := map[string]*onnx.Tensor{}
	for _, x := range m.Graph.Initializers {
		byName[x.Name] = x
	}
	for _, p := range g.Params() {
		want, _, err := params.Float32(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got := byName[p.Name]; got == nil || !slices.Equal(got.Shape, p.Shape) || !slices.Equal(floats(t, got), want) {
			t.Errorf("%s differs", p.Name)
		}
	}
}

// Each form holds the numbers 1 and 2.
func TestEveryFormOfDataIsRead(t *testing.T) {
	packed := []byte{1, 2}
	le32 := []byte{0, 0, 128, 63, 0, 0, 0, 64}
	le64 := append(binary.LittleEndian.AppendUint64(nil, math.Float64bits(1)), binary.LittleEndian.AppendUint64(nil, math.Float64bits(2))...)
	for _, c := range []struct {
		name string
		elem onnx.ElemType
		data [][]byte
		want []byte
	}{
		{"raw", onnx.Float32, [][]byte{onnxtest.Message(9, le32)}, le32},
		{"packed floats", onnx.Float32, [][]byte{onnxtest.Message(4, le32)}, le32},
		{"single floats", onnx.Float32, [][]byte{onnxtest.Float(4, 1), onnxtest.Float(4, 2)}, le32},
		{"doubles", onnx.Float64, [][]byte{onnxtest.Message(10, le64)}, le64},
		{"packed int64", onnx.Int64, [][]byte{onnxtest.Message(7, packed)}, []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}},
		{"single int64", onnx.Int64, [][]byte{onnxtest.Int(7, 1), onnxtest.Int(7, 2)}, []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}},
		{"int32", onnx.Int32, [][]byte{onnxtest.Message(5, packed)}, []byte{1, 0, 0, 0, 2, 0, 0, 0}},
		{"uint8 in int32", onnx.Uint8, [][]byte{onnxtest.Message(5, packed)}, []byte{1, 2}},
		{"bool in int32", onnx.Bool, [][]byte{onnxtest.Message(5, packed)}, []byte{1, 2}},
		{"float16 in int32", onnx.Float16, [][]byte{onnxtest.Int(5, 0x3c00), onnxtest.Int(5, 0x4000)}, []byte{0, 0x3c, 0, 0x40}},
		{"uint64", onnx.Uint64, [][]byte{onnxtest.Message(11, packed)}, []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}},
	} {
		m, err := onnx.Parse(onnxtest.Model(17, onnxtest.Tensor(5, "w", int(c.elem), []int{2}, c.data...)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Graph.Initializers[0].Bytes(); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

func TestExternalDataAreReadFromTheFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "w.data"), []byte{9, 9, 0, 0, 128, 63, 0, 0, 0, 64}, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := externalData(t, folder, "w.data", "2", "8"); err != nil || !bytes.Equal(got, []byte{0, 0, 128, 63, 0, 0, 0, 64}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func externalData(t *testing.T, folder, location, offset, length string) ([]byte, error) {
	t.Helper()
	entry := func(k, v string) []byte { return onnxtest.Message(13, onnxtest.Text(1, k), onnxtest.Text(2, v)) }
	file := filepath.Join(folder, "model.onnx")
	b := onnxtest.Model(17, onnxtest.Tensor(5, "w", 1, []int{2}, onnxtest.Int(14, 1),
		entry("location", location), entry("offset", offset), entry("length", length)))
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return m.Graph.Initializers[0].Bytes()
}

func TestExternalDataStayInTheFolder(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	folder := filepath.Join(outside, "model")
	if err := os.WriteFile(secret, []byte("12345678"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(folder, "link")); err != nil {
		t.Skipf("this system has no symbolic links: %v", err)
	}
	for _, c := range []struct{ location, offset, length, want string }{
		{"../secret", "0", "8", "leaves the model's folder"},
		{"sub/../../secret", "0", "8", "leaves the model's folder"},
		{secret, "0", "8", "leaves the model's folder"},
		{"", "0", "8", "leaves the model's folder"},
		{"link", "0", "8", "escapes"},
		{"sub", "0", "8", "no regular file"},
		{"absent", "0", "8", "no such file"},
		{"model.onnx", "0", "9", "states 9 bytes, but type and shape need 8"},
		{"model.onnx", "-1", "8", "from byte -1"},
		{"model.onnx", "9223372036854775807", "8", "the file has"},
	} {
		if _, err := externalData(t, folder, c.location, c.offset, c.length); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v", c, err)
		}
	}
}

func TestFunctionsAreInlined(t *testing.T) {
	// scaled(x) = x * s + Neg(x), where s is an attribute with a default.
	reference := onnxtest.Message(5, onnxtest.Text(1, "value_float"), onnxtest.Text(21, "s"), onnxtest.Int(20, 1))
	function := onnxtest.Message(25, onnxtest.Text(1, "scaled"), onnxtest.Text(10, "own"),
		onnxtest.Text(4, "x"), onnxtest.Text(5, "y"),
		onnxtest.Message(11, onnxtest.Text(1, "s"), onnxtest.Float(2, 3), onnxtest.Int(20, 1)),
		onnxtest.Message(7, onnxtest.Text(2, "c"), onnxtest.Text(4, "Constant"), reference),
		onnxtest.Message(7, onnxtest.Text(1, "x"), onnxtest.Text(1, "c"), onnxtest.Text(2, "m"), onnxtest.Text(4, "Mul")),
		onnxtest.Message(7, onnxtest.Text(1, "x"), onnxtest.Text(2, "n"), onnxtest.Text(4, "Neg")),
		onnxtest.Message(7, onnxtest.Text(1, "m"), onnxtest.Text(1, "n"), onnxtest.Text(2, "y"), onnxtest.Text(4, "Add")),
		onnxtest.Message(9, onnxtest.Int(2, 13)))
	call := func(in, out string, attributes ...[]byte) []byte {
		return onnxtest.Node("scaled", in, out, append(attributes, onnxtest.Text(7, "own"))...)
	}
	b := slices.Concat(function, onnxtest.Opset("own", 1), onnxtest.Model(17, onnxtest.Input("a", 2), onnxtest.Output("d"),
		call("a", "b"), call("b", "d", onnxtest.Attribute("s", 5.0))))
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range m.Graph.Nodes {
		got = append(got, n.Op+" "+strings.Join(n.Inputs, ",")+" > "+strings.Join(n.Outputs, ","))
	}
	want := []string{
		"Constant  > b/c", "Mul a,b/c > b/m", "Neg a > b/n", "Add b/m,b/n > b",
		"Constant  > d/c", "Mul b,d/c > d/m", "Neg b > d/n", "Add d/m,d/n > d",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if a, b := m.Graph.Nodes[0], m.Graph.Nodes[4]; a.Attribute("value_float").Float != 3 || b.Attribute("value_float").Float != 5 || a.Opset != 13 {
		t.Errorf("got %+v and %+v", a, b)
	}
}

func TestNodesAreSorted(t *testing.T) {
	m, err := onnx.Parse(onnxtest.Model(17, onnxtest.Input("x", 1), onnxtest.Output("z"),
		onnxtest.Node("Neg", "y", "z"), onnxtest.Node("Abs", "x", "y")))
	if err != nil {
		t.Fatal(err)
	}
	if m.Graph.Nodes[0].Op != "Abs" {
		t.Errorf("got %v first", m.Graph.Nodes[0])
	}
}

// refused checks that the file is refused with that word, in a second and 200 MB.
func refused(t *testing.T, name string, b []byte, want string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	m, err := onnx.Parse(b)
	if err == nil {
		for _, x := range m.Graph.Initializers {
			if _, err = x.Bytes(); err != nil {
				break
			}
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", name, err, want)
	}
	if err != nil && len(err.Error()) > 2000 {
		t.Errorf("%s: the message has %d bytes", name, len(err.Error()))
	}
	if used := after.TotalAlloc - before.TotalAlloc; took > time.Second || used > 200<<20 {
		t.Errorf("%s: took %v and %d MB", name, took, used>>20)
	}
}

func TestCutFilesAreRefused(t *testing.T) {
	b := small()
	for n := range b {
		refused(t, "cut", b[:n], "")
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	node := onnxtest.Node("Relu", "x", "y")
	many := bytes.Repeat(node, 1_000_000)
	attribute := onnxtest.Attribute("a", 1)
	nest := onnxtest.Node("If", "x", "y")
	for range 20 {
		nest = onnxtest.Node("If", "x", "y", onnxtest.Attribute("then_branch", onnxtest.Graph(6, nest)))
	}
	// Each function calls the next one a hundred times.
	var calls [][]byte
	for i := range 6 {
		inner := onnxtest.Message(7, onnxtest.Text(4, string(rune('b'+i))), onnxtest.Text(2, "o"))
		calls = append(calls, onnxtest.Message(25, onnxtest.Text(1, string(rune('a'+i))), onnxtest.Text(5, "o"), bytes.Repeat(inner, 100)))
	}
	bomb := slices.Concat(append(calls, onnxtest.Model(17, onnxtest.Node("a", "", "y")))...)
	recursive := slices.Concat(onnxtest.Message(25, onnxtest.Text(1, "f"), onnxtest.Text(5, "o"),
		onnxtest.Message(7, onnxtest.Text(4, "f"), onnxtest.Text(2, "o"))), onnxtest.Model(17, onnxtest.Node("f", "", "y")))
	huge := func(shape ...int) []byte {
		return onnxtest.Model(17, onnxtest.Tensor(5, "w", 1, shape, onnxtest.Message(9, []byte{1, 2, 3, 4})))
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "IR version 0"},
		{"text", []byte("this is no model"), "no ONNX file"},
		{"no graph", slices.Concat(onnxtest.Int(1, 8), onnxtest.Opset("", 17)), "there is no graph"},
		{"no opset", slices.Concat(onnxtest.Int(1, 8), onnxtest.Graph(7)), "no operator set"},
		{"IR version", slices.Concat(onnxtest.Int(1, 99), onnxtest.Graph(7), onnxtest.Opset("", 17)), "IR version 99"},
		{"opset", onnxtest.Model(99), "operator set 99"},
		{"a million nodes", onnxtest.Model(17, many), "more than 65536 nodes"},
		{"a million attributes", onnxtest.Model(17, onnxtest.Node("Relu", "x", "y", bytes.Repeat(attribute, 1_000_000))), "messages and names"},
		{"a million inputs", onnxtest.Model(17, onnxtest.Node("Relu", strings.Repeat("x ", 1_000_000), "y")), "messages and names"},
		{"nested graphs", onnxtest.Model(17, nest), "nested more than"},
		{"calls of calls", bomb, "more than"},
		{"recursive function", recursive, "call each other"},
		{"cycle", onnxtest.Model(17, onnxtest.Node("Relu", "a", "b"), onnxtest.Node("Abs", "b", "a")), `Relu "b" (opset 17), Abs "a" (opset 17)`},
		{"self", onnxtest.Model(17, onnxtest.Node("Relu", "a", "a")), "cycle"},
		{"twice", onnxtest.Model(17, onnxtest.Input("x"), node, node), `"y" is made twice`},
		{"undefined", onnxtest.Model(17, node), `uses "x", which nothing makes`},
		{"no output", onnxtest.Model(17, onnxtest.Output("y")), `nothing makes the output "y"`},
		{"sparse", onnxtest.Model(17, onnxtest.Message(15)), "sparse"},
		{"huge shape", huge(1<<30, 1<<30), "more than"},
		{"overflowing shape", huge(1<<31-1, 1<<31-1, 1<<31-1, 1<<31-1), ""},
		{"negative side", huge(-1), "a side of -1"},
		{"many dimensions", huge(make([]int, 1000)...), "more than 16 dimensions"},
		{"too little data", huge(100), "holds 4 bytes of data, not 400"},
		{"strings", onnxtest.Model(17, onnxtest.Tensor(5, "w", 8, []int{1})), "string"},
		{"two fields", onnxtest.Model(17, onnxtest.Tensor(5, "w", 1, []int{1}, onnxtest.Float(4, 1), onnxtest.Int(5, 1))), "two fields"},
		{"wrong field", onnxtest.Model(17, onnxtest.Tensor(5, "w", 1, []int{1}, onnxtest.Int(7, 1))), "does not hold float32"},
		{"endless number", onnxtest.Model(17, onnxtest.Tensor(5, "w", 7, []int{1}, onnxtest.Message(7, bytes.Repeat([]byte{255}, 20)))), ""},
		{"long name", onnxtest.Model(17, onnxtest.Node("Relu", "x", strings.Repeat("y", 1<<20))), "…"},
	} {
		refused(t, c.name, c.file, c.want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small())
	f.Add(onnxtest.Model(17, onnxtest.Node("If", "x", "y", onnxtest.Attribute("then_branch", onnxtest.Graph(6, onnxtest.Output("x"))))))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Parse(b)
		if err != nil {
			return
		}
		for _, x := range m.Graph.Initializers {
			if data, err := x.Bytes(); err == nil && len(data) > 10*len(b)+100 {
				t.Fatalf("%d bytes of data come from a file of %d", len(data), len(b))
			}
		}
	})
}
