package crypt_test

import (
	"bytes"
	"context"
	"fmt"
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
	fmt.Fprint(w, "the weights")      // Close returns the error of a failed Write
	if err := w.Close(); err != nil { // now the file is complete
		log.Fatal(err)
	}
	r, err := crypt.NewReaderAt(bytes.NewReader(file.Bytes()), int64(file.Len()), key, "model.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	plain, err := r.ReadAll(context.Background(), 0)
	fmt.Printf("%s, %v\n", plain, err)
	// Output: the weights, <nil>
}

// The name is a part of what is authenticated.
func ExampleNewReaderAt_anotherName() {
	key, err := crypt.NewKey()
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	w, err := crypt.NewWriter(&file, key, "model.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	_, err = crypt.NewReaderAt(bytes.NewReader(file.Bytes()), int64(file.Len()), key, "other.safetensors")
	fmt.Println(err)
	// Output: wrong key, wrong name or damaged file
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
