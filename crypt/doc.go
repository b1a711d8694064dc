// Package crypt encrypts files under a key, so that weights can lie in a public
// place and be read only by those who hold the key.
//
//	key, err := crypt.NewKey()
//	w, err := crypt.NewWriter(file, key, "model.safetensors")
//	// write to w, then w.Close(), then file.Close()
//
//	r, err := crypt.NewReaderAt(file, size, key, "model.safetensors")
//	plain, err := r.ReadAll(ctx, 0)
//
// An encrypted file is named as the plain one with [Ext] added. Its bytes are
// those of Tink's AES256-GCM-HKDF streaming AEAD with 1 MiB segments and the
// plain name as associated data (docs/formats.md draws them), so Tink in any
// language opens it with the same key.
//
// # Guarantees
//
// Readers give out only bytes that were encrypted under this key and this name,
// at this place of the file; the size they tell was authenticated too. A file
// that was changed, cut, extended, reordered, or is passed off under another
// name is refused with [ErrAuth], which does not say why. Memory is taken by
// the size of the file, never by what is written in it. A [Key] does not show
// its bytes however it is printed or logged.
//
// # Refusals
//
// It does not hide a file's name and size. It does not tell a wrong key from a
// damaged file. It keeps no list of keys: a file is opened by the one key that
// it was made with. Keys under a passphrase are the matter of package
// crypt/passphrase.
//
// The package imports only the standard library, for it goes into generated
// kernels.
package crypt
