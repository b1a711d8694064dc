package cli

import (
	"encoding/csv"
	"errors"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/spf13/pflag"
)

// Chooser is the value of a flag that takes one or several of a fixed set of names.
// Shells complete the names.
type Chooser interface {
	pflag.Value
	Choices() []string
}

// ChoiceVar adds a flag that sets *p to one of names. The help lists them after usage.
// The default is the value of *p.
func ChoiceVar(fs *pflag.FlagSet, p *string, name string, names []string, usage string) {
	fs.Var(&choice{p, names}, name, usage+": "+say.Names(names))
}

// ChoicesVar adds a flag that appends some of names to *p. They are separated by commas,
// or the flag is repeated.
func ChoicesVar(fs *pflag.FlagSet, p *[]string, name string, names []string, usage string) {
	fs.Var(&choices{p, names}, name, usage)
}

type choice struct {
	value *string
	names []string
}

func (c *choice) Choices() []string { return c.names }
func (c *choice) String() string    { return *c.value }
func (c *choice) Type() string      { return "NAME" }

func (c *choice) Set(text string) error {
	if !slices.Contains(c.names, text) {
		return nearest.Unknown(text, c.names)
	}
	*c.value = text
	return nil
}

type choices struct {
	values *[]string
	names  []string
}

func (c *choices) Choices() []string { return c.names }
func (c *choices) String() string    { return strings.Join(*c.values, ",") }
func (c *choices) Type() string      { return "NAMES" }

func (c *choices) Set(text string) error {
	list, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return errors.New("the list can't be read: separate its parts by commas")
	}
	for _, name := range list {
		if !slices.Contains(c.names, name) {
			return nearest.Unknown(name, c.names)
		}
	}
	*c.values = append(*c.values, list...)
	return nil
}
