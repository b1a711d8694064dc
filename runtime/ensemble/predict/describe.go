package predict

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Describe writes what Run would do: what it finds, and what it would predict
// in which order. It predicts nothing, and refuses what Run would refuse.
func Describe(ctx context.Context, p *ensemble.Plan, o Options, w io.Writer) error {
	budget := o.Budget
	o.Scratch, o.Budget = "", 0
	r, err := prepare(ctx, p, o)
	if err != nil {
		return err
	}
	defer r.journal.end()
	found, where := 0, map[string]bool{}
	for _, m := range r.images {
		if m.path != "" {
			found++
			where[filepath.Dir(m.path)] = true
		}
	}
	fmt.Fprintf(w, "plan      %s: %d classes\n", p.Name, p.Classes)
	fmt.Fprintf(w, "sample    %s: %d ids\n", r.sample.Name, len(r.ids))
	fmt.Fprintf(w, "images    %d of %d, in %d folders\n", found, len(r.images), len(where))
	fmt.Fprintf(w, "output    %s\n", o.Output)
	if budget > 0 {
		fmt.Fprintf(w, "budget    %s\n", budget)
	}
	for i, j := range r.sched.jobs {
		file := "missing"
		if j.state != failed {
			file = r.vault.files(j.f)[0].Path
		}
		fmt.Fprintf(w, "%-9d %s: weight %g, %s at %d, %d views, %s\n",
			i+1, j.f.Name, j.m.Weight, j.m.Arch, j.m.InputSize, j.m.Views, file)
	}
	return nil
}
