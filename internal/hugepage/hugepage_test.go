package hugepage_test

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/hugepage"
)

func TestAdviseLeavesValuesAlone(t *testing.T) {
	hugepage.Advise[byte](nil)
	for _, n := range []int{0, 1, hugepage.Size/4 - 1, hugepage.Size / 4, hugepage.Size} {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i)
		}
		hugepage.Advise(x)
		for i, v := range x {
			if v != float32(i) {
				t.Fatalf("%d values: value %d became %v", n, i, v)
			}
		}
	}
}
