// Package submit submits a pushed kernel to its competition with Kaggle's client,
// waits for the score and logs it.
//
//	client, err := kaggle.Find(ctx)
//	result, err := submit.Submit(ctx, client, submit.Options{Folder: "deploy", Say: say})
//
// The file submit.json in the folder records the submission. An interrupted call
// continues where it stopped, and no version is submitted twice. The log is a CSV file
// beside the ensemble, with a line for each submission: the validation score and the
// scores of the leaderboard.
//
// It refuses a folder that changed since it was pushed, and a kernel whose run failed.
package submit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/kaggle"
	"github.com/deploy-kernel/deploy-kernel/deploy/push"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// Options say what to submit and how.
type Options struct {
	Folder string
	// Competition is a name or an address; "" is the kernel's only competition.
	Competition string
	Version     int    // the kernel's version to submit; 0 is the one pushed last
	File        string // the kernel's output file to submit; "" is submission.csv
	Message     string // the submission's description; "" names the ensemble and the version
	Log         string // the CSV file; "" is submissions.csv beside the ensemble
	// Tries bounds how often a command is tried; 0 means 5.
	Tries int
	// Pause is the time between two looks at a status, and before the second try of a
	// command. 0 means 30 seconds.
	Pause time.Duration
	// Wait bounds the time of the kernel's run and of the scoring; 0 means 12 hours.
	Wait time.Duration
	// Say reports progress, a line each; nil is silent.
	Say func(format string, args ...any)
}

// Result is a submission and its scores.
type Result struct {
	Competition, Kernel string
	Version             int
	Ref                 string // the submission's number, "" if the client prints none
	Status              string // "complete" or "error"
	Public, Private     string // scores, "" if unknown
	Log                 string // path of the log
}

// note is the content of submit.json, the last submission of the folder.
type note struct {
	Competition string `json:"competition"`
	Kernel      string `json:"kernel"`
	Version     int    `json:"version"`
	Message     string `json:"message"`
	// Before lists the dates of earlier submissions with the same message.
	Before    []string `json:"before,omitempty"`
	Submitted string   `json:"submitted,omitempty"` // time; "" until Kaggle confirms it
	Ref       string   `json:"ref,omitempty"`
	Result    *Result  `json:"result,omitempty"`
}

// submitter is the state of one Submit.
type submitter struct {
	Options
	client   *kaggle.Client
	manifest *folder.Manifest
	note     note
	deadline time.Time
}

func (o Options) withDefaults() Options {
	if o.File == "" {
		o.File = "submission.csv"
	}
	if o.Tries == 0 {
		o.Tries = 5
	}
	if o.Pause == 0 {
		o.Pause = 30 * time.Second
	}
	if o.Wait == 0 {
		o.Wait = 12 * time.Hour
	}
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	return o
}

// Submit submits the kernel and waits until Kaggle has scored it. A submission that
// Kaggle could not score is no error: its Status is "error".
func Submit(ctx context.Context, client *kaggle.Client, o Options) (*Result, error) {
	s := &submitter{Options: o.withDefaults(), client: client}
	s.deadline = time.Now().Add(s.Wait)
	var err error
	if s.manifest, err = folder.Read(o.Folder); err != nil {
		return nil, err
	}
	if err := s.resolve(); err != nil {
		return nil, err
	}
	fresh, err := s.read()
	if err != nil {
		return nil, err
	}
	if s.note.Result != nil {
		s.Say("version %d of %s is already submitted", s.Version, s.manifest.Kernel)
		return s.note.Result, nil
	}
	if !fresh {
		s.Say("continuing the submission of version %d of %s", s.Version, s.manifest.Kernel)
	}
	if err := s.ran(ctx); err != nil {
		return nil, err
	}
	if err := s.submit(ctx, fresh); err != nil {
		return nil, err
	}
	row, err := s.scored(ctx)
	if err != nil {
		return nil, err
	}
	return s.finish(row)
}

// resolve fills in the competition, the version, the message and the log.
func (s *submitter) resolve() error {
	m := s.manifest
	if m.Kernel == "" {
		return fmt.Errorf("%s holds datasets only, no kernel", s.Folder)
	}
	if s.Competition == "" {
		if len(m.Competitions) != 1 {
			return hint.New(fmt.Errorf("%s: the kernel was made for %d competitions", s.Folder, len(m.Competitions)), "name one by --competition")
		}
		s.Competition = m.Competitions[0]
	}
	var err error
	if s.Competition, err = templates.Competition(s.Competition); err != nil {
		return err
	}
	if s.Version == 0 {
		s.Version, err = push.KernelVersion(s.Folder)
		switch {
		case err != nil:
			return hint.New(err, "`deploy-kernel push %s` uploads it; --version submits an earlier version", s.Folder)
		case s.Version == 0:
			return hint.New(fmt.Errorf("%s: the version of the pushed kernel is unknown", s.Folder), "name it by --version")
		}
	}
	if s.Message == "" {
		s.Message = fmt.Sprintf("deploy-kernel: %s, kernel version %d", m.Ensemble, s.Version)
	}
	if s.Log == "" {
		s.Log = s.defaultLog()
	}
	return nil
}

// read reads submit.json. fresh reports whether it does not record this kernel, version
// and competition; s.note is new then.
func (s *submitter) read() (fresh bool, err error) {
	want := note{Competition: s.Competition, Kernel: s.manifest.Kernel, Version: s.Version, Message: s.Message}
	path := filepath.Join(s.Folder, folder.SubmitRecord)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.note = want
		return true, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &s.note)
	}
	if err != nil {
		return false, hint.New(fmt.Errorf("%s: %w", path, err), "remove it to submit anew")
	}
	if s.note.Competition != want.Competition || s.note.Kernel != want.Kernel || s.note.Version != want.Version {
		s.note = want
		return true, nil
	}
	return false, nil
}

func (s *submitter) save() error {
	b, err := json.MarshalIndent(s.note, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(s.Folder, folder.SubmitRecord), append(b, '\n'))
}

// ran waits until the kernel's run has succeeded.
func (s *submitter) ran(ctx context.Context) error {
	said := ""
	for {
		var status, message string
		err := s.retry(ctx, func() (err error) {
			status, message, err = s.client.KernelStatus(ctx, s.manifest.Kernel)
			return err
		})
		switch {
		case err != nil:
			return err
		case status == "complete":
			return nil
		case status == "":
			return hint.New(fmt.Errorf("%s is not on Kaggle", s.manifest.Kernel), "`deploy-kernel push %s` uploads it", s.Folder)
		case strings.Contains(status, "error"), strings.Contains(status, "cancel"), status == "failed":
			if message != "" {
				message = ": " + message
			}
			return hint.New(fmt.Errorf("the run of %s ended as %q%s", s.manifest.Kernel, status, message),
				"its log is at https://www.kaggle.com/code/%s", s.manifest.Kernel)
		case time.Now().After(s.deadline):
			return hint.New(fmt.Errorf("%s still runs after %s: its status is %q", s.manifest.Kernel, s.Wait, status), "submit again later")
		case status != said:
			s.Say("%s: waiting until its run has ended (%s)", s.manifest.Kernel, status)
			said = status
		}
		if err := kaggle.Sleep(ctx, s.Pause); err != nil {
			return err
		}
	}
}

var refText = regexp.MustCompile(`(?i)submission ref: *([0-9]+)`)

// submit submits the kernel unless submit.json records that. After a failed or
// interrupted command, the list of submissions shows whether Kaggle carried it out.
func (s *submitter) submit(ctx context.Context, fresh bool) error {
	if s.note.Submitted != "" {
		return nil
	}
	if fresh {
		rows, err := s.rows(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			s.note.Before = append(s.note.Before, row.Date)
		}
		if err := s.save(); err != nil {
			return err
		}
	}
	look := !fresh
	return s.retry(ctx, func() error {
		if look {
			rows, err := s.rows(ctx)
			if err != nil {
				return err
			}
			if row, ok := s.find(rows); ok {
				return s.submitted(row.Ref)
			}
		}
		look = true
		s.Say("%s: submitting version %d of %s", s.Competition, s.Version, s.manifest.Kernel)
		out, err := s.client.Run(ctx, kaggle.Submit(s.Competition, s.manifest.Kernel, s.Version, s.File, s.note.Message))
		if err != nil {
			return err
		}
		ref := ""
		if m := refText.FindStringSubmatch(out); m != nil {
			ref = m[1]
		}
		return s.submitted(ref)
	})
}

// submitted records in submit.json that Kaggle has the submission.
func (s *submitter) submitted(ref string) error {
	s.note.Submitted, s.note.Ref = time.Now().UTC().Format(time.RFC3339), ref
	return s.save()
}

// rows returns the submissions that have the note's message or reference.
func (s *submitter) rows(ctx context.Context) ([]kaggle.Submission, error) {
	var rows []kaggle.Submission
	err := s.retry(ctx, func() (err error) {
		rows, err = s.client.Submissions(ctx, s.Competition)
		return err
	})
	return slices.DeleteFunc(rows, func(row kaggle.Submission) bool {
		return row.Description != s.note.Message && (s.note.Ref == "" || row.Ref != s.note.Ref)
	}), err
}

// find returns the row of this submission: the one with its reference, else the latest
// one whose date is not in note.Before.
func (s *submitter) find(rows []kaggle.Submission) (kaggle.Submission, bool) {
	for _, row := range rows {
		if s.note.Ref != "" && row.Ref != "" {
			if row.Ref == s.note.Ref {
				return row, true
			}
			continue
		}
		if !slices.Contains(s.note.Before, row.Date) {
			return row, true
		}
	}
	return kaggle.Submission{}, false
}

// scored waits until Kaggle has scored the submission, and returns its row.
func (s *submitter) scored(ctx context.Context) (kaggle.Submission, error) {
	said := ""
	for {
		rows, err := s.rows(ctx)
		if err != nil {
			return kaggle.Submission{}, s.interrupted(ctx, err)
		}
		row, ok := s.find(rows)
		status := row.Status
		switch {
		case !ok:
			status = "not listed yet"
		case status == "complete" || status == "error":
			return row, nil
		}
		if time.Now().After(s.deadline) {
			return row, hint.New(fmt.Errorf("the submission has no score after %s: its status is %q", s.Wait, status), "the same command continues to wait")
		}
		if status != said {
			s.Say("%s: waiting for the score (%s)", s.Competition, status)
			said = status
		}
		if err := kaggle.Sleep(ctx, s.Pause); err != nil {
			return row, s.interrupted(ctx, err)
		}
	}
}

// interrupted says how to continue, if ctx has ended.
func (s *submitter) interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		s.Say("Kaggle continues with the submission; the same command continues to wait for its score")
	}
	return err
}

// finish logs and records the score.
func (s *submitter) finish(row kaggle.Submission) (*Result, error) {
	ref := row.Ref
	if ref == "" {
		ref = s.note.Ref
	}
	r := &Result{
		Competition: s.Competition, Kernel: s.manifest.Kernel, Version: s.Version,
		Ref: ref, Status: row.Status, Public: row.Public, Private: row.Private, Log: s.Log,
	}
	if err := s.log(r, row.Date); err != nil {
		return nil, err
	}
	s.note.Result = r
	return r, s.save()
}

// retry calls do again while another try may succeed.
func (s *submitter) retry(ctx context.Context, do func() error) error {
	return kaggle.Patience{Tries: s.Tries, Pause: s.Pause, Say: s.Say}.Retry(ctx, do)
}
