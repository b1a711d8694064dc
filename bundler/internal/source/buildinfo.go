package source

import (
	"context"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// A bundle belongs to no module, so debug.ReadBuildInfo would return no versions in
// it. The bundle therefore calls a function of its own, which returns what the go
// command records in an ordinary build.

// BuildInfo returns what debug.ReadBuildInfo returns in an ordinary build of the
// program. It returns nil if the go command doesn't print that.
func (p *Program) BuildInfo(ctx context.Context) (*debug.BuildInfo, error) {
	p.Request.Announce("asking for the versions of modules")
	tool := NewGoTool(p.Request)
	tool.Env = append(slices.Clip(tool.asked), "PWD="+p.Request.Dir)
	flags, remove, err := p.Request.BuildFlags()
	if err != nil {
		return nil, err
	}
	defer remove()
	for _, extra := range [][]string{nil, {"-buildvcs=false"}} {
		// With -n the go command prints its commands, and the build information as
		// part of the linker's configuration.
		args := slices.Concat([]string{"build", "-n", "-o", os.DevNull}, extra, flags, []string{"--", p.Request.Package})
		out, err := tool.combined(ctx, args...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			return modinfo(out), nil
		}
	}
	return nil, nil
}

// modinfo returns the build information in the output of go build -n, or nil.
func modinfo(commands string) *debug.BuildInfo {
	const edge = 16 // length of the marker at either end
	for line := range strings.Lines(commands) {
		quoted, ok := strings.CutPrefix(strings.TrimSpace(line), "modinfo ")
		if !ok {
			continue
		}
		text, err := strconv.Unquote(quoted)
		if err != nil || len(text) < 2*edge {
			continue
		}
		if info, err := debug.ParseBuildInfo(text[edge : len(text)-edge]); err == nil {
			return info
		}
	}
	return nil
}
