package command

import (
	"fmt"
	"io"
	"os"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

// maxKeyFile is the number of bytes of a key file to read: far more than a key has.
const maxKeyFile = 1 << 12

// loadKey returns the key in file, or else in the environment, or else in the kernel. It
// returns nil if there is none.
func (k *kernel) loadKey(file string) (*crypt.Key, error) {
	where, text := "the kernel's key", k.key
	if env := k.getenv(envPrefix + "KEY"); env != "" {
		where, text = "$"+envPrefix+"KEY", env
	}
	if file != "" {
		data, err := readKeyFile(file)
		if err != nil {
			return nil, err
		}
		where, text = file, data
	}
	if text == "" {
		return nil, nil
	}
	key, err := crypt.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return &key, nil
}

func readKeyFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	return string(data), err
}
