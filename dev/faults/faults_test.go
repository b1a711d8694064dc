package faults_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

var final = []string{"KAGGLE_IS_COMPETITION_RERUN=1"}

// Values of fault.timed.
const alone, together = true, false

// faults lists all rows in the order of the document.
var faults = []fault{
	{"kill -9 at random times, then a restart", "resumes; the submission has the bytes of an undisturbed run", killed, alone},
	{"kill -9 under kernel.py", "kernel.py restarts the program on half the cores: the same bytes, status 0", killedUnderTheScript, together},
	{"SIGTERM", "ends with status 130; no file is half written; a restart gives the same bytes", terminated, together},
	{"clock jump: a pause longer than the budget", "ends as soon as it continues, with a valid submission", stopped, alone},
	{"clock set back: all files date from tomorrow", "the same bytes, also after a restart", tomorrow, together},
	{"slow disk: every read of weights takes half a second", "keeps to its budget; the submission is valid", slowDisk, alone},
	{"a disk that fails while weights are read", "names file and cause; the final run predicts the other folds", failingDisk, alone},
	{"full disk", "names the submission and leaves no part of it; the final run keeps the last complete submission, status 0", fullDisk, together},
	{"one flipped bit in a weight file", "refuses before it predicts: names the file, wrong key or damaged", refusesWeights(flip), together},
	{"a truncated weight file", "refuses before it predicts", refusesWeights(func(b []byte) []byte { return b[:len(b)-1000] }), together},
	{"an empty weight file", "refuses before it predicts", refusesWeights(func([]byte) []byte { return nil }), together},
	{"missing weight files", "refuses before it predicts: names them all and the dataset to add", missingModel, together},
	{"any of these weight files in the final run", "predicts the other folds, warns of those left out, status 0", partial, together},
	{"wrong key", "refuses before it predicts: names the file, never the key", wrongKey, together},
	{"a damaged plain weight file beside an intact encrypted one", "takes the one with the plan's SHA-256", besideEachOther, together},
	{"weight files renamed or moved to other folders", "finds them by SHA-256: the same bytes", renamed, together},
	{"very many image files in the tree", "begins to predict without delay", manyImages, alone},
	{"three corrupt images (cut, empty, text)", "gives them the default labels and names them; the other rows do not change", corruptImages, together},
	{"an empty image folder", "gives every row the default labels, with a warning, status 0", noImages, together},
	{"a sample submission with only a header", "writes the header, with a warning, status 0", headerOnly, together},
	{"a sample submission of a form that does not fit: masks, one probability, too few columns", "refuses before it predicts: says what it saw", otherKinds, together},
	{"ids without an image", "gives them the default labels and names them", idsWithoutImage, together},
	{"ids that occur twice in the sample", "predicts each once, writes all rows, with a warning", idsTwice, together},
	{"a sample submission with CRLF and a byte order mark", "the same bytes", crlf, together},
	{"budget already over", "a valid submission of default labels, a warning, status 0", budgetOver, together},
	{"a budget of half the time", "drops views, then folds; ends in time; the submission is valid", halfBudget, alone},
	{"one core", "the same bytes", oneCore, together},
	{"512 MB of memory", "the same bytes", littleMemory, together},
	{"512 MB of memory and a full-size network, 100 MB of weights", "the same bytes", littleMemoryAtFullSize, alone},
	{"a system that denies executable memory", "the same bytes, slower, with one warning", noCode, together},
	{"a read-only input and no network", "the same bytes", readOnly, together},
	{"an output folder that does not exist", "refuses before it predicts", unwritable, together},
	{"decrypted weights", "are never in a file that the program opens or writes", noPlaintext, alone},
}

// thorough reports whether the tests may take minutes.
func thorough() bool { return *matrix != "" || os.Getenv("DEPLOY_KERNEL_LONG") != "" }

// kills returns how many runs are killed.
func kills() int {
	if thorough() {
		return 20
	}
	return 4
}

func killed(t *testing.T, w *world) string {
	r := rand.New(rand.NewPCG(9, 9))
	hit, runs := 0, 0
	for ; hit < kills() && runs < 5*kills(); runs++ {
		s := w.stage(t)
		cmd, _ := s.start(t, w.program)
		time.Sleep(time.Duration(r.Float64() * float64(w.took)))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if !cmd.ProcessState.Exited() {
			hit++
		}
		if _, err := os.Stat(s.path("working/submission.csv")); err == nil {
			s.valid(t, w.ids)
		}
		s.same(t, s.run(t))
		if left, err := filepath.Glob(s.path("working/.*")); err != nil || len(left) > 0 {
			t.Errorf("left after the restart: %q %v", left, err)
		}
	}
	if hit < kills() {
		t.Errorf("only %d of %d runs were killed before their end", hit, runs)
	}
	return fmt.Sprintf("killed in %d of %d runs, the others had ended; all the same bytes", hit, runs)
}

func killedUnderTheScript(t *testing.T, w *world) string {
	s := w.stage(t)
	dead := make(chan error, 1)
	go func() { dead <- killChild(s.path("scratch")) }()
	r := s.script(t)
	if err := <-dead; err != nil {
		t.Skipf("the program could not be killed under its script: %v", err)
	}
	s.same(t, r)
	if !strings.Contains(r.stderr, "ended by SIGKILL") || !strings.Contains(r.stderr, "resuming an earlier run") {
		t.Errorf("told:\n%s", r.stderr)
	}
	return ""
}

// killChild kills the program whose scratch folder is scratch, as soon as the
// folder holds a finished fold.
func killChild(scratch string) error {
	for range 6000 {
		time.Sleep(5 * time.Millisecond)
		if done, err := filepath.Glob(filepath.Join(scratch, "*.scratch")); err != nil || len(done) == 0 {
			continue
		}
		procs, err := filepath.Glob("/proc/[0-9]*/environ")
		if err != nil {
			return err
		}
		for _, p := range procs {
			env, err := os.ReadFile(p)
			if err != nil || !bytes.Contains(env, []byte("DEPLOY_KERNEL_SCRATCH="+scratch)) || !bytes.Contains(env, []byte("DEPLOY_KERNEL_ELAPSED=")) {
				continue
			}
			var pid int
			if _, err := fmt.Sscanf(p, "/proc/%d/environ", &pid); err != nil {
				return err
			}
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return fmt.Errorf("the program was not seen under /proc")
}

func terminated(t *testing.T, w *world) string {
	s := w.stage(t)
	begin := time.Now()
	cmd, stderr := s.start(t, w.program)
	s.untilWritten()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r := s.wait(t, begin, cmd, stderr)
	if r.status != 130 || !strings.HasSuffix(r.stderr, "kernel: interrupted\n") {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	s.valid(t, w.ids)
	s.same(t, s.run(t))
	return ""
}

func stopped(t *testing.T, w *world) string {
	s := w.stage(t)
	s.args = []string{"--budget", "3s"}
	begin := time.Now()
	cmd, stderr := s.start(t, w.program, s.args...)
	time.Sleep(300 * time.Millisecond)
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(3 * time.Second)
	_ = cmd.Process.Signal(syscall.SIGCONT)
	again := time.Now()
	r := s.wait(t, begin, cmd, stderr)
	after := time.Since(again)
	s.valid(t, w.ids)
	if r.status != 0 || after > 2*time.Second {
		t.Errorf("status %d, %v after it went on\n%s", r.status, after, r.stderr)
	}
	return fmt.Sprintf("%d ms after it went on", after.Milliseconds())
}

func tomorrow(t *testing.T, w *world) string {
	s := w.stage(t)
	future := time.Now().Add(24 * time.Hour)
	err := filepath.WalkDir(s.path("input"), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, future, future)
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd, _ := s.start(t, w.program)
	s.untilWritten()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	s.same(t, s.run(t))
	return ""
}

// traced makes the stage run the program under strace, which injects delays or errors
// into pread64. It returns the path of strace's log.
func traced(t *testing.T, s *stage, inject string) (log string) {
	t.Helper()
	if err := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=none", "true").Run(); err != nil {
		t.Skipf("strace, which makes the fault, can't be run here: %v", err)
	}
	log = s.path("strace")
	s.command = func(name string, args ...string) *exec.Cmd {
		all := []string{"-f", "-qq", "-o", log, "-e", "trace=pread64", "-e", "inject=pread64:" + inject, name}
		return exec.Command("strace", append(all, args...)...)
	}
	return log
}

func slowDisk(t *testing.T, w *world) string {
	s := w.stage(t)
	traced(t, s, "delay_enter=500ms")
	s.args = []string{"--budget", "5s"}
	r := s.run(t)
	rows := s.valid(t, w.ids)
	if r.status != 0 || !slices.ContainsFunc(rows, func(r input.Row) bool { return r.Labels != "" }) {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	// Take the kernel's own figure: strace outlasts it to finish delays.
	_, told, _ := strings.Cut(r.stderr, " images, ")
	told, _, _ = strings.Cut(told, "\n")
	folds, took, _ := strings.Cut(told, ", ")
	if d, err := time.ParseDuration(took); err != nil || d > 5*time.Second {
		t.Errorf("after %s of 5s: %v\n%s", took, err, r.stderr)
	}
	return fmt.Sprintf("%s of 5 s, %s", took, folds)
}

func failingDisk(t *testing.T, w *world) string {
	_, r := w.onFailingDisk(t)
	if r.status != 1 || !strings.Contains(r.stderr, ".safetensors.enc: input/output error") {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	s, r := w.onFailingDisk(t, final...)
	if r.status == 0 {
		s.valid(t, w.ids)
	}
	if !strings.Contains(r.stderr, "going on without") {
		t.Errorf("final run: status %d\n%s", r.status, r.stderr)
	}
	return ""
}

// onFailingDisk runs the program on a disk whose reads fail from the seventh of a
// thread on. strace counts each thread by itself. If no thread makes seven reads, it
// tries again with fewer.
func (w *world) onFailingDisk(t *testing.T, env ...string) (*stage, result) {
	for reads := 7; ; reads-- {
		s := w.stage(t)
		s.env = env
		log := traced(t, s, fmt.Sprintf("error=EIO:when=%d+", reads))
		r := s.run(t)
		told, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if reads == 1 || bytes.Contains(told, []byte("(INJECTED)")) {
			return s, r
		}
	}
}

func fullDisk(t *testing.T, w *world) string {
	for _, filler := range []int{1, 2} { // pages of two; the submission takes one
		s := w.stage(t)
		s.command = func(name string, args ...string) *exec.Cmd {
			script := fmt.Sprintf(`mount -t tmpfs -o size=%dk none "$PWD" && cd "$PWD" && head -c %d /dev/zero >filler || exit 99
"$@"; status=$?; ls -A >../left; cp submission.csv ../copy 2>/dev/null; exit $status`, 4*3, 4096*(filler+1))
			return exec.Command("unshare", append([]string{"-rm", "sh", "-c", script, "sh", name}, args...)...)
		}
		if filler == 1 {
			s.env = final
		}
		r := s.run(t)
		if r.status == 99 || strings.Contains(r.stderr, "unshare") {
			t.Skipf("a small file system can't be mounted here: %s", r.stderr)
		}
		left := string(s.read(t, "left"))
		switch {
		case filler == 2 && (r.status != 1 || left != "filler\n" || !strings.Contains(r.stderr, "kernel: writing submission.csv: no space left on device\n")):
			t.Errorf("status %d, left %q\n%s", r.status, left, r.stderr)
		case filler == 1 && (r.status != 0 || left != "filler\nsubmission.csv\n" || !strings.Contains(r.stderr, "it holds 1 of 4 folds")):
			t.Errorf("final run: status %d, left %q\n%s", r.status, left, r.stderr)
		}
		if filler == 1 {
			s.write(t, "working/submission.csv", s.read(t, "copy"))
			s.valid(t, w.ids)
		}
	}
	return ""
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-100] ^= 8
	return b
}

// refusesWeights returns the test of a model file that change damages.
func refusesWeights(change func([]byte) []byte) func(*testing.T, *world) string {
	return func(t *testing.T, w *world) string {
		s := w.stage(t)
		s.write(t, firstModel, change(s.read(t, firstModel)))
		s.refused(t, s.run(t), "kernel: ../"+firstModel+": ")
		return ""
	}
}

func missingModel(t *testing.T, w *world) string {
	s := w.stage(t)
	s.remove(t, firstModel)
	s.remove(t, weightsDir+"/demo_b_f1_e06_0.6249.safetensors.enc")
	r := s.run(t)
	s.refused(t, r, "kernel: missing under ../input: the weights of 2 of 4 folds: ", "demo_a_f0_e07_0.6123", "demo_b_f1_e06_0.6249")
	s.refused(t, r, "kernel: hint: add the datasets that hold NAME.safetensors")
	return ""
}

func partial(t *testing.T, w *world) string {
	s := w.stage(t)
	s.env = final
	s.remove(t, firstModel)
	bad := weightsDir + "/demo_b_f1_e06_0.6249.safetensors.enc"
	b := s.read(t, bad)
	b[len(b)/2] ^= 1 // found only by reading the whole file
	s.write(t, bad, b)
	r := s.run(t)
	s.valid(t, w.ids)
	if r.status != 0 || !strings.Contains(r.stderr, "2 of 4 folds") || strings.Count(r.stderr, "going on without") != 2 {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	return ""
}

func wrongKey(t *testing.T, w *world) string {
	s := w.stage(t)
	key, err := crypt.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s.env = []string{"DEPLOY_KERNEL_KEY=" + key.Text()}
	r := s.run(t)
	s.refused(t, r, "kernel: ../"+weightsDir+"/demo_a_f1_e09_0.6088.safetensors.enc: wrong key, wrong name or damaged file")
	if strings.Contains(r.stderr, key.Text()[20:40]) {
		t.Error("the key was printed")
	}
	return ""
}

func besideEachOther(t *testing.T, w *world) string {
	s := w.stage(t)
	plain, err := os.ReadFile(filepath.Join(w.files.Weights, "demo_a_f0_e07_0.6123.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, weightsDir+"/demo_a_f0_e07_0.6123.safetensors", flip(plain))
	s.same(t, s.run(t))
	// Now the encrypted file is the damaged one.
	s.write(t, weightsDir+"/demo_a_f0_e07_0.6123.safetensors", plain)
	s.write(t, firstModel, flip(s.read(t, firstModel)))
	s.same(t, s.run(t))
	return ""
}

func renamed(t *testing.T, w *world) string {
	s := w.stage(t)
	for _, model := range w.files.Models {
		from := s.path(weightsDir + "/" + model + ".safetensors.enc")
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		// The name is authenticated: only plain files can be renamed.
		plain, err := os.ReadFile(filepath.Join(w.files.Weights, model+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(model, "demo_a") {
			s.write(t, "input/some-model/pytorch/default/1/"+strings.ReplaceAll(model, ".", "-")+".safetensors", plain)
		} else {
			s.write(t, "input/flat/deep/er/"+model+".safetensors.enc", b)
		}
	}
	s.remove(t, weightsDir)
	s.same(t, s.run(t))
	return ""
}

func corruptImages(t *testing.T, w *world) string {
	s := w.stage(t)
	bad := map[string]func([]byte) []byte{
		w.ids[3]:  func(b []byte) []byte { return b[:30] },
		w.ids[50]: func([]byte) []byte { return nil },
		w.ids[70]: func([]byte) []byte { return []byte("<html>not found</html>") },
	}
	for id, change := range bad {
		name := competition + "/test/" + id + ".png"
		s.write(t, name, change(s.read(t, name)))
	}
	r := s.run(t)
	rows := s.valid(t, w.ids)
	want := strings.Split(strings.TrimSpace(string(w.want)), "\n")[1:]
	given := defaultLabels(t, r)
	for i, row := range rows {
		got := row.ID + "," + row.Labels
		if bad[row.ID] != nil {
			if row.Labels != given || !strings.Contains(r.stderr, "warning: image "+row.ID+" gets the default labels: ") {
				t.Errorf("%s lacks a warning or the default labels %q: %q", row.ID, given, got)
			}
		} else if got != want[i] {
			t.Errorf("row %d is %q, want %q", i, got, want[i])
		}
	}
	if r.status != 0 {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	return ""
}

// defaultLabels returns the default labels that the run reports.
func defaultLabels(t *testing.T, r result) string {
	t.Helper()
	m := regexp.MustCompile(`rows have no prediction; they get the labels "([0-9 ]+)"`).FindStringSubmatch(r.stderr)
	if m == nil {
		t.Fatalf("the run reports no default labels:\n%s", r.stderr)
	}
	return m[1]
}

func noImages(t *testing.T, w *world) string {
	s := w.stage(t)
	s.remove(t, competition+"/test")
	if err := os.Mkdir(s.path(competition+"/test"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := s.run(t)
	for _, row := range s.valid(t, w.ids) {
		if row.Labels == "" {
			t.Errorf("%s has no labels", row.ID)
		}
	}
	if r.status != 0 || !strings.Contains(r.stderr, "kernel: warning: none of the 80 images of ../"+competition+"/sample_submission.csv is under ../input") {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	return ""
}

func headerOnly(t *testing.T, w *world) string {
	s := w.stage(t)
	s.write(t, sample, []byte("id,attribute_ids\n"))
	r := s.run(t)
	if got := string(s.submission(t)); r.status != 0 || got != "id,attribute_ids\n" || !strings.Contains(r.stderr, "has no rows") {
		t.Errorf("status %d, %q\n%s", r.status, got, r.stderr)
	}
	return ""
}

func otherKinds(t *testing.T, w *world) string {
	for text, want := range map[string]string{
		"image_id,rle\na,4 1\n":           "masks or boxes",
		"image_id,target\na,0.5\n":        "one number for each image, such as a probability",
		"image_id,a,b,c\na,0.3,0.3,0.3\n": "3 columns after the id",
	} {
		s := w.stage(t)
		s.write(t, sample, []byte(text))
		s.refused(t, s.run(t), "kernel: ../"+sample, want, "Seen: the header")
	}
	return ""
}

const sample = competition + "/sample_submission.csv"

func idsWithoutImage(t *testing.T, w *world) string {
	s := w.stage(t)
	s.write(t, sample, append(s.read(t, sample), "nobody,1\nelse,\n"...))
	r := s.run(t)
	given := defaultLabels(t, r)
	if got := string(s.submission(t)); r.status != 0 || got != string(w.want)+"nobody,"+given+"\nelse,"+given+"\n" {
		t.Errorf("status %d, or other rows\n%s", r.status, r.stderr)
	}
	if !strings.Contains(r.stderr, "2 images without prediction: nobody, else") {
		t.Errorf("told:\n%s", r.stderr)
	}
	return ""
}

func idsTwice(t *testing.T, w *world) string {
	s := w.stage(t)
	s.write(t, sample, append(s.read(t, sample), w.ids[0]+",1\n"+w.ids[7]+",\n"...))
	r := s.run(t)
	lines := strings.SplitAfter(string(w.want), "\n")
	if got := string(s.submission(t)); r.status != 0 || got != string(w.want)+lines[1]+lines[8] {
		t.Errorf("status %d, or other rows\n%s", r.status, r.stderr)
	}
	if !strings.Contains(r.stderr, "2 rows repeat an id; each image is predicted once") {
		t.Errorf("told:\n%s", r.stderr)
	}
	return ""
}

func crlf(t *testing.T, w *world) string {
	s := w.stage(t)
	text := strings.ReplaceAll(string(s.read(t, sample)), "\n", "\r\n")
	s.write(t, sample, []byte("\xef\xbb\xbf"+text))
	s.same(t, s.run(t))
	return ""
}

func budgetOver(t *testing.T, w *world) string {
	s := w.stage(t)
	s.args = []string{"--budget", "9h", "--elapsed", "9h1m"}
	r := s.run(t)
	for _, row := range s.valid(t, w.ids) {
		if row.Labels == "" {
			t.Errorf("%s has no labels", row.ID)
		}
	}
	if r.status != 0 || !strings.Contains(r.stderr, "warning: no time for any prediction") {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	return ""
}

func halfBudget(t *testing.T, w *world) string {
	s := w.stage(t)
	budget := w.took / 2
	s.args = []string{"--budget", budget.String()}
	r := s.run(t)
	s.valid(t, w.ids)
	if r.status != 0 || r.took > budget+100*time.Millisecond { // for the process itself
		t.Errorf("status %d after %v of %v\n%s", r.status, r.took, budget, r.stderr)
	}
	return fmt.Sprintf("%.2f s of %.2f s", r.took.Seconds(), budget.Seconds())
}
