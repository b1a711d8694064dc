//go:build !unix

package usage

import (
	"os"
	"time"
)

// Self returns zeros.
func Self() (cpu time.Duration, peak int64) { return 0, 0 }

// Peak returns 0.
func Peak(*os.ProcessState) int64 { return 0 }
