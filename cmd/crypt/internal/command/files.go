package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/streams"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// job is a file to read and, for most verbs, the file to write.
type job struct {
	in   string
	out  string // "" if the verb writes nothing
	size int64  // of in
}

// outputs are the flags that say where files go.
type outputs struct {
	file  string
	dir   string
	force bool
}

func (o *outputs) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.file, "output", "o", "", "`FILE` to write, for a single input")
	cmd.Flags().StringVar(&o.dir, "out-dir", "", "`FOLDER` to write to, created if missing (default: beside each input)")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite files that exist")
	cmd.MarkFlagsMutuallyExclusive("output", "out-dir")
}

// plan returns a job for each input; name returns the name of its output. Before any
// work, it refuses missing inputs, existing outputs, and two inputs with one output.
// The error joins all refusals.
func (o *outputs) plan(args []string, name func(in string) (string, error)) ([]job, error) {
	if o.file != "" && len(args) != 1 {
		return nil, hint.New(cli.Usagef("--output names one file, but there are %d inputs", len(args)), "use --out-dir")
	}
	jobs, err := stat(args)
	errs := []error{err}
	from := map[string]string{}
	for i := range jobs {
		j := &jobs[i]
		out := o.file
		if out == "" {
			base, err := name(j.in)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			dir := o.dir
			if dir == "" {
				dir = filepath.Dir(j.in)
			}
			out = filepath.Join(dir, base)
		}
		j.out = out
		if other, ok := from[out]; ok {
			errs = append(errs, fmt.Errorf("%s and %s would both be written to %s", other, j.in, out))
		}
		from[out] = j.in
		errs = append(errs, checkOutput(out, o.force))
	}
	return jobs, errors.Join(errs...)
}

// makeDir creates the folder of --out-dir if it is missing.
func (o *outputs) makeDir() error {
	if o.dir == "" {
		return nil
	}
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return fmt.Errorf("making the folder %s: %w", o.dir, atomicfile.Cause(err))
	}
	return nil
}

// stat returns a job for each file that exists, and an error for the others.
func stat(args []string) (jobs []job, err error) {
	var errs []error
	for _, in := range args {
		info, err := os.Stat(in)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("reading %s: %w", in, atomicfile.Cause(err)))
		case info.IsDir():
			errs = append(errs, hint.New(fmt.Errorf("%s is a folder", in), "name its files: %s", filepath.Join(in, "*")))
		default:
			jobs = append(jobs, job{in: in, size: info.Size()})
		}
	}
	return jobs, errors.Join(errs...)
}

// checkOutput refuses a path that exists, unless force is set.
func checkOutput(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil // the path is free, or creating the file will return the error
	case info.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case !force:
		return hint.New(fmt.Errorf("%s exists", path), "--force overwrites it")
	}
	return nil
}

// each runs the jobs, one per core at a time, with progress by their sizes. Then it
// prints the line of each job in order. A job that fails does not stop the others;
// the end of ctx does.
func each(cmd *cobra.Command, verb string, jobs []job, do func(context.Context, job, *cli.Progress) (string, error)) error {
	var total int64
	for _, j := range jobs {
		total += j.size
	}
	p := cli.NewProgress(cmd, verb, total, cli.Bytes)
	defer p.Close()
	ctx := cmd.Context()
	lines, errs := make([]string, len(jobs)), make([]error, len(jobs))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, j := range jobs {
		group.Go(func() error {
			if errs[i] = ctx.Err(); errs[i] == nil {
				lines[i], errs[i] = do(ctx, j, p)
			}
			return nil
		})
	}
	_ = group.Wait()
	p.Close()
	for i, line := range lines {
		if errs[i] != nil {
			continue
		}
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	return errors.Join(errs...)
}

// encrypted is an encrypted file that its key opened.
type encrypted struct {
	*crypt.ReaderAt
	file *os.File
	name string // under which it was encrypted
}

func (e *encrypted) Close() error { return e.file.Close() }

// copyTo writes the whole plaintext to w. The errors of w must name its file.
func (e *encrypted) copyTo(ctx context.Context, w io.Writer) error {
	_, err := e.WriteTo(streams.Writer(ctx, w))
	var path *os.PathError
	if errors.Is(err, crypt.ErrAuth) || errors.As(err, &path) {
		return fmt.Errorf("reading %s: %w", e.file.Name(), atomicfile.Cause(err))
	}
	return err
}

// open opens an encrypted file; the name "" means its present one.
func open(j job, key crypt.Key, name string) (*encrypted, error) {
	if name == "" {
		name = crypt.Name(j.in)
	}
	f, err := os.Open(j.in)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", j.in, atomicfile.Cause(err))
	}
	r, err := crypt.NewReaderAt(f, j.size, key, name)
	if err != nil {
		err = refused(j, f, key, name, err)
		f.Close()
		return nil, err
	}
	return &encrypted{r, f, name}, nil
}

// refused returns err with what the user can do about a file that can't be opened.
func refused(j job, f io.ReaderAt, key crypt.Key, name string, err error) error {
	if !errors.Is(err, crypt.ErrAuth) {
		return fmt.Errorf("reading %s: %w", j.in, atomicfile.Cause(err))
	}
	if _, err := crypt.Inspect(f, j.size); err != nil {
		return fmt.Errorf("reading %s: %w", j.in, atomicfile.Cause(err))
	}
	return hint.New(fmt.Errorf("reading %s: %w", j.in, err),
		"only a file that was encrypted under key %s as %q and not changed since can be read; if it was renamed, give its old name by --name", key.ID(), name)
}
