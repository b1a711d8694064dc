// Package cli is what the five commands have in common: how they end, how they
// speak and how they show progress.
//
//	func main() { cli.Main(root.New()) } // root.New() *cobra.Command
//
// [Main] runs a tree of cobra commands. It sets what cobra leaves open, so a
// tree needs only Use, Short, Long, Example, Args, flags and RunE:
//
//   - the context of a command ends at the first SIGINT or SIGTERM, and then the
//     process ends with status 130; a second signal kills it;
//   - an error that RunE returns is printed as "tool: message" on standard
//     error, each line of it; hints attached by [Hint] as "tool: hint: message";
//     status 1;
//   - unknown commands and flags, wrong arguments and missing flags, and errors
//     made by [Usagef], have status 2 and a hint, with "did you mean" where
//     something is near; the usage is never dumped;
//   - errors of cobra, pflag and strconv are rewritten to say what is needed:
//     "--max-time 8: add a unit, such as 8h or 30m";
//   - the verb completion prints a script for bash, zsh or fish; flags added by
//     [ChoiceVar] complete their names, flags that take a FOLDER complete folders;
//   - a flag may be spelled with underscores for dashes;
//   - a command that only has subcommands shows its help when none is given;
//   - there are --version, and --quiet, which hides progress.
//
// [NewProgress] shows progress: a bar on a terminal, else a line now and then.
// [ReadPassphrase] and [NewPassphrase] ask on the terminal without echo.
// [Size] prints bytes for humans. Keys are loaded by package internal/keyfile.
//
// Results go to cmd.OutOrStdout(), all else to cmd.ErrOrStderr(), the latter
// best by [Printf], which speaks in the same voice. Commands that want a log
// take [Logger].
package cli
