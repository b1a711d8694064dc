package cli

import (
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shells are the shells that have completion scripts.
var shells = []string{"bash", "zsh", "fish"}

// completion returns the verb that prints a shell's completion script.
func completion(tool string) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that makes a shell complete verbs, flags and their values",
		Long: "completion prints a script for bash, zsh or fish. Once the shell has read it,\n" +
			"the tab key completes verbs, flags and their values.",
		Example: strings.ReplaceAll(`  source <(TOOL completion bash)                                # this shell; in ~/.bashrc: every one
  TOOL completion zsh > "${fpath[1]}/_TOOL"
  TOOL completion fish > ~/.config/fish/completions/TOOL.fish`, "TOOL", tool),
		Args:      cobra.ExactArgs(1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(out)
			case "fish":
				return cmd.Root().GenFishCompletion(out, true)
			}
			err := nearest.Unknown(args[0], shells)
			return hint.New(Usagef("%v", err), "%s", strings.Join(append(hint.All(err), "completion supports bash, zsh and fish"), "; "))
		},
	}
}

// complete registers completions for a command. A flag completes the names of its
// [Chooser], or folders if the help calls its value FOLDER. Arguments complete YAML
// files or folders if Use names them.
func complete(c *cobra.Command) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, exists := c.GetFlagCompletionFunc(f.Name); exists {
			return
		}
		kind, _ := pflag.UnquoteUsage(f)
		var by cobra.CompletionFunc
		switch v, ok := f.Value.(Chooser); {
		case ok:
			by = cobra.FixedCompletions(v.Choices(), cobra.ShellCompDirectiveNoFileComp)
		case strings.HasPrefix(kind, "FOLDER"):
			by = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
		case kind == "FILE":
			return // the shell completes files itself
		default:
			by = cobra.NoFileCompletions
		}
		_ = c.RegisterFlagCompletionFunc(f.Name, by) // it fails only for unknown flags
	})
	if c.ValidArgsFunction != nil || len(c.ValidArgs) > 0 {
		return
	}
	words := argumentWords(c.Use)
	switch {
	case len(words) == 0:
		c.ValidArgsFunction = cobra.NoFileCompletions
	case strings.Contains(words[0], ".yml"):
		c.ValidArgsFunction = cobra.FixedCompletions([]string{"yml", "yaml"}, cobra.ShellCompDirectiveFilterFileExt)
	case strings.Contains(words[0], "FOLDER"):
		c.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	}
}

// CompleteYAML makes the shell complete the value of a flag by YAML files.
func CompleteYAML(cmd *cobra.Command, flag string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions([]string{"yml", "yaml"}, cobra.ShellCompDirectiveFilterFileExt))
}
