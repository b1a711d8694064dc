// Package cli gives the five commands the same exit statuses, messages and progress.
//
//	func main() { cli.Main(command.New()) } // command.New() *cobra.Command
//
// [Main] runs a tree of cobra commands. A tree needs only Use, Short, Long, Example,
// Args, flags and RunE; Main adds the rest:
//
//   - SIGINT or SIGTERM ends the context of the command, and the exit status is 130. A
//     second signal kills the process.
//   - An error of RunE sets status 1. Each of its lines is printed as "tool: message" on
//     standard error, and each hint of package hint as "tool: hint: message".
//   - Unknown commands, unknown flags, wrong arguments, missing flags and errors made by
//     [Usagef] set status 2. They have a hint, with "did you mean" for a similar name.
//     The usage is never dumped.
//   - Errors of cobra, pflag and strconv are rewritten to say what is needed:
//     "--max-time 8: add a unit, such as 8h or 30m".
//   - The verb completion prints a script for bash, zsh or fish. Flags of [ChoiceVar]
//     complete their names, flags of a FOLDER complete folders.
//   - A flag may be spelled with underscores for dashes.
//   - A command that only has subcommands shows its help when none is given.
//   - --version prints the version, and --quiet hides progress.
//
// [NewProgress] shows progress: a bar on a terminal, else a line every ten seconds.
// [ReadPassphrase] and [NewPassphrase] ask on the terminal without echo. Package
// keyfile loads keys.
//
// Results go to cmd.OutOrStdout(). Messages go to cmd.ErrOrStderr() through [Printf],
// logs through [Logger].
package cli
