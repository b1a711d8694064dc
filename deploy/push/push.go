// Package push uploads a deployed folder with Kaggle's client: each dataset, in
// its first or a new version, then the kernel when all datasets are ready.
//
//	err := push.Push(ctx, client, push.Options{Folder: "deploy", Say: say})
//
// The file push.json in the folder records the hashes of what was uploaded: a push
// that failed or was interrupted goes on where it stopped, and what did not change is
// not uploaded again. A command that fails is tried again, unless the client's message
// says that the failure lasts. Push waits for a dataset whose last version Kaggle
// still processes, and uploads a dataset once more that Kaggle accepted but lost.
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

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/kaggle"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
)

// Options say what to upload and how.
type Options struct {
	Folder string
	// Message describes new versions of datasets; "" names the ensemble.
	Message string
	// Tries bounds how often a command is tried; 0 is 5.
	Tries int
	// Pause is the time between two looks at a dataset, and before the second try of a
	// command; it doubles from try to try. 0 is 10 seconds.
	Pause time.Duration
	// Wait bounds the time until a dataset is ready; 0 is an hour.
	Wait time.Duration
	// Say prints a line of progress; nil prints none.
	Say func(format string, args ...any)
}

// note records the uploads.
type note struct {
	// Uploaded has the hash of each dataset's files, and the kernel's, by id.
	Uploaded map[string]string `json:"uploaded"`
	// KernelVersion is the version that the last push made, 0 if unknown.
	KernelVersion int `json:"kernel_version,omitempty"`
}

// ErrChanged is returned for a folder that changed since it was pushed.
var ErrChanged = errors.New("what is in the folder was not uploaded")

// KernelVersion returns the version of the kernel that was pushed from the folder, 0
// if the client did not print it. It returns ErrChanged if the kernel or a dataset of
// the folder changed since.
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

// Push uploads the folder.
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
		p.Say("warning: the kernel takes its key from the environment, which Kaggle can't give one without internet: it needs a dataset with a .key file")
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

// check compares the sizes of all files with the manifest's.
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

// done records an upload.
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

// hash returns a hash of the names and contents of files.
func hash(files ...folder.File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s %d %s\n", f.Name, f.Size, f.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// dataset uploads a dataset unless that was done.
func (p *pusher) dataset(ctx context.Context, d folder.Dataset) error {
	if p.note.Uploaded[d.ID] == hash(d.Files...) {
		p.Say("%s: uploaded before", d.ID)
		return nil
	}
	return p.upload(ctx, d)
}

// upload uploads a dataset in its first or a new version. It waits for the last
// version to be processed, because Kaggle refuses a new one before.
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

// settled waits until Kaggle no longer processes a dataset's last version, and returns
// the dataset's status, "" if there is no such dataset.
func (p *pusher) settled(ctx context.Context, d folder.Dataset) (string, error) {
	deadline := time.Now().Add(p.Wait)
	said := ""
	for {
		status, err := p.client.DatasetStatus(ctx, d.ID)
		switch {
		case err != nil, status == "", status == "ready", failed(status):
			return status, err
		case time.Now().After(deadline):
			return "", hint.New(fmt.Errorf("%s: its last version is still processed after %s: its status is %q", d.ID, p.Wait, status),
				"push again later: it goes on where it stopped")
		case status != said:
			p.Say("%s: waiting until its last version is processed (%s)", d.ID, status)
			said = status
		}
		if err := kaggle.Sleep(ctx, p.Pause); err != nil {
			return "", err
		}
	}
}

// failed reports whether a status says that Kaggle could not process a dataset.
func failed(status string) bool { return status == "error" || status == "failed" }

// retry calls do again if it may succeed then. A dataset that is busy is tried for a
// part of the time that it may take to be ready.
func (p *pusher) retry(ctx context.Context, do func() error) error {
	err := kaggle.Patience{Tries: p.Tries, Pause: p.Pause, Busy: p.Wait / busyPart, Say: p.Say}.Retry(ctx, do)
	var e *kaggle.Error
	if errors.As(err, &e) && e.Busy {
		return hint.New(err, "its last version may still be processed, or it is another user's: look at https://www.kaggle.com/datasets, and push again later")
	}
	return err
}

const (
	// A dataset may be busy for 1/busyPart of Options.Wait.
	busyPart = 4
	// An accepted dataset must appear within appearPauses pauses.
	appearPauses = 30
)

// ready waits until Kaggle has processed a dataset. It uploads a dataset once more
// that Kaggle accepted but that does not appear.
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
			return hint.New(fmt.Errorf("%s: Kaggle could not take it in: its status is %q", d.ID, status), "look at kaggle.com/datasets/%s", d.ID)
		case status == "" && again && time.Now().After(appear):
			delete(p.note.Uploaded, d.ID)
			return hint.New(errors.Join(fmt.Errorf("%s: Kaggle accepted it twice, but it is not there", d.ID), p.save()),
				"look at https://www.kaggle.com/datasets/%s and at your account, whose phone number may have to be verified; then push again", d.ID)
		case status == "" && time.Now().After(appear):
			p.Say("%s: Kaggle accepted it, but it is not there; uploading it again", d.ID)
			if err := p.uploadAgain(ctx, d); err != nil {
				return err
			}
			again, appear = true, p.appear()
		case time.Now().After(deadline):
			return hint.New(fmt.Errorf("%s is not ready after %s: its status is %q", d.ID, p.Wait, status), "push again later: it goes on where it stopped")
		case status != said:
			text := status
			if text == "" {
				text = "not there yet"
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

// uploadAgain uploads a dataset that got lost. If its name is taken, it was not lost.
func (p *pusher) uploadAgain(ctx context.Context, d folder.Dataset) error {
	err := p.upload(ctx, d)
	var e *kaggle.Error
	if errors.As(err, &e) && e.Taken {
		p.Say("%s: its name is taken, so it is on its way", d.ID)
		return nil
	}
	return err
}

// kernel uploads the kernel, if there is one and it or its datasets changed.
func (p *pusher) kernel(ctx context.Context) error {
	if p.manifest.Kernel == "" {
		return nil
	}
	want := p.kernelHash()
	if p.note.Uploaded[p.manifest.Kernel] == want {
		p.Say("%s: uploaded before", p.manifest.Kernel)
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

// kernelHash returns a hash of the kernel's script and of the datasets made with it.
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
	Status   string // "missing" if there is none
	Message  string // of a failure
	// Changed reports whether it changed in the folder since the last upload.
	Changed bool
}

// Statuses asks for the status of the folder's datasets and kernel.
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
