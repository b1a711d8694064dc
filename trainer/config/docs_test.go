package config_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/trainer/config"
)

func TestEveryKeyIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/training.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(typ reflect.Type, section string)
	walk = func(typ reflect.Type, section string) {
		for i := range typ.NumField() {
			key, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			if typ.Field(i).Type.Kind() == reflect.Struct {
				walk(typ.Field(i).Type, section+key+".")
				continue
			}
			said := false
			for line := range strings.Lines(string(b)) {
				said = said || strings.Contains(line, "`"+section+key+"`") || strings.Contains(line, "`"+section) && strings.Contains(line, "`"+key+"`") ||
					section == "cosine." && strings.Contains(line, "cosine") && strings.Contains(line, key) ||
					strings.HasSuffix(section, "params.") && strings.Contains(line, "`"+key+"`")
			}
			if !said {
				t.Errorf("docs/training.md does not mention %s%s", section, key)
			}
		}
	}
	walk(reflect.TypeFor[config.Config](), "")
}
