package deploy_test

import (
	"bytes"
	"context"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/deploy/sandbox"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/dev/demodata"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// deployed is the small ensemble of dev/demodata, deployed once for all tests.
type deployed struct {
	files  demodata.Files
	key    crypt.Key
	folder string // the deployed folder
	want   []byte // the submission of a run in place
}

var shared = sync.OnceValues(func() (*deployed, error) {
	dir, err := os.MkdirTemp("", "deploy-test-*")
	if err != nil {
		return nil, err
	}
	d := &deployed{folder: filepath.Join(dir, "deploy")}
	if d.files, err = demodata.Write(dir, demodata.Options{Images: 12}); err != nil {
		return nil, err
	}
	if d.key, err = crypt.NewKey(); err != nil {
		return nil, err
	}
	if _, err := deploy.Deploy(context.Background(), d.options(d.folder)); err != nil {
		return nil, err
	}
	d.want, err = d.inPlace(filepath.Join(dir, "submission.csv"))
	return d, err
})

func TestMain(m *testing.M) {
	status := m.Run()
	if d, err := shared(); err == nil {
		os.RemoveAll(filepath.Dir(d.folder))
	}
	os.Exit(status)
}

func demoDeployed(t *testing.T) *deployed {
	t.Helper()
	d, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *deployed) options(folder string) deploy.Options {
	return deploy.Options{
		Ensemble: d.files.Ensemble, Output: folder, Owner: "you", Key: d.key,
		Plan: plan.Options{Weights: []string{d.files.Weights}}, Input: d.files.Data,
	}
}

// inPlace runs the plan in place, as infer does, and returns the submission.
func (d *deployed) inPlace(path string) ([]byte, error) {
	built, err := plan.Build(context.Background(), d.files.Ensemble, plan.Options{Weights: []string{d.files.Weights}})
	if err != nil {
		return nil, err
	}
	_, err = predict.Run(context.Background(), built.Plan, predict.Options{
		Archs: arch.All(), Operations: engine.Operations(), Formats: formats.All(), Output: path, Input: filepath.Dir(d.files.Data),
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheSameDeployTwiceGivesTheSameBytes(t *testing.T) {
	d := demoDeployed(t)
	again := filepath.Join(t.TempDir(), "again")
	if _, err := deploy.Deploy(t.Context(), d.options(again)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{folder.KernelGo, folder.KernelPy, "program/" + folder.ProgramName, "kernel-metadata.json", "program/dataset-metadata.json", "weights/dataset-metadata.json"} {
		if !bytes.Equal(read(t, d.folder, name), read(t, again, name)) {
			t.Errorf("%s differs", name)
		}
	}
	// Encryption is random, so a second deploy keeps the encrypted weights.
	before := read(t, again, "weights", d.files.Models[0]+".safetensors.enc")
	if _, err := deploy.Deploy(t.Context(), d.options(again)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, read(t, again, "weights", d.files.Models[0]+".safetensors.enc")) {
		t.Error("the second deploy encrypted the weights again")
	}
}

func TestTheSourceIsOneCleanFileOfTheStandardLibrary(t *testing.T) {
	d := demoDeployed(t)
	src := read(t, d.folder, folder.KernelGo)
	if formatted, err := format.Source(src); err != nil || !bytes.Equal(formatted, src) {
		t.Errorf("gofmt would change it (%v)", err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), folder.KernelGo, src, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || strings.Contains(path, ".") {
			t.Errorf("imports %s", spec.Path.Value)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, folder.KernelGo), src, 0o600); err != nil {
		t.Fatal(err)
	}
	vet := exec.Command("go", "vet", folder.KernelGo)
	vet.Dir, vet.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// layouts lists the folders where Kaggle mounts a dataset and the competition's data.
var layouts = map[string]struct{ dataset, competition string }{
	"by slug":    {"%s", "shapes"},
	"by owner":   {"datasets/you/%s", "competitions/shapes"},
	"as a model": {"%s/other/default/1", "shapes"},
}

func TestTheScriptPredictsInEveryMountLayout(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here, so the script can't be run")
	}
	d := demoDeployed(t)
	for name, layout := range layouts {
		for what, status := range map[string]int{"program": 0, "toolchain": 0, "neither": 1} {
			t.Run(name+", "+what, func(t *testing.T) {
				root := t.TempDir()
				inputs := filepath.Join(root, "input")
				mounts := map[string]string{
					d.files.Data:                       layout.competition,
					filepath.Join(d.folder, "weights"): strings.ReplaceAll(layout.dataset, "%s", "demo-weights"),
				}
				if what == "program" {
					mounts[filepath.Join(d.folder, "program")] = strings.ReplaceAll(layout.dataset, "%s", "demo-program")
				}
				for from, to := range mounts {
					if err := os.CopyFS(filepath.Join(inputs, to), os.DirFS(from)); err != nil {
						t.Fatal(err)
					}
				}
				working := filepath.Join(root, "working")
				if err := os.Mkdir(working, 0o755); err != nil {
					t.Fatal(err)
				}
				script := filepath.Join(working, folder.KernelPy)
				if err := os.WriteFile(script, read(t, d.folder, folder.KernelPy), 0o600); err != nil {
					t.Fatal(err)
				}
				o := sandbox.Options{NoNetwork: true, ReadOnly: []string{inputs}}
				if what == "neither" {
					o.Binds = hideGo(t)
				}
				box := sandbox.New(o)
				for _, lack := range box.Lacks {
					if what == "neither" && strings.Contains(lack, " at ") {
						t.Skipf("Go can't be hidden here: %s is not allowed", lack)
					}
					t.Logf("run without %s, which this system does not allow", lack)
				}
				cmd := box.Command(t.Context(), python, folder.KernelPy)
				cmd.Dir = working
				cmd.Env = append(os.Environ(), "DEPLOY_KERNEL_SCRATCH="+filepath.Join(root, "scratch"))
				if what == "neither" {
					cmd.Env = append(cmd.Env, "PATH="+withoutGo(t), "GOROOT=")
				}
				out, err := cmd.CombinedOutput()
				if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
					t.Fatalf("%v, want status %d\n%s", err, status, out)
				}
				if status != 0 {
					if !bytes.Contains(out, []byte("add the dataset")) || bytes.Count(out, []byte("\n")) != 1 {
						t.Errorf("printed %q", out)
					}
					return
				}
				if !bytes.Equal(read(t, working, "submission.csv"), d.want) {
					t.Error("the submission differs from the run in place")
				}
			})
		}
	}
}

// hideGo mounts empty folders over the toolchains that kernel.py searches.
func hideGo(t *testing.T) []sandbox.Bind {
	t.Helper()
	var binds []sandbox.Bind
	for _, place := range []string{"/usr/local/go", "/usr/lib/go"} {
		if _, err := os.Stat(place); err == nil {
			binds = append(binds, sandbox.Bind{From: t.TempDir(), To: place})
		}
	}
	return binds
}

// withoutGo returns the PATH without folders that hold a go command. It keeps the shells
// in these folders.
func withoutGo(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"sh", "bash", "mount"} {
		if path, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := []string{bin}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "go")); err != nil {
			path = append(path, dir)
		}
	}
	return strings.Join(path, string(filepath.ListSeparator))
}

// With offsets of classes the program and the run in place write the same bytes, with all
// folds and without one.
func TestTheKernelAppliesTheOffsetsOfClasses(t *testing.T) {
	d := *demoDeployed(t)
	text := string(read(t, d.files.Ensemble)) + "- class-offsets: {0: 0.04, 1: -0.03, 4: -0.02, 7: 0.3, 9: -0.3}\n"
	d.files.Ensemble = filepath.Join(t.TempDir(), filepath.Base(d.files.Ensemble))
	if err := os.WriteFile(d.files.Ensemble, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	want, err := d.inPlace(filepath.Join(root, "want.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(want, d.want) {
		t.Fatal("the offsets do not change the submission: the test proves nothing")
	}
	d.folder = filepath.Join(root, "deploy")
	if _, err := deploy.Deploy(t.Context(), d.options(d.folder)); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{d.files.Data, filepath.Join(d.folder, "weights")} {
		if err := os.CopyFS(filepath.Join(root, "input", filepath.Base(from)), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(d.folder, "program", folder.ProgramName)
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	run := func() []byte {
		cmd := exec.Command(program, "--input", filepath.Join(root, "input"), "--output", "got.csv", "--partial")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return read(t, root, "got.csv")
	}
	if !bytes.Equal(run(), want) {
		t.Error("the submission differs from the run in place")
	}
	if err := os.Remove(filepath.Join(root, "input", "weights", d.files.Models[0]+".safetensors.enc")); err != nil {
		t.Fatal(err)
	}
	built, err := plan.Build(t.Context(), d.files.Ensemble, plan.Options{Weights: []string{d.files.Weights}})
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(root, "cut.csv")
	if _, err := predict.Run(t.Context(), built.Plan, predict.Options{
		Archs: arch.All(), Operations: engine.Operations(), Formats: formats.All(), Output: cut, Input: filepath.Join(root, "input"), Key: &d.key, Partial: true,
	}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(run(), read(t, cut)) || bytes.Equal(read(t, cut), want) {
		t.Error("the submission without a fold differs from the run in place, or equals that of all folds")
	}
}

func TestTheKernelNeedsNoExperimentOfGo(t *testing.T) {
	src := read(t, demoDeployed(t).folder, folder.KernelGo)
	if bytes.Contains(src, []byte("archsimd")) || bytes.Contains(src, []byte("goexperiment")) {
		t.Error("the kernel names an experiment")
	}
}

func TestWeightsInHalfTheSpaceAreMeasuredAndRefusedAboveTheLimit(t *testing.T) {
	d := demoDeployed(t)
	o := d.options(filepath.Join(t.TempDir(), "half"))
	var reported []string
	o.Plan.Halved = func(path string, c shrink.Change) { reported = append(reported, filepath.Base(path)) }
	o.Plan.Half = shrink.Half{DType: weights.F16, Limit: 1e-9}
	if _, err := deploy.Deploy(t.Context(), o); err == nil || !strings.Contains(err.Error(), "above the limit") {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(o.Output); err == nil {
		t.Error("a folder was made")
	}
	o.Plan.Half.Limit = shrink.DefaultLimit
	m, err := deploy.Deploy(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(reported) != len(d.files.Models) {
		t.Errorf("reported the change of %v", reported)
	}
	whole, err := folder.Read(d.folder)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := weightBytes(m), weightBytes(whole); a > b*55/100 {
		t.Errorf("%d bytes of weights, in F32 they are %d", a, b)
	}
}

func weightBytes(m *folder.Manifest) (n int64) {
	for _, d := range m.Datasets {
		if d.Folder == "weights" {
			n += d.Size()
		}
	}
	return n
}
