package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// asUsage turns an error of cobra or pflag into a usage error that says what is needed,
// with a hint.
func asUsage(cmd *cobra.Command, args []string, err error) error {
	var (
		unknown   *pflag.NotExistError
		missing   *pflag.ValueRequiredError
		invalid   *pflag.InvalidValueError
		malformed *pflag.InvalidSyntaxError
	)
	help := fmt.Sprintf("see: %s --help", cmd.CommandPath())
	switch {
	case errors.As(err, new(*usageError)):
		return err
	case errors.As(err, &unknown):
		if verb, ok := mistakenVerb(cmd, args); ok {
			return unknownCommand(cmd, verb)
		}
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			return unknownFlag(cmd, "-"+short, short)
		}
		return unknownFlag(cmd, "--"+unknown.GetSpecifiedName(), unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		kind, _ := pflag.UnquoteUsage(missing.GetFlag())
		return hint.New(Usagef("--%s needs a value: %s", missing.GetFlag().Name, kind), "%s", help)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		wrong := Usagef("--%s %s: %s", f.Name, shown(invalid.GetValue()), wrongValue(f.Value.Type(), invalid.GetValue(), invalid.Unwrap()))
		if list := hint.All(invalid.Unwrap()); len(list) > 0 {
			return hint.New(wrong, "%s", list[0])
		}
		return wrong
	case errors.As(err, &malformed):
		return hint.New(Usagef("%s is no flag", malformed.GetSpecifiedFlag()), "%s", help)
	}
	return hint.New(wrongArguments(cmd, args, err), "%s", help)
}

// shown returns text as the user typed it. It quotes a text that is empty or has spaces
// or quotes.
func shown(text string) string {
	if text == "" || strings.ContainsAny(text, " \t\n\"") {
		return strconv.Quote(text)
	}
	return text
}

// wrongValue says what a flag of type kind needs instead of text.
func wrongValue(kind, text string, cause error) string {
	switch {
	case kind == "duration":
		return wrongDuration(text)
	case strings.HasPrefix(kind, "int") && !strings.Contains(kind, "Slice"), kind == "count":
		return wrongWhole(text, "a whole number is needed")
	case strings.HasPrefix(kind, "uint") && !strings.Contains(kind, "Slice"):
		return wrongWhole(text, "a whole number from 0 on is needed")
	case strings.HasPrefix(kind, "float"):
		if _, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64); err == nil {
			return "write a point, not a comma: " + strings.Replace(text, ",", ".", 1)
		}
		return "a number is needed, such as 0.5 or 1e-3"
	case kind == "bool":
		return "true or false is needed"
	case kind == "stringSlice":
		return "the list can't be read: separate its parts by commas, and close quotes"
	}
	return cause.Error()
}

// wrongDuration says what is needed instead of text, which is no duration.
func wrongDuration(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return "add a unit, such as 8h or 30m"
	}
	if regexp.MustCompile(`^([0-9.]+(h|m|s|ms|us|µs|ns))+$`).MatchString(text) {
		return "the time is too long"
	}
	return "a time is needed, such as 8h30m, 30m or 45s"
}

func wrongWhole(text, want string) string {
	if _, err := strconv.ParseFloat(text, 64); errors.Is(err, strconv.ErrRange) {
		return "the number is too large"
	}
	if strings.Trim(text, "0123456789") == "" && text != "" {
		return "the number is too large"
	}
	return want
}

// Patterns of cobra's errors about arguments, which have no types.
var (
	tooFewOrMany = regexp.MustCompile(`^(?:accepts|requires).*(?:received|receive) (\d+)$`)
	notForThis   = regexp.MustCompile(`^unknown command ("(?:[^"\\]|\\.)*") for "`)
	exclusive    = regexp.MustCompile(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)
	together     = regexp.MustCompile(`^if any flags in the group \[(.*)\] are set they must all be set; missing \[(.*)\]$`)
	notSet       = regexp.MustCompile(`^required flag\(s\) (.*) not set$`)
)

// wrongArguments rewrites cobra's errors about arguments, and about flags that exclude
// or need each other.
func wrongArguments(cmd *cobra.Command, args []string, err error) error {
	message, _, _ := strings.Cut(err.Error(), "\n")
	if m := notForThis.FindStringSubmatch(message); m != nil {
		if word, err := strconv.Unquote(m[1]); err == nil {
			return unexpected(cmd, word)
		}
	}
	if m := tooFewOrMany.FindStringSubmatch(message); m != nil {
		n, _ := strconv.Atoi(m[1]) // the pattern admits digits only
		words := argumentWords(cmd.Use)
		if n < len(words) {
			return Usagef("%s is missing: %s", words[n], form(cmd))
		}
		if given := cmd.Flags().Args(); len(given) > len(words) {
			return unexpected(cmd, given[len(words)])
		}
	}
	if m := exclusive.FindStringSubmatch(message); m != nil {
		return Usagef("%s can't be given together", dashed(m[1], " and "))
	}
	if m := together.FindStringSubmatch(message); m != nil {
		return Usagef("%s is needed too: %s go together", dashed(m[2], " and "), dashed(m[1], " and "))
	}
	if m := notSet.FindStringSubmatch(message); m != nil {
		names := strings.NewReplacer(`"`, "", ",", "").Replace(m[1])
		return Usagef("%s: needed, but not given", dashed(names, " and "))
	}
	return Usagef("%s", message)
}

// dashed puts two dashes before each name in names, and joins the flags by and.
func dashed(names, and string) string {
	list := strings.Fields(names)
	for i := range list {
		list[i] = "--" + list[i]
	}
	return strings.Join(list, and)
}

// unexpected returns the error of a surplus argument.
func unexpected(cmd *cobra.Command, word string) error {
	err := Usagef("unexpected argument %q: %s", word, form(cmd))
	if cmd.Flags().Lookup("config") != nil && (strings.HasSuffix(word, ".yml") || strings.HasSuffix(word, ".yaml")) {
		return hint.New(err, "--config %s names the config", word)
	}
	return err
}

// form returns the usage line of a command, for an error.
func form(cmd *cobra.Command) string {
	path := cmd.Use
	if cmd.HasParent() {
		path = cmd.Parent().CommandPath() + " " + cmd.Use
	}
	return fmt.Sprintf("the form is `%s`", path)
}

// argumentWords returns the arguments in a command's Use, without flags.
func argumentWords(use string) []string {
	var words []string
	fields := strings.Fields(use)
	for i := 1; i < len(fields); i++ {
		if strings.HasPrefix(fields[i], "-") {
			i++ // and its value
			continue
		}
		words = append(words, fields[i])
	}
	return words
}

// mistakenVerb returns the first argument; ok reports whether it is a misspelled
// verb of cmd.
func mistakenVerb(cmd *cobra.Command, args []string) (verb string, ok bool) {
	if !cmd.HasSubCommands() {
		return "", false
	}
	path := strings.Fields(cmd.CommandPath())[1:]
	for i, word := range args {
		if strings.HasPrefix(word, "-") || i > 0 && takesValue(cmd, args[i-1]) {
			continue
		}
		if len(path) > 0 && word == path[0] {
			path = path[1:]
			continue
		}
		return word, isMistakenVerb(cmd, word)
	}
	return "", false
}

// takesValue reports whether the word after a flag may be its value.
func takesValue(cmd *cobra.Command, flag string) bool {
	if !strings.HasPrefix(flag, "-") || strings.Contains(flag, "=") {
		return false
	}
	f := cmd.Flags().Lookup(strings.TrimLeft(flag, "-"))
	if f == nil {
		return cmd.Runnable() && cmd.Annotations[groupMark] == ""
	}
	return f.NoOptDefVal == ""
}

// isMistakenVerb reports whether word is a misspelled verb of cmd: it is similar to one,
// or cmd takes no such argument.
func isMistakenVerb(cmd *cobra.Command, word string) bool {
	if word == "" || strings.ContainsAny(word, `./\*`) {
		return false
	}
	if _, err := os.Stat(word); err == nil && cmd.Annotations[groupMark] == "" {
		return false
	}
	if _, ok := nearVerb(cmd, word); ok || cmd.Annotations[groupMark] != "" {
		return true
	}
	words := argumentWords(cmd.Use)
	return len(words) == 0 || strings.Contains(words[0], ".") // a file, by its ending
}

// verbFirst returns validate with an error for misspelled verbs.
func verbFirst(validate cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		err := cobra.ArbitraryArgs(cmd, args)
		if validate != nil {
			err = validate(cmd, args)
		}
		if err != nil && len(args) > 0 && isMistakenVerb(cmd, args[0]) {
			return unknownCommand(cmd, args[0])
		}
		return err
	}
}

// verbs returns the names of the verbs of cmd.
func verbs(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// nearVerb returns the verb of cmd that a word probably means.
func nearVerb(cmd *cobra.Command, word string) (string, bool) {
	for _, c := range cmd.Commands() {
		if slices.Contains(c.SuggestFor, word) {
			return c.Name(), true
		}
	}
	return nearest.Name(word, verbs(cmd))
}

func unknownCommand(cmd *cobra.Command, name string) error {
	err := Usagef("unknown command %q", name)
	if near, ok := nearVerb(cmd, name); ok {
		return hint.New(err, "did you mean %q?", cmd.CommandPath()+" "+near)
	}
	return hint.New(err, "the commands are %s", strings.Join(verbs(cmd), ", "))
}

// unknownFlag returns the error of an unknown flag. typed is the name with dashes.
func unknownFlag(cmd *cobra.Command, typed, name string) error {
	err := Usagef("unknown flag %s", typed)
	names := flagNames(cmd)
	if slices.Contains(names, name) {
		return hint.New(err, "long flags have two dashes: --%s", name)
	}
	if near, ok := nearest.Name(name, names); ok && len(name) > 1 {
		return hint.New(err, "did you mean --%s?", near)
	}
	if other := ownerOf(cmd.Root(), name); other != nil {
		return hint.New(err, "it is a flag of `%s`", other.CommandPath())
	}
	return hint.New(err, "see: %s --help", cmd.CommandPath())
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) { names = append(names, f.Name) }
	cmd.Flags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return names
}

// ownerOf returns a command in the tree of c that has a flag of that name, or nil.
func ownerOf(c *cobra.Command, name string) *cobra.Command {
	if c.LocalFlags().Lookup(name) != nil && c.IsAvailableCommand() {
		return c
	}
	for _, sub := range c.Commands() {
		if found := ownerOf(sub, name); found != nil {
			return found
		}
	}
	return nil
}

// singleDash refuses a long flag with one dash, such as -config. pflag would read it as
// the short flag -c with the value "onfig".
func singleDash(root *cobra.Command, args []string) error {
	cmd, _, err := root.Find(args)
	if err != nil {
		return nil
	}
	for _, word := range args {
		if word == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(word, "-"), "=")
		if strings.HasPrefix(word, "--") || !strings.HasPrefix(word, "-") || len(name) < 3 {
			continue
		}
		if slices.Contains(flagNames(cmd), strings.ReplaceAll(name, "_", "-")) {
			return hint.New(Usagef("-%s: long flags have two dashes", name), "write --%s", strings.ReplaceAll(name, "_", "-"))
		}
	}
	return nil
}

// shortDurations rewrites the default of a duration without zero units: 9h for 9h0m0s.
func shortDurations(f *pflag.Flag) {
	if f.Value.Type() != "duration" {
		return
	}
	if d, err := time.ParseDuration(f.DefValue); err == nil && d != 0 {
		f.DefValue = say.Duration(d)
	}
}
