package predict

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/supply"
)

// Describe writes to w what Run would do: which files it has found, and which folds it
// would predict in which order. It fails if Run would fail before the first prediction.
func Describe(ctx context.Context, p *ensemble.Plan, o Options, w io.Writer) error {
	budget := o.Budget
	o.Scratch, o.Budget = "", 0
	s, err := prepare(ctx, p, o)
	if err != nil {
		return err
	}
	defer s.journal.end()
	found, folders := 0, map[string]bool{}
	for _, m := range s.test.images {
		if m.path != "" {
			found++
			folders[filepath.Dir(m.path)] = true
		}
	}
	fmt.Fprintf(w, "plan      %s: %d classes\n", p.Name, p.Classes)
	fmt.Fprintf(w, "sample    %s: %d ids\n", s.test.sample.Name, len(s.test.images))
	fmt.Fprintf(w, "form      %s\n", &s.test.sample.Form)
	fmt.Fprintf(w, "images    %d of %d, in %d folders\n", found, len(s.test.images), len(folders))
	fmt.Fprintf(w, "output    %s\n", o.Output)
	if budget > 0 {
		fmt.Fprintf(w, "budget    %s\n", budget)
	}
	vault, _ := s.source.(*supply.Vault)
	for i, j := range s.schedule.Jobs {
		file := "given"
		switch {
		case j.State == pace.Failed:
			file = "missing"
		case vault != nil:
			file = vault.Path(j.Fold)
		}
		fmt.Fprintf(w, "%-9d %s: coefficient %g, %s at %d, %d views, %s\n",
			i+1, j.Fold.Name, j.Model.Coefficient, j.Model.Arch, j.Model.InputSize, j.Model.Views, file)
	}
	return nil
}
