// Package kaggle runs Kaggle's official client, the Python program kaggle, and reads
// its output.
//
//	client, err := kaggle.Find(ctx)
//	status, err := client.DatasetStatus(ctx, "you/imet-weights")
//	_, err = client.Run(ctx, kaggle.PushKernel("deploy"))
//
// The client ends with status 0 even if it could not make a dataset, so failures are
// read from its output. [Error] says which of them are worth another try.
//
// The package was written for version 2.2 of the client and supports 1.6 and later. It
// never sees the user's credentials: the client finds them itself.
package kaggle

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/deploy-kernel/deploy-kernel/deploy/internal/procgroup"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
)

// The oldest version that this package supports.
const oldestMajor, oldestMinor = 1, 6

// Client is the program kaggle.
type Client struct {
	Path    string
	Version string
}

var versionText = regexp.MustCompile(`(?i)kaggle (?:api|cli) (\d+)\.(\d+)(\.\d+)*`)

// Find finds the client on PATH and checks its version.
func Find(ctx context.Context) (*Client, error) {
	path, err := exec.LookPath("kaggle")
	if err != nil {
		return nil, hint.New(errors.New("there is no program kaggle on PATH, which is Kaggle's client"),
			"`pip install kaggle` installs it; --dry-run shows what would be run")
	}
	c := &Client{Path: path}
	out, err := c.run(ctx, Command{"--version"})
	if err != nil {
		return nil, err
	}
	m := versionText.FindStringSubmatch(out)
	if m == nil {
		return nil, fmt.Errorf("%s --version: %q is not the answer of Kaggle's client", path, firstLine(out))
	}
	c.Version = strings.Fields(m[0])[2]
	major, _ := strconv.Atoi(m[1]) // the pattern admits nothing else
	minor, _ := strconv.Atoi(m[2])
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return nil, hint.New(fmt.Errorf("%s is version %s; %d.%d is needed", path, c.Version, oldestMajor, oldestMinor),
			"`pip install --upgrade kaggle`")
	}
	return c, nil
}

// Error is returned when a command of the client fails.
type Error struct {
	Command Command
	Text    string // the line of the output that says why
	Missing bool   // the dataset or kernel does not exist, or is not the user's
	Busy    bool   // Kaggle still processes the dataset's last version
	Taken   bool   // the name is in use
	Lasting bool   // another try would fail too
}

// Error returns the command and e.Text.
func (e *Error) Error() string {
	return "kaggle " + strings.Join(e.Command, " ") + ": " + e.Text
}

// failure returns the error of a command that printed out. The text says why it failed.
func failure(args Command, out, text string) error {
	if noCredentials(out) {
		return credentialsError(args, out)
	}
	e := &Error{Command: args, Text: text, Missing: missing(out), Taken: strings.Contains(out, "already in use")}
	verb := strings.Join(args[:min(2, len(args))], " ")
	if verb == "datasets version" {
		e.Busy = refused.MatchString(out) || processing.MatchString(out)
	}
	e.Lasting = !e.Busy && (e.Missing || lasting(out))
	switch {
	case verb == "kernels push" && strings.Contains(out, "409"):
		e.Lasting = true
		return hint.New(e, "a kernel with this title may have another address, or one with this address another title: choose another by `deploy-kernel infer --title`")
	case verb == "competitions submit" && e.Missing:
		return hint.New(e, "accept the rules of the competition on its page, and check its name, the kernel and the version")
	}
	return e
}

var (
	refused    = regexp.MustCompile(`\b(403|409)\b`)
	processing = regexp.MustCompile(`(?i)(still|being|currently) (being )?process|is pending|in progress`)
	httpError  = regexp.MustCompile(`\b[45][0-9][0-9] (Client|Server) Error`)
)

// noCredentials reports whether the output says that the credentials are missing or
// wrong.
func noCredentials(text string) bool {
	for _, word := range []string{
		"Authentication required", "Could not find kaggle.json", "401 Client Error", "Unauthorized", "Unauthenticated",
		"must authenticate", "authentication failed", "Missing username", "Missing key",
	} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// credentialsError returns a lasting error whose hint says how to log in with this
// version of the client.
func credentialsError(args Command, out string) error {
	text := describe(out)
	for line := range strings.Lines(out) {
		if noCredentials(line) {
			text = strings.TrimSpace(line)
			break
		}
	}
	err := &Error{Command: args, Text: text, Lasting: true}
	if strings.Contains(out, "kaggle auth login") {
		return hint.New(err, "log in by `kaggle auth login`, or save an API token from https://www.kaggle.com/settings/api as ~/.kaggle/access_token")
	}
	return hint.New(err, "make an API token at https://www.kaggle.com/settings and save it as ~/.kaggle/kaggle.json, or upgrade the client and run `kaggle auth login`")
}

// describe returns the line of the output that says what went wrong: the HTTP error,
// else the last line. Newer clients print more lines after the HTTP error.
func describe(out string) string {
	for line := range strings.Lines(out) {
		if httpError.MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	return lastLine(out)
}

// Run runs a command and returns its output, standard error included. The error wraps
// an *Error, or is ctx's.
func (c *Client) Run(ctx context.Context, args Command) (string, error) {
	out, err := c.run(ctx, args)
	if err != nil {
		return out, err
	}
	// The client ends with status 0 after these.
	for line := range strings.Lines(out) {
		if i := strings.Index(line, " error: "); i >= 0 || strings.HasPrefix(line, "Upload unsuccessful") {
			return out, failure(args, line, strings.TrimSpace(line))
		}
		if strings.HasPrefix(line, "The following are not valid ") && strings.Contains(line, "sources") {
			return out, &Error{Command: args, Text: strings.TrimSpace(line), Lasting: true}
		}
	}
	return out, nil
}

// stopWait is how long an interrupted client may take to end.
const stopWait = 10 * time.Second

func (c *Client) run(ctx context.Context, args Command) (string, error) {
	cmd := exec.CommandContext(ctx, c.Path, args...)
	procgroup.Set(cmd) // the terminal's Ctrl-C comes through Cancel
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = stopWait
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err == nil {
		return out.String(), nil
	}
	text := describe(out.String())
	if text == "" {
		text = err.Error()
	}
	return out.String(), failure(args, out.String(), text)
}

// missing reports whether the output says that something does not exist. Kaggle
// answers 403 both for this and for what belongs to another user.
func missing(text string) bool {
	for _, word := range []string{"404", "403", "Not Found", "Forbidden", "Permission"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// lasting reports whether the output shows a failure that another try would repeat.
func lasting(text string) bool {
	for _, word := range []string{"already in use", "400 Client Error", "must be between", "Invalid", "not valid", "quota", "Incompatible"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// DatasetStatus returns the status of a dataset, such as "ready", or "" if there is no
// such dataset.
func (c *Client) DatasetStatus(ctx context.Context, id string) (string, error) {
	out, err := c.Run(ctx, DatasetStatus(id))
	var e *Error
	if errors.As(err, &e) && e.Missing {
		return "", nil
	}
	return strings.ToLower(lastLine(out)), err
}

var kernelStatus = regexp.MustCompile(`has status "(?:KernelWorkerStatus\.)?([^"]+)"`)

// KernelStatus returns the status of a kernel's last run, such as "complete", or "" if
// there is no such kernel. The message is Kaggle's explanation of a failure.
func (c *Client) KernelStatus(ctx context.Context, id string) (status, message string, err error) {
	out, err := c.Run(ctx, KernelStatus(id))
	var e *Error
	if errors.As(err, &e) && e.Missing {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	m := kernelStatus.FindStringSubmatch(out)
	if m == nil {
		return "", "", fmt.Errorf("kaggle kernels status %s: not understood: %q", id, firstLine(out))
	}
	if _, text, ok := strings.Cut(out, "Failure message: "); ok {
		message = strings.Trim(firstLine(text), `"`)
	}
	return strings.ToLower(m[1]), message, nil
}

// Submission is a row of a competition's list of submissions. Fields that the client
// does not print are "".
type Submission struct {
	Ref, File, Date, Description string
	Status                       string // "pending", "complete" or "error"
	Public, Private              string // scores
}

// Submissions returns the user's submissions to a competition, latest first.
func (c *Client) Submissions(ctx context.Context, competition string) ([]Submission, error) {
	out, err := c.run(ctx, Submissions(competition))
	if err != nil {
		return nil, err
	}
	i := strings.Index(out, "fileName,")
	if i < 0 {
		if strings.Contains(out, "No submissions") {
			return nil, nil
		}
		return nil, fmt.Errorf("kaggle competitions submissions %s: not understood: %q", competition, firstLine(out))
	}
	r := csv.NewReader(strings.NewReader(out[strings.LastIndexByte(out[:i], '\n')+1:]))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("kaggle competitions submissions %s: %w", competition, err)
	}
	var all []Submission
	for _, row := range rows[1:] {
		field := func(name string) string {
			if i := slices.Index(rows[0], name); i >= 0 && i < len(row) {
				return row[i]
			}
			return ""
		}
		status := strings.ToLower(field("status"))
		all = append(all, Submission{
			Ref: field("ref"), File: field("fileName"), Date: field("date"), Description: field("description"),
			Status: status[strings.LastIndexByte(status, '.')+1:], Public: score(field("publicScore")), Private: score(field("privateScore")),
		})
	}
	return all, nil
}

// score returns the text of a score, "" if there is none.
func score(text string) string {
	if text == "None" {
		return ""
	}
	return text
}
