package templates_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/templates"
)

func TestKernelMetadataSetsWhatTheClientWouldDefaultOtherwise(t *testing.T) {
	b, err := templates.Kernel{
		Owner: "you", Title: "Best_Ensemble 0.64", Script: "kernel.py",
		Datasets: []string{"you/best-program"}, Competitions: []string{"imet-2019-fgvc6"},
	}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"id": "you/best-ensemble-0-64", "enable_internet": false, "is_private": true,
		"language": "python", "kernel_type": "script", "code_file": "kernel.py",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if list, ok := got["kernel_sources"].([]any); !ok || len(list) != 0 {
		t.Errorf("kernel_sources is %v, want an empty list", got["kernel_sources"])
	}
}

func TestSlugsEqualKaggles(t *testing.T) {
	for title, want := range map[string]string{
		"best_ensemble_val_0.6397": "best-ensemble-val-0-6397",
		"  A  --  B!":              "a-b",
		"ünïcode":                  "n-code",
		"":                         "",
	} {
		if got := templates.Slug(title); got != want {
			t.Errorf("Slug(%q) = %q, want %q", title, got, want)
		}
	}
}

func TestTitlesMatchTheirSlugAndFit(t *testing.T) {
	long := "best_ensemble_val_0.6397_lb_651_with_all_seven_networks_and_then_some"
	for _, what := range []string{"program", "weights", "weights 12"} {
		title := templates.DatasetTitle(long, what)
		if len(title) > 50 || !strings.HasSuffix(title, " "+what) || !strings.HasPrefix(title, "best ensemble val 0 6397") {
			t.Errorf("title %q", title)
		}
		if got := strings.ReplaceAll(templates.Slug(title), "-", " "); got != title {
			t.Errorf("%q has the slug of %q", title, got)
		}
	}
}

func TestMetadataThatKaggleRefusesIsRefused(t *testing.T) {
	kernel := templates.Kernel{Owner: "you", Title: "best ensemble", Script: "kernel.py"}
	dataset := templates.Dataset{Owner: "you", Title: "best ensemble weights"}
	check := func(name string, got error, want string) {
		t.Helper()
		switch {
		case want == "" && got != nil:
			t.Errorf("%s: %v", name, got)
		case want != "" && (got == nil || !strings.Contains(got.Error(), want)):
			t.Errorf("%s: error %v, want one with %q", name, got, want)
		}
	}
	k := func(change func(*templates.Kernel)) error {
		c := kernel
		change(&c)
		_, err := c.JSON()
		return err
	}
	d := func(change func(*templates.Dataset)) error {
		c := dataset
		change(&c)
		_, err := c.JSON()
		return err
	}
	check("good kernel", k(func(*templates.Kernel) {}), "")
	check("short title", k(func(k *templates.Kernel) { k.Title = "four" }), "5 to 50")
	check("title without letters", k(func(k *templates.Kernel) { k.Title = "......" }), "too short")
	check("title that is not ASCII", k(func(k *templates.Kernel) { k.Title = "künstler" }), "use ASCII")
	check("key in public", k(func(k *templates.Kernel) { k.HoldsKey, k.Visibility = true, templates.Public }), "can't be public")
	check("key in private", k(func(k *templates.Kernel) { k.HoldsKey = true }), "")
	check("owner", k(func(k *templates.Kernel) { k.Owner = "a/b" }), "no Kaggle user name")

	check("good dataset", d(func(d *templates.Dataset) { d.Files = []string{"a_f0_e01_0.5.safetensors.enc"} }), "")
	check("short title", d(func(d *templates.Dataset) { d.Title = "fives" }), "6 to 50")
	check("archive", d(func(d *templates.Dataset) { d.Files = []string{"a.pth"} }), "unpacked")
	check("odd name", d(func(d *templates.Dataset) { d.Files = []string{"a+b.enc"} }), "would be changed")
	check("many files", d(func(d *templates.Dataset) { d.Files = make([]string, 51) }), "51 files")
	check("licence", d(func(d *templates.Dataset) { d.Licence = "mine" }), "no licence")
	check("key in public", d(func(d *templates.Dataset) { d.HoldsKey, d.Visibility = true, templates.Public }), "can't be public")
}
