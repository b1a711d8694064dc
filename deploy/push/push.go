// Package push uploads a deployed folder with Kaggle's client: a first or new version
// of each dataset, then the kernel when all datasets are ready.
//
//	client, err := kaggle.Find(ctx)
//	err = push.Push(ctx, client, push.Options{Folder: "deploy", Say: say})
//
// The file push.json in the folder records the hashes of the uploads. After a failure
// or an interrupt Push continues where it stopped, and it never uploads the same files
// twice. It tries a failed command again unless the client's message shows a lasting
// failure. It waits while Kaggle processes a dataset, and uploads a dataset again that
// Kaggle accepted but lost.
//
// It refuses a folder whose files do not match its manifest.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/kaggle"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
)

// Options say what to upload and how.
type Options struct {
	Folder string
	// Message describes new versions of datasets; "" names the ensemble.
	Message string
	// Tries bounds how often a command is tried; 0 means 5.
	Tries int
	// Pause is the time between two looks at a dataset, and before the second try of a
	// command. It doubles with each try. 0 means 10 seconds.
	Pause time.Duration
	// Wait bounds the time until a dataset is ready; 0 means an hour.
	Wait time.Duration
	// Say reports progress, a line each; nil is silent.
	Say func(format string, args ...any)
}

// note is the content of push.json.
type note struct {
	// Uploaded holds the hash of each uploaded dataset and kernel, by id.
	Uploaded map[string]string `json:"uploaded"`
	// KernelVersion is the kernel's version after the last push, 0 if unknown.
	KernelVersion int `json:"kernel_version,omitempty"`
}

// ErrChanged is returned when a folder changed after its last push.
var ErrChanged = errors.New("the folder changed after its last push")

// KernelVersion returns the version of the kernel that was last pushed from the folder
// dir, 0 if the client did not print it. It returns ErrChanged if the kernel or a
// dataset changed since then.
func KernelVersion(dir string) (int, error) {
	p := &pusher{Options: Options{Folder: dir}.withDefaults()}
	var err error
	if p.manifest, err = folder.Read(dir); err != nil {
		return 0, err
	}
	if err := p.read(); err != nil {
		return 0, err
	}
	if p.note.Uploaded[p.manifest.Kernel] != p.kernelHash() {
		return p.note.KernelVersion, fmt.Errorf("%s: %w", dir, ErrChanged)
	}
	return p.note.KernelVersion, nil
}

// pusher is the state of one Push.
type pusher struct {
	Options
	client   *kaggle.Client
	manifest *folder.Manifest
	note     note
}

func (o Options) withDefaults() Options {
	if o.Tries == 0 {
		o.Tries = 5
	}
	if o.Pause == 0 {
		o.Pause = 10 * time.Second
	}
	if o.Wait == 0 {
		o.Wait = time.Hour
	}
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	return o
}

// Commands returns the commands that upload the deployed folder dir for the first
// time, in order.
func Commands(m *folder.Manifest, dir string) []kaggle.Command {
	var all []kaggle.Command
	for _, d := range m.Datasets {
		all = append(all, kaggle.CreateDataset(filepath.Join(dir, d.Folder), d.Public))
	}
	if m.Kernel == "" {
		return all
	}
	return append(all, kaggle.PushKernel(dir))
}

// Push uploads the folder. It returns an error if a file differs from the manifest, or
// if a command still fails after o.Tries.
func Push(ctx context.Context, client *kaggle.Client, o Options) error {
	p := &pusher{Options: o.withDefaults(), client: client}
	var err error
	if p.manifest, err = folder.Read(o.Folder); err != nil {
		return err
	}
	if p.Message == "" {
		p.Message = strings.TrimSpace("deploy-kernel: " + p.manifest.Ensemble)
	}
	if err := p.check(); err != nil {
		return err
	}
	if p.manifest.Kernel != "" && p.manifest.KeyIn == folder.InEnvironment.String() {
		p.Say("warning: the kernel takes its key from the environment, which a kernel on Kaggle lacks without internet: it needs a dataset with a .key file")
	}
	if err := p.read(); err != nil {
		return err
	}
	for _, d := range p.manifest.Datasets {
		if err := p.dataset(ctx, d); err != nil {
			return err
		}
	}
	for _, d := range p.manifest.Datasets {
		if err := p.ready(ctx, d); err != nil {
			return err
		}
	}
	return p.kernel(ctx)
}

// check refuses files whose size differs from the manifest's.
func (p *pusher) check() error {
	var errs []error
	for _, d := range p.manifest.Datasets {
		for _, f := range d.Files {
			path := filepath.Join(p.Folder, d.Folder, f.Name)
			if info, err := os.Stat(path); err != nil {
				errs = append(errs, err)
			} else if info.Size() != f.Size {
				errs = append(errs, hint.New(fmt.Errorf("%s is not the file that was deployed: %d bytes, not %d", path, info.Size(), f.Size), "deploy it again"))
			}
		}
	}
	return errors.Join(errs...)
}

func (p *pusher) read() error {
	p.note.Uploaded = map[string]string{}
	b, err := os.ReadFile(filepath.Join(p.Folder, folder.PushRecord))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p.note)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(p.Folder, folder.PushRecord), err)
	}
	return nil
}

// done records an upload in push.json.
func (p *pusher) done(id, hash string) error {
	p.note.Uploaded[id] = hash
	return p.save()
}

func (p *pusher) save() error {
	b, err := json.MarshalIndent(p.note, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(p.Folder, folder.PushRecord), append(b, '\n'))
}

// hash returns a hash of the names, sizes and contents of files.
func hash(files ...folder.File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s %d %s\n", f.Name, f.Size, f.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// dataset uploads a dataset unless push.json records that.
func (p *pusher) dataset(ctx context.Context, d folder.Dataset) error {
	if p.note.Uploaded[d.ID] == hash(d.Files...) {
		p.Say("%s: already uploaded", d.ID)
		return nil
	}
	return p.upload(ctx, d)
}

// upload uploads the first or a new version of a dataset. It waits until Kaggle has
// processed the last version, because Kaggle refuses a new one before that.
func (p *pusher) upload(ctx context.Context, d folder.Dataset) error {
	dir := filepath.Join(p.Folder, d.Folder)
	return p.retry(ctx, func() error {
		status, err := p.settled(ctx, d)
		if err != nil {
			return err
		}
		command := kaggle.NewVersion(dir, p.Message)
		if status == "" {
			command = kaggle.CreateDataset(dir, d.Public)
		}
		p.Say("%s: uploading %s", d.ID, say.Size(d.Size()))
		if _, err := p.client.Run(ctx, command); err != nil {
			return err
		}
		return p.done(d.ID, hash(d.Files...))
	})
}

// settled waits until Kaggle has processed a dataset's last version. It returns the
// dataset's status, "" if there is no such dataset.
func (p *pusher) settled(ctx context.Context, d folder.Dataset) (string, error) {
	deadline := time.Now().Add(p.Wait)
	said := ""
	for {
		status, err := p.client.DatasetStatus(ctx, d.ID)
		switch {
		case err != nil, status == "", status == "ready", failed(status):
			return status, err
		case time.Now().After(deadline):
			return "", hint.New(fmt.Errorf("%s: Kaggle still processes its last version after %s: its status is %q", d.ID, p.Wait, status),
				"push again later: it continues where it stopped")
		case status != said:
			p.Say("%s: waiting until Kaggle has processed its last version (%s)", d.ID, status)
			said = status
		}
		if err := kaggle.Sleep(ctx, p.Pause); err != nil {
			return "", err
		}
	}
}

// failed reports whether the status of a dataset is a failure.
func failed(status string) bool { return status == "error" || status == "failed" }

// retry calls do again while another try may succeed. It tries a busy dataset for
// 1/busyPart of the time that a dataset may take.
func (p *pusher) retry(ctx context.Context, do func() error) error {
	err := kaggle.Patience{Tries: p.Tries, Pause: p.Pause, Busy: p.Wait / busyPart, Say: p.Say}.Retry(ctx, do)
	var e *kaggle.Error
	if errors.As(err, &e) && e.Busy {
		return hint.New(err, "Kaggle may still process its last version, or it is another user's: look at https://www.kaggle.com/datasets, and push again later")
	}
	return err
}

const (
	// A dataset may be busy for 1/busyPart of Options.Wait.
	busyPart = 4
	// An accepted dataset must appear within appearPauses pauses.
	appearPauses = 30
)

// ready waits until Kaggle has processed a dataset. If a dataset that Kaggle accepted
// does not appear, ready uploads it once more.
func (p *pusher) ready(ctx context.Context, d folder.Dataset) error {
	deadline, appear := time.Now().Add(p.Wait), p.appear()
	said, again := "", false
	for {
		var status string
		err := p.retry(ctx, func() (err error) {
			status, err = p.client.DatasetStatus(ctx, d.ID)
			return err
		})
		switch {
		case err != nil:
			return err
		case status == "ready":
			return nil
		case failed(status):
			return hint.New(fmt.Errorf("%s: Kaggle could not process it: its status is %q", d.ID, status), "look at kaggle.com/datasets/%s", d.ID)
		case status == "" && again && time.Now().After(appear):
			delete(p.note.Uploaded, d.ID)
			return hint.New(errors.Join(fmt.Errorf("%s: Kaggle accepted it twice, but it does not exist", d.ID), p.save()),
				"look at https://www.kaggle.com/datasets/%s and at your account, whose phone number may have to be verified; then push again", d.ID)
		case status == "" && time.Now().After(appear):
			p.Say("%s: Kaggle accepted it, but it does not exist; uploading it again", d.ID)
			if err := p.uploadAgain(ctx, d); err != nil {
				return err
			}
			again, appear = true, p.appear()
		case time.Now().After(deadline):
			return hint.New(fmt.Errorf("%s is not ready after %s: its status is %q", d.ID, p.Wait, status), "push again later: it continues where it stopped")
		case status != said:
			text := status
			if text == "" {
				text = "it does not exist yet"
			}
			p.Say("%s: waiting until it is ready (%s)", d.ID, text)
			said = status
		}
		if err := kaggle.Sleep(ctx, p.Pause); err != nil {
			return err
		}
	}
}

// appear returns the time by which an accepted dataset must appear.
func (p *pusher) appear() time.Time {
	return time.Now().Add(min(p.Wait/busyPart, appearPauses*p.Pause))
}

// uploadAgain uploads a dataset that Kaggle lost. If its name is taken, Kaggle did not
// lose it.
func (p *pusher) uploadAgain(ctx context.Context, d folder.Dataset) error {
	err := p.upload(ctx, d)
	var e *kaggle.Error
	if errors.As(err, &e) && e.Taken {
		p.Say("%s: its name is taken, so Kaggle is still making it", d.ID)
		return nil
	}
	return err
}

// kernel uploads the kernel if it or one of its datasets changed.
func (p *pusher) kernel(ctx context.Context) error {
	if p.manifest.Kernel == "" {
		return nil
	}
	want := p.kernelHash()
	if p.note.Uploaded[p.manifest.Kernel] == want {
		p.Say("%s: already uploaded", p.manifest.Kernel)
		return nil
	}
	return p.retry(ctx, func() error {
		p.Say("%s: uploading the kernel", p.manifest.Kernel)
		out, err := p.client.Run(ctx, kaggle.PushKernel(p.Folder))
		if err != nil {
			return err
		}
		p.note.KernelVersion = 0
		if m := pushedVersion.FindStringSubmatch(out); m != nil {
			p.note.KernelVersion, _ = strconv.Atoi(m[1]) // the pattern admits nothing else
			p.Say("%s: version %d", p.manifest.Kernel, p.note.KernelVersion)
		}
		return p.done(p.manifest.Kernel, want)
	})
}

var pushedVersion = regexp.MustCompile(`Kernel version ([0-9]{1,9}) successfully`)

// kernelHash returns a hash of the kernel's script and of the folder's datasets.
func (p *pusher) kernelHash() string {
	all := []folder.File{p.manifest.Script}
	for _, d := range p.manifest.Datasets {
		all = append(all, d.Files...)
	}
	return hash(all...)
}

// Status is the status of a dataset or a kernel on Kaggle.
type Status struct {
	What, ID string // What is "dataset" or "kernel"
	Status   string // "missing" if it does not exist
	Message  string // Kaggle's explanation of a failure
	Changed  bool   // the folder holds another state than the last upload
}

// Statuses asks Kaggle for the status of the datasets and the kernel of the folder dir.
func Statuses(ctx context.Context, client *kaggle.Client, dir string) ([]Status, error) {
	p := &pusher{Options: Options{Folder: dir}.withDefaults(), client: client}
	var err error
	if p.manifest, err = folder.Read(dir); err != nil {
		return nil, err
	}
	if err := p.read(); err != nil {
		return nil, err
	}
	var all []Status
	for _, d := range p.manifest.Datasets {
		s := Status{What: "dataset", ID: d.ID, Changed: p.note.Uploaded[d.ID] != hash(d.Files...)}
		if s.Status, err = client.DatasetStatus(ctx, d.ID); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if p.manifest.Kernel != "" {
		s := Status{What: "kernel", ID: p.manifest.Kernel, Changed: p.note.Uploaded[p.manifest.Kernel] != p.kernelHash()}
		if s.Status, s.Message, err = client.KernelStatus(ctx, s.ID); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	for i := range all {
		if all[i].Status == "" {
			all[i].Status = "missing"
		}
	}
	return all, nil
}
