// Package crypt encrypts files under a key. Weights can then lie in a public place,
// and only holders of the key can read them.
//
//	key, err := crypt.NewKey()
//	w, err := crypt.NewWriter(file, key, "model.safetensors")
//	// write to w, then w.Close(), then file.Close()
//
//	r, err := crypt.NewReaderAt(file, size, key, "model.safetensors")
//	plain, err := r.ReadAll(ctx, 0)
//
// An encrypted file has the name of the plain file plus [Ext]. Its bytes are a
// ciphertext of Tink's AES256-GCM-HKDF streaming AEAD, with 1 MiB segments and the
// plain name as associated data. So Tink in any language opens it with the same key.
// docs/formats.md draws the format.
//
// # Guarantees
//
// Readers return only bytes that were encrypted under this key and this name, at this
// place of the file. The size that they return is authenticated, too. They refuse a
// file that was changed, cut, extended, reordered or given another name with
// [ErrAuth], which does not reveal the reason. They allocate memory by the size of
// the file, never by its content. A [Key] does not show its bytes, however it is
// printed or logged.
//
// # Limits
//
// The package does not hide the name and the size of a file. It does not tell a wrong
// key from a damaged file. It manages no set of keys: one key opens a file. Package
// crypt/passphrase wraps keys under a passphrase.
//
// The package imports only the standard library, because generated kernels contain
// it.
package crypt
