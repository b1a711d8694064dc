package docstest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Tools are the commands of the project, in the order in which they are used.
var Tools = []string{"train", "blend", "infer", "deploy-kernel", "crypt"}

// CommandLine returns docs/cli.md: the help of every command and verb in the folder
// bin, as Markdown.
func CommandLine(bin string) (string, error) {
	var b strings.Builder
	b.WriteString("<!-- Made by `make docs` from the commands' help; do not edit. -->\n" +
		"<!-- docs-test: skip all: examples of the help, with files of the reader -->\n\n# Command line\n\n" +
		"The five commands, their verbs and flags, as `--help` prints them. Every command also\n" +
		"has `--version`, `--quiet` (no progress) and `completion SHELL`. Exit statuses are 0 for\n" +
		"done, 1 for failed, 2 for wrong usage and 130 for interrupted. The variables that\n" +
		"commands read are in [environment variables](environment.md).\n")
	var body strings.Builder
	for _, tool := range Tools {
		if err := page(&b, &body, filepath.Join(bin, tool), tool); err != nil {
			return "", err
		}
	}
	return b.String() + body.String(), nil
}

// page appends the help of a command and of its verbs to body, and links to it to index.
func page(index, body *strings.Builder, bin, command string) error {
	words := strings.Fields(command)
	out, err := exec.Command(bin, append(words[1:], "--help")...).Output()
	if err != nil {
		return fmt.Errorf("%s --help: %w", command, err)
	}
	help := parseHelp(string(out))
	level := "##"
	if len(words) == 1 {
		fmt.Fprintf(index, "\n[%s](#%s)", command, command)
	} else {
		level = "###"
		fmt.Fprintf(index, " ·\n[%s](#%s)", words[len(words)-1], strings.Join(words, "-"))
	}
	fmt.Fprintf(body, "\n%s %s\n\n%s\n", level, command, escape(help["about"]))
	if usage := help["Usage"]; usage != "" {
		fmt.Fprintf(body, "\n```text\n%s\n```\n", dedent(usage))
	}
	if examples := help["Examples"]; examples != "" {
		fmt.Fprintf(body, "\n```sh\n%s\n```\n", dedent(examples))
	}
	for _, name := range []string{"Flags"} {
		table(body, help[name])
	}
	for _, verb := range verbs(help["Available Commands"]) {
		if err := page(index, body, bin, command+" "+verb); err != nil {
			return err
		}
	}
	if len(words) == 1 {
		index.WriteString("\n")
	}
	return nil
}

var heading = regexp.MustCompile(`^(Usage|Examples|Available Commands|Flags|Global Flags|Aliases):$`)

// parseHelp splits a help text at its headings. What comes before them is "about".
func parseHelp(text string) map[string]string {
	parts := map[string]string{}
	name := "about"
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			name = m[1]
			continue
		}
		if strings.HasPrefix(line, `Use "`) {
			continue
		}
		parts[name] += line + "\n"
	}
	for k, v := range parts {
		parts[k] = strings.Trim(v, "\n")
	}
	return parts
}

// verbs returns the names of a list of commands, without those that all tools have.
func verbs(list string) []string {
	var names []string
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 0 && f[0] != "help" && f[0] != "completion" {
			names = append(names, f[0])
		}
	}
	return names
}

var flagLine = regexp.MustCompile(`^ +(?:(-\w), )? *(--[\w-]+)(?: ([\w/=]+))? {2,}(.*)$`)

// table appends a table of flags, without those that all commands have.
func table(b *strings.Builder, flags string) {
	var rows strings.Builder
	for line := range strings.Lines(flags) {
		m := flagLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || m[2] == "--help" || m[2] == "--version" || m[2] == "--quiet" {
			continue
		}
		flag := m[2]
		if m[1] != "" {
			flag = m[1] + ", " + flag
		}
		if m[3] != "" {
			flag += " " + m[3]
		}
		fmt.Fprintf(&rows, "| `%s` | %s |\n", flag, strings.ReplaceAll(escape(m[4]), "|", `\|`))
	}
	if rows.Len() > 0 {
		b.WriteString("\n| flag | |\n|---|---|\n" + rows.String())
	}
}

// escape protects characters of plain text that Markdown would take for markup.
func escape(text string) string {
	return strings.NewReplacer("<", `\<`, "*", `\*`, "_", `\_`).Replace(text)
}

func dedent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimPrefix(line, "  "))
	}
	return strings.TrimRight(b.String(), "\n")
}
