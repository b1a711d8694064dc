package crypt_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/deploy-kernel/deploy-kernel/crypt"
)

func Example() {
	key, err := crypt.NewKey()
	if err != nil {
		log.Fatal(err)
	}

	var file bytes.Buffer // model.safetensors.enc
	w, err := crypt.NewWriter(&file, key, "model.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(w, "the weights"); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil { // the file is complete only now
		log.Fatal(err)
	}

	src := bytes.NewReader(file.Bytes())
	r, err := crypt.NewReaderAt(src, src.Size(), key, "model.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	plain, err := r.ReadAll(context.Background(), 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", plain)

	_, err = crypt.NewReaderAt(src, src.Size(), key, "other.safetensors")
	fmt.Println(err)
	// Output:
	// the weights
	// wrong key, wrong name or damaged file
}

func ExampleKey_Text() {
	key, err := crypt.ParseKey("deploy-kernel-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8:405b8731\n")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key) // safe
	fmt.Println(key.Text())
	// Output:
	// key 405b8731 (secret)
	// deploy-kernel-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8:405b8731
}

func ExampleReaderAt_ReadAt() {
	key, err := crypt.NewKey()
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	w, err := crypt.NewWriter(&file, key, "table")
	if err != nil {
		log.Fatal(err)
	}
	for i := range 1_000_000 {
		fmt.Fprintf(w, "%07d\n", i)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	r, err := crypt.NewReaderAt(bytes.NewReader(file.Bytes()), int64(file.Len()), key, "table")
	if err != nil {
		log.Fatal(err)
	}
	// One segment is decrypted, not eight.
	line := make([]byte, 7)
	if _, err := r.ReadAt(line, 654_321*8); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of %d bytes\n", line, r.Size())
	// Output: 0654321 of 8000000 bytes
}
