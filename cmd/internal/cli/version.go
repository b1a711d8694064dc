package cli

import (
	"runtime/debug"
	"strings"
)

// Version is the release that the sources belong to, as CHANGELOG.md names it.
const Version = "0.2.0"

// version returns what --version prints after the tool's name: the release, the
// revision that the binary was built from if Go recorded it, and the Go version.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version
	}
	return describe(info)
}

// describe returns the version of a binary from what Go recorded about its build.
func describe(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	var about []string
	if revision := settings["vcs.revision"]; revision != "" {
		about = append(about, "revision "+revision[:min(12, len(revision))])
		if settings["vcs.modified"] == "true" {
			about = append(about, "modified")
		}
	}
	if info.GoVersion != "" {
		about = append(about, info.GoVersion)
	}
	if len(about) == 0 {
		return Version
	}
	return Version + " (" + strings.Join(about, ", ") + ")"
}
