package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/cmd/blend/internal/command"
	"github.com/deploy-kernel/deploy-kernel/dev/oofgen"
	"github.com/deploy-kernel/deploy-kernel/runtime/half"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"blend": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"predictions": predictions, "models": models, "spoil": spoil, "examples": examples},
	})
}

// examples runs the examples of all help texts. The ensembles that they name are copies
// of the first one written. Package docstest runs those of docs/blend.md.
func examples(ts *testscript.TestScript, _ bool, _ []string) {
	root := command.New()
	lines := strings.Split(root.Example, "\n")
	for _, verb := range root.Commands() {
		lines = append(lines, strings.Split(verb.Example, "\n")...)
	}
	ran := map[string]int{}
	for _, line := range lines {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		for _, name := range regexp.MustCompile(`\bbest_val_0\.\d+\.yml`).FindAllString(line, -1) {
			if _, err := os.Stat(ts.MkAbs(name)); err != nil && !strings.HasPrefix(line, "blend best ") {
				ts.Check(ts.Exec("sh", "-c", "cp $(ls best_val_*.yml | head -1) "+name))
			}
		}
		if err := ts.Exec("sh", "-c", line); err != nil {
			ts.Fatalf("%s: %v", line, err)
		}
		ran[strings.Fields(line)[1]]++
	}
	for _, verb := range []string{"best", "score", "oof", "plot"} {
		if ran[verb] < 1 {
			ts.Fatalf("%d examples of blend %s were run", ran[verb], verb)
		}
	}
}

// predictions writes made-up predictions of 241 rows and 12 classes in 3 folds, as
// level1_train_m<model>_f<fold>_e1_0.5.npy: predictions DIR MODELS.
func predictions(ts *testscript.TestScript, _ bool, args []string) {
	models, err := strconv.Atoi(args[1])
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	_, err = oofgen.Generate(context.Background(), dir, oofgen.RandomTruth(241, 12, 3, 1), oofgen.Options{Models: models, Seed: 1})
	ts.Check(err)
	files, err := filepath.Glob(filepath.Join(dir, "level1_train_*.npy"))
	ts.Check(err)
	for _, f := range files { // level1_train_m00_f0_e10_0.5444.npy
		base := filepath.Base(f)
		ts.Check(os.Rename(f, filepath.Join(dir, base[:len("level1_train_m00_f0")]+"_e1_0.5.npy")))
	}
}

// models writes made-up predictions of two models in two folds of 60 rows, in a folder
// named after their task: models TASK CLASSES.
func models(ts *testscript.TestScript, _ bool, args []string) {
	kind, err := task.Parse(args[0])
	ts.Check(err)
	classes, err := strconv.Atoi(args[1])
	ts.Check(err)
	dir := ts.MkAbs(kind.String())
	ts.Check(os.MkdirAll(dir, 0o755))
	put := func(name string, b []byte) { ts.Check(os.WriteFile(filepath.Join(dir, name), b, 0o644)) }
	const rows, folds = 60, 2
	r := rand.New(rand.NewPCG(1, 2))
	width := kind.Values(classes)
	table := "id,label\n"
	if kind == task.Regression {
		table = "id,label,target2\n"
	}
	var values [2][folds][]float32 // by model and fold
	for i := range rows {
		class := r.IntN(classes)
		row := fmt.Sprint(class)
		evidence := make([]float64, width)
		switch kind {
		case task.Ordinal:
			evidence[0] = float64(class)
		case task.Multiclass:
			evidence[class] = 2
		default:
			evidence[0], evidence[1] = float64(class)/2, 0.25
			row = fmt.Sprintf("%v,%v", evidence[0], evidence[1])
		}
		table += fmt.Sprintf("row%d,%s\n", i, row)
		for m := range values {
			sum := 0.0
			noisy := make([]float64, width)
			for k, e := range evidence {
				noisy[k] = e + r.NormFloat64()
				sum += math.Exp(noisy[k])
			}
			for _, v := range noisy {
				if kind == task.Multiclass {
					v = math.Exp(v) / sum
				}
				values[m][i%folds] = append(values[m][i%folds], float32(v))
			}
		}
	}
	put("train.csv", []byte(table))
	var b bytes.Buffer
	ts.Check(npy.WriteUint8(&b, []int{rows}, []uint8(strings.Repeat("\x00\x01", rows/folds))))
	put("folds.npy", b.Bytes())
	for m := range values {
		for fold, v := range values[m] {
			name := fmt.Sprintf("m%d_f%d_e1_0.5", m, fold)
			b.Reset()
			ts.Check(npy.WriteFloat32(&b, []int{rows / folds, width}, v))
			put("level1_train_"+name+".npy", b.Bytes())
			spec := fmt.Sprintf("task: %s\nnum_classes: %d\n", kind, classes)
			if kind == task.Regression {
				spec += "labels: {columns: [label, target2]}\n"
			}
			put(name+".yml", []byte(spec))
		}
	}
}

// spoil damages files of predictions: spoil KIND FILE...
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	for _, path := range args[1:] {
		path = ts.MkAbs(path)
		f, err := os.Open(path)
		ts.Check(err)
		data, shape, err := npy.ReadFloat32(f)
		ts.Check(err)
		ts.Check(f.Close())
		data, shape, dtype := spoiled(ts, args[0], data, shape)
		var b bytes.Buffer
		ts.Check(npy.WriteHeader(&b, npy.Header{DType: dtype, Shape: shape}))
		if dtype == npy.Float16 {
			for _, v := range data {
				ts.Check(binary.Write(&b, binary.LittleEndian, half.ToF16(v)))
			}
		} else {
			ts.Check(npy.AppendFloat32s(&b, data))
		}
		if args[0] == "short" {
			b.Truncate(b.Len() - 4)
		}
		ts.Check(os.WriteFile(path, b.Bytes(), 0o644))
	}
}

func spoiled(ts *testscript.TestScript, kind string, data []float32, shape []int) ([]float32, []int, npy.DType) {
	rows, classes := shape[0], shape[1]
	r := rand.New(rand.NewPCG(uint64(len(data)), 0))
	switch kind {
	case "nan":
		data[3*classes+5] = float32(math.NaN())
	case "infinite":
		data[len(data)-1] = float32(math.Inf(1))
	case "negative":
		for i := range data {
			data[i] = -0.1 - data[i]*data[i]
		}
	case "useless":
		for i := range data {
			data[i] = r.Float32()*0.2 - 0.15
		}
	case "opposite": // worse than giving every row the same labels
		for i := range data {
			data[i] = -data[i]
		}
	case "half":
		return data, shape, npy.Float16
	case "a-row-less":
		return data[:(rows-1)*classes], []int{rows - 1, classes}, npy.Float32
	case "flat":
		return data, []int{len(data)}, npy.Float32
	case "other-classes":
		return data[:rows*(classes-1)], []int{rows, classes - 1}, npy.Float32
	case "shuffled":
		r.Shuffle(rows, func(i, j int) {
			for c := range classes {
				data[i*classes+c], data[j*classes+c] = data[j*classes+c], data[i*classes+c]
			}
		})
	case "long":
		return append(data, 0), shape, npy.Float32
	case "short":
	default:
		ts.Fatalf("unknown kind %s", kind)
	}
	return data, shape, npy.Float32
}
