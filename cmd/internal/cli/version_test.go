package cli

import (
	"os"
	"regexp"
	"runtime/debug"
	"testing"
)

func TestVersionNamesReleaseRevisionAndGo(t *testing.T) {
	for _, tt := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{}, Version},
		{debug.BuildInfo{GoVersion: "go1.26.8"}, Version + " (go1.26.8)"},
		{debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}, {Key: "vcs.modified", Value: "false"},
		}}, Version + " (revision 0123456789ab, go1.26.8)"},
		{debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}, {Key: "vcs.modified", Value: "true"},
		}}, Version + " (revision 0123456789ab, modified, go1.26.8)"},
	} {
		if got := describe(&tt.info); got != tt.want {
			t.Errorf("describe(%v) = %q, want %q", tt.info, got, tt.want)
		}
	}
}

// The newest release of the changelog is the one that --version prints.
func TestVersionIsTheNewestReleaseOfTheChangelog(t *testing.T) {
	text, err := os.ReadFile("../../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindSubmatch(text)
	if m == nil {
		t.Fatal("CHANGELOG.md has no release: want a heading such as ## [1.2.3] - 2026-01-31")
	}
	if string(m[1]) != Version {
		t.Errorf("--version prints %s, the newest release of CHANGELOG.md is %s", Version, m[1])
	}
}
