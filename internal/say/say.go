// Package say formats values as people write them, for messages and tables.
//
//	say.Number(1 << 20)           // 1048576
//	say.List([]int{3, 5})         // 3, 5
//	say.Some(classes, 10)         // 0, 1, 2, … (40 in all)
//	say.Span(0, math.Inf(1))      // at least 0
//	say.Duration(9 * time.Hour)   // 9h
package say

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Number returns v in decimal notation, with an exponent only if v is very large or
// small.
func Number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "not a number"
	case math.IsInf(v, 1):
		return "infinity"
	case math.IsInf(v, -1):
		return "minus infinity"
	}
	if a := math.Abs(v); a == 0 || a >= 1e-4 && a < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return exponent(strconv.FormatFloat(v, 'g', -1, 64))
}

// Rate returns v with at most three significant digits: 0.003, or 3e-5 for 3e-05.
func Rate(v float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return Number(v)
	}
	return Number(rounded)
}

// exponent drops the leading zero and the plus sign of an exponent.
func exponent(s string) string {
	mantissa, exp, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	sign := ""
	if exp[0] == '-' {
		sign = "-"
	}
	return mantissa + "e" + sign + strings.TrimLeft(exp[1:], "0")
}

// Span describes the values from low to high, both included.
func Span(low, high float64) string {
	if math.IsInf(high, 1) {
		return "at least " + Number(low)
	}
	return fmt.Sprintf("between %s and %s", Number(low), Number(high))
}

// List returns the items with commas between them.
func List[T any](items []T) string {
	texts := make([]string, len(items))
	for i, v := range items {
		texts[i] = item(v)
	}
	return strings.Join(texts, ", ")
}

// Some is List of the first n items. If there are more, it adds their total number.
func Some[T any](items []T, n int) string {
	if len(items) <= n {
		return List(items)
	}
	return fmt.Sprintf("%s, … (%d in all)", List(items[:n]), len(items))
}

// Names returns the items as a choice: "a, b or c".
func Names(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func item(v any) string {
	if f, ok := v.(float64); ok {
		return Number(f)
	}
	return fmt.Sprint(v)
}

// Count returns "1 file", "3 files" or "3 classes".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Shell returns the words of a command as one line for a shell, with quotes where
// needed.
func Shell(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$`!*?[](){}<>|&;~#") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// Duration returns d without the units that are zero: 9h, not 9h0m0s.
func Duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Size returns a number of bytes as humans read it: "0 B", "999 B", "1.5 MB".
// A kB is 1000 bytes.
func Size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/1000, 0
	for v >= 999.5 && unit < 4 {
		v /= 1000
		unit++
	}
	digits := 0
	if v < 9.95 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %cB", digits, v, "kMGTP"[unit])
}
