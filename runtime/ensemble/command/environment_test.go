package command

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

func TestEveryVariableOfAKernelIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/environment.md")
	if err != nil {
		t.Fatal(err)
	}
	k := &kernel{plan: &ensemble.Plan{}, getenv: func(string) string { return "" }}
	flags, _ := k.flags()
	flags.VisitAll(func(f *flag.Flag) {
		name := variable(f)
		if f.Name != "plan" && f.Name != "version" && !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("docs/environment.md lacks %s", name)
		}
	})
}
