package nearest_test

import (
	"fmt"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
)

func Example() {
	fmt.Println(nearest.Name("inptu_size", []string{"batch_size", "input_size", "num_folds"}))
	// Output: input_size true
}

func TestOnlyNearNamesAreFound(t *testing.T) {
	names := []string{"encrypt", "decrypt", "inspect", "verify", "keygen", "lr", "num-ttas"}
	for _, c := range []struct{ name, want string }{
		{"encypt", "encrypt"},
		{"decrpyt", "decrypt"}, // one swap of two letters is one mistake
		{"verfy", "verify"},
		{"KEYGEN", "keygen"},
		{"num_ttas", "num-ttas"},
		{"lr", "lr"},
		{"ir", "lr"},
		{"enc", "encrypt"}, // an abbreviation
		{"ttas", "num-ttas"},
		{"e", ""},
		{"launch", ""},
		{"xyz", ""},
		{"", ""},
	} {
		got, ok := nearest.Name(c.name, names)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("Name(%q) = %q, %v; want %q", c.name, got, ok, c.want)
		}
	}
}

func TestAbbreviationsComeBeforeFarNames(t *testing.T) {
	names := []string{"import", "export-onnx"}
	for name, want := range map[string]string{"export": "export-onnx", "xmport": "import"} {
		if got, _ := nearest.Name(name, names); got != want {
			t.Errorf("Name(%q) = %q, want %q", name, got, want)
		}
	}
}
