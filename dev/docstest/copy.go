package docstest

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Checkout copies the files of the repository at root to dir: those that git tracks,
// and new ones that it does not ignore.
func Checkout(root, dir string) error {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	for _, name := range bytes.Split(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		from := filepath.Join(root, string(name))
		if info, err := os.Lstat(from); err != nil || !info.Mode().IsRegular() {
			continue // deleted in the work tree, or a link
		}
		if err := copyFile(from, filepath.Join(dir, string(name))); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
