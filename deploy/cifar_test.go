package deploy_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/dev/golden"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

const (
	cifarModel  = "cifar_f0_e200_0.9163"
	cifarConfig = `model:
    arch: 'cifar_resnet20'
    input_size: 32
    num_classes: 10
test:
    num_ttas: 1
`
	// headScale scales the last layer. It is a power of two, so the logits scale exactly.
	// A kernel writes float32 sigmoids, which round to 1 for logits above 17. Scaled
	// logits can be recovered from the sigmoids.
	headScale = 1.0 / 16
	// tolerance bounds the error of a logit.
	tolerance = 1e-3
)

// A deployed kernel with trained, encrypted weights gives PyTorch's logits without
// network.
func TestTheKernelGivesTheLogitsOfPyTorchOnRealImages(t *testing.T) {
	th := golden.Shared(t, "golden/pth/resnet20-12fca82f.th")
	data := golden.Shared(t, "data/cifar10-sample")
	want, shape, err := npy.ReadFloat32(bytes.NewReader(read(t, data, "reference_logits.npy")))
	if err != nil {
		t.Fatal(err)
	}
	labels := strings.Fields(string(read(t, data, "labels.csv")))[1:]

	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("cifar.yml", cifarConfig)
	put("ensemble.yml", "- predicts: [level1_train_"+cifarModel+".npy]\n  weight: 1\n")
	put(cifarModel+".yml", "threshold: 0\n")

	// First the original file, then the one with the scaled last layer.
	put(cifarModel+".th", string(read(t, th)))
	whole := cifarKernel(t, dir, data)
	for i, p := range whole {
		q := 1 / (1 + math.Exp(-float64(want[i])))
		if math.Abs(float64(p)-q) > tolerance*q*(1-q)+1e-7 {
			t.Fatalf("image %d, class %d: probability %g, PyTorch's is %g", i/shape[1], i%shape[1], p, q)
		}
	}
	if err := os.Remove(filepath.Join(dir, cifarModel+".th")); err != nil {
		t.Fatal(err)
	}
	put(cifarModel+".safetensors", string(smallHead(t, th)))
	small := cifarKernel(t, dir, data)

	worst, right := 0.0, 0
	for i := range shape[0] {
		best := 0
		for c := range shape[1] {
			p := float64(small[i*shape[1]+c])
			logit := math.Log(p/(1-p)) / headScale
			worst = max(worst, math.Abs(logit-float64(want[i*shape[1]+c])))
			if small[i*shape[1]+c] > small[i*shape[1]+best] {
				best = c
			}
		}
		if strings.HasSuffix(labels[i], ","+string(rune('0'+best))) {
			right++
		}
	}
	accuracy := float64(right) / float64(shape[0])
	t.Logf("%d images: logits differ by %.2g at most, accuracy %.3f", shape[0], worst, accuracy)
	if !(worst <= tolerance) {
		t.Errorf("the logits differ by %g", worst)
	}
	if accuracy != 0.798 {
		t.Errorf("accuracy %.3f, PyTorch's is 0.798", accuracy)
	}
}

// smallHead returns the weights with the head made smaller, as safetensors.
func smallHead(t *testing.T, path string) []byte {
	t.Helper()
	f, err := weightfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dict, err := f.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	for i, tensor := range dict.Tensors {
		if !strings.HasPrefix(tensor.Name, "linear.") {
			continue
		}
		v, err := tensor.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for j := range v {
			v[j] *= headScale
		}
		dict.Tensors[i] = weights.NewFloat32(tensor.Name, tensor.Shape, v)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, dict); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cifarKernel deploys the ensemble in dir, runs its program on the images, and
// returns the predictions.
func cifarKernel(t *testing.T, dir, data string) []float32 {
	t.Helper()
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "deploy")
	if _, err := deploy.Deploy(t.Context(), deploy.Options{
		Ensemble: filepath.Join(dir, "ensemble.yml"), Output: out, Owner: "you", Title: "CIFAR-10 sample", Key: key,
		Plan: plan.Options{Weights: []string{dir}},
	}); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), folder.ProgramName)
	if err := os.WriteFile(program, read(t, out, "program", folder.ProgramName), 0o700); err != nil {
		t.Fatal(err)
	}
	working := t.TempDir()
	inputs := filepath.Join(working, "input")
	for name, target := range map[string]string{"weights": filepath.Join(out, "weights"), "data": data} {
		if err := os.MkdirAll(inputs, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(inputs, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := sandbox.New(sandbox.Options{NoNetwork: true}).Command(t.Context(), program,
		"--input", inputs, "--predictions", working, "--scratch", "")
	cmd.Dir = working
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	predictions, _, err := npy.ReadFloat32(bytes.NewReader(read(t, working, "level1_test_"+cifarModel+".npy")))
	if err != nil {
		t.Fatal(err)
	}
	return predictions
}
