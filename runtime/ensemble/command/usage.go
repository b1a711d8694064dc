package command

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// usageError rewrites an error of FlagSet.Parse in the style of our messages.
func usageError(fs *flag.FlagSet, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return fmt.Errorf("unknown flag --%s", name)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return fmt.Errorf("--%s needs a value", name)
	}
	if word, ok := strings.CutPrefix(text, "bad flag syntax: "); ok {
		return fmt.Errorf("%s is no flag", word)
	}
	for _, prefix := range []string{"invalid value ", "invalid boolean value "} {
		rest, ok := strings.CutPrefix(text, prefix)
		if !ok {
			continue
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			break
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			break
		}
		name := strings.TrimPrefix(strings.TrimPrefix(rest[len(quoted):], " for "), "flag ")
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "-"), ":")
		if f := fs.Lookup(name); f != nil {
			return fmt.Errorf("--%s %s: %s", name, value, wanted(f, value))
		}
	}
	return errors.New(text)
}

// wanted returns what kind of value a flag takes. value is one that it refuses.
func wanted(f *flag.Flag, value string) string {
	getter, ok := f.Value.(flag.Getter)
	if !ok {
		return "it can't be read"
	}
	switch getter.Get().(type) {
	case time.Duration:
		if _, err := strconv.ParseFloat(value, 64); err == nil {
			return "add a unit, such as 8h or 30m"
		}
		return "a time is needed, such as 8h30m, 30m or 45s"
	case int:
		if digits := strings.TrimPrefix(value, "-"); digits != "" && strings.Trim(digits, "0123456789") == "" {
			return "the number is too large"
		}
		return "a whole number is needed"
	case bool:
		return "true or false is needed"
	}
	return "it can't be read"
}

// shortenDefault makes the help show the default 9h of a duration flag, not 9h0m0s.
func shortenDefault(f *flag.Flag) {
	getter, ok := f.Value.(flag.Getter)
	if !ok {
		return
	}
	if d, ok := getter.Get().(time.Duration); ok && d != 0 {
		text := d.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		f.DefValue = text
	}
}
