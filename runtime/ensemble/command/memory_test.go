package command

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheLowestLimitOfTheControlGroupsCounts(t *testing.T) {
	for _, c := range []struct {
		name   string
		groups string            // the process's
		files  map[string]string // below the mount point
		want   int64             // 0 is no limit
	}{
		{"version 2", "0::/a/b\n", map[string]string{"a/memory.max": "3000\n", "a/b/memory.max": "5000\n"}, 3000},
		{"version 2 in a container", "0::/host/path\n", map[string]string{"memory.max": "7000\n"}, 7000},
		{"version 2 without limit", "0::/\n", map[string]string{"memory.max": "max\n"}, 0},
		{"version 1", "5:cpu:/x\n4:memory,hugetlb:/x\n", map[string]string{"memory/x/memory.limit_in_bytes": "4000\n"}, 4000},
		{"version 1 without limit", "4:memory:/\n", map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"no groups", "", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			write := func(path, text string) {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			self := filepath.Join(root, "self")
			write(self, c.groups)
			for name, text := range c.files {
				write(filepath.Join(root, "mount", name), text)
			}
			if got, ok := containerMemory(filepath.Join(root, "mount"), self); got != c.want || ok != (c.want > 0) {
				t.Errorf("got %d, %v, want %d", got, ok, c.want)
			}
		})
	}
}
