package templates_test

import (
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/templates"
)

func TestNamesAreTakenFromAddresses(t *testing.T) {
	for _, c := range []struct {
		of       func(string) (string, error)
		in, want string
	}{
		{templates.Competition, "imet-2019-fgvc6", "imet-2019-fgvc6"},
		{templates.Competition, "iMet-2019-FGVC6", "imet-2019-fgvc6"},
		{templates.Competition, "c/imet-2019-fgvc6", "imet-2019-fgvc6"},
		{templates.Competition, "competitions/imet-2019-fgvc6/", "imet-2019-fgvc6"},
		{templates.Competition, "https://www.kaggle.com/competitions/imet-2019-fgvc6", "imet-2019-fgvc6"},
		{templates.Competition, "https://www.kaggle.com/c/imet-2019-fgvc6/data?select=train.csv", "imet-2019-fgvc6"},
		{templates.Competition, "kaggle.com/competitions/imet-2019-fgvc6/overview#evaluation", "imet-2019-fgvc6"},
		{templates.Competition, " www.kaggle.com/c/titanic ", "titanic"},
		{templates.DatasetRef, "you/imet-weights", "you/imet-weights"},
		{templates.DatasetRef, "you/imet-weights/3", "you/imet-weights/3"},
		{templates.DatasetRef, "datasets/you/imet-weights", "you/imet-weights"},
		{templates.DatasetRef, "https://www.kaggle.com/datasets/you/imet-weights/data", "you/imet-weights"},
		{templates.DatasetRef, "https://www.kaggle.com/datasets/you/imet-weights/versions/12", "you/imet-weights/12"},
		{templates.DatasetRef, "https://www.kaggle.com/you/imet-weights", "you/imet-weights"},
		{templates.User, "you", "you"},
		{templates.User, "@you", "you"},
		{templates.User, "https://www.kaggle.com/you", "you"},
	} {
		if got, err := c.of(c.in); err != nil || got != c.want {
			t.Errorf("%q: %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestOtherNamesAndAddressesAreRefused(t *testing.T) {
	for _, c := range []struct {
		of       func(string) (string, error)
		in, want string
	}{
		{templates.Competition, "", "has no name"},
		{templates.Competition, "iMet Collection 2019 - FGVC6", "name it as its address does"},
		{templates.Competition, "you/imet-weights", "looks like a dataset"},
		{templates.Competition, "https://www.kaggle.com/datasets/you/imet-weights", "is not the address of a competition"},
		{templates.Competition, "https://example.com/c/imet", "it is an address of example.com"},
		{templates.Competition, "https://www.kaggle.com/competitions", "has no name"},
		{templates.DatasetRef, "imet-weights", "name it as OWNER/NAME"},
		{templates.DatasetRef, "you/imet weights", "name it as its address does"},
		{templates.DatasetRef, "you/imet_weights", "name it as its address does"},
		{templates.DatasetRef, "you/imet/weights", "OWNER/NAME/VERSION"},
		{templates.DatasetRef, "https://www.kaggle.com/competitions/imet", "is not the address of a dataset"},
		{templates.DatasetRef, "me you/imet", "no Kaggle user name"},
		{templates.User, "", "no Kaggle user name"},
		{templates.User, "you@example.com", "no Kaggle user name"},
		{templates.User, "https://www.kaggle.com/you/code", "no Kaggle user name"},
	} {
		if got, err := c.of(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestTitlesOfDatasetsDoNotRepeatTheirContent(t *testing.T) {
	for _, c := range []struct{ title, what, want string }{
		{"imet best", "weights", "imet best weights"},
		{"imet weights", "weights", "imet weights"},
		{"imet weights", "weights 2", "imet weights 2"},
		{"imet weights", "program", "imet weights program"},
		{"iMet Weights", "weights", "imet weights"},
		{"weights", "weights", "weights"},
		{"imet-weights", "weights 3", "imet weights 3"},
		{"imet overweights", "weights", "imet overweights weights"},
		{strings.Repeat("long ", 9) + "weights", "weights 12", strings.TrimSpace(strings.Repeat("long ", 8)) + " weights 12"},
	} {
		if got := templates.DatasetTitle(c.title, c.what); got != c.want {
			t.Errorf("%q and %q: %q, want %q", c.title, c.what, got, c.want)
		}
	}
}

func TestDefaultTitlesHaveNoScore(t *testing.T) {
	for name, want := range map[string]string{
		"best_val_0.6397.yml":                 "best ensemble",
		"best_val_0.6402.yml":                 "best ensemble",
		"dir/demo_val_0.6402.yml":             "demo ensemble",
		"best_ensemble_val_0.6397.yml":        "best ensemble",
		"imet_2019_final_val_0.64.yaml":       "imet 2019 final",
		"best.yml":                            "best ensemble",
		"imet.yml":                            "imet ensemble",
		"x_val_loss.yml":                      "x val loss",
		strings.Repeat("word_", 20) + "1.yml": strings.TrimSpace(strings.Repeat("word ", 10)),
	} {
		if got := templates.KernelTitle(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if err := templates.CheckTitle(templates.KernelTitle(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
