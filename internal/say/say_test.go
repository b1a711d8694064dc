package say_test

import (
	"math"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
)

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1 << 20: "1048576", 0.5: "0.5", 1e-4: "0.0001", 3e-5: "3e-5", 1e6: "1000000", 2.5e20: "2.5e20", -3: "-3",
		math.Inf(1): "infinity", math.Inf(-1): "minus infinity",
	} {
		if got := say.Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
	if got := say.Number(math.NaN()); got != "not a number" {
		t.Errorf("Number(NaN) = %q", got)
	}
	if got := say.Rate(0.0031622776); got != "0.00316" {
		t.Errorf("Rate = %q", got)
	}
}

func TestListsSpansAndOthers(t *testing.T) {
	for got, want := range map[string]string{
		say.List([]float64{0.5, 1e6}):              "0.5, 1000000",
		say.Some([]int{1, 2, 3}, 2):                "1, 2, … (3 in all)",
		say.Some([]int{1, 2}, 2):                   "1, 2",
		say.Names([]string{"a", "b", "c"}):         "a, b or c",
		say.Names([]string{"a"}):                   "a",
		say.Span(0, math.Inf(1)):                   "at least 0",
		say.Span(1, 1<<20):                         "between 1 and 1048576",
		say.Count(1, "file"):                       "1 file",
		say.Count(0, "file"):                       "0 files",
		say.Count(2, "class"):                      "2 classes",
		say.Shell("a", "b c", "", "it's"):          `a 'b c' '' 'it'\''s'`,
		say.Duration(9 * time.Hour):                "9h",
		say.Duration(10 * time.Minute):             "10m",
		say.Duration(90 * time.Second):             "1m30s",
		say.Duration(8*time.Hour + 30*time.Minute): "8h30m",
		say.Duration(8*time.Hour + 3*time.Second):  "8h0m3s",
		say.Duration(1500 * time.Millisecond):      "1.5s",
		say.Duration(0):                            "0s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
