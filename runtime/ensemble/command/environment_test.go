package command

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
)

// Every flag of a kernel that has a variable is in the table of variables.
func TestTheTableOfVariablesIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../../docs/environment.md")
	if err != nil {
		t.Fatal(err)
	}
	c := &command{plan: &ensemble.Plan{}, getenv: func(string) string { return "" }}
	flags, _, _ := c.flags(&predict.Options{})
	flags.VisitAll(func(f *flag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if f.Name != "plan" && f.Name != "version" && !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("docs/environment.md lacks %s", name)
		}
	})
}
