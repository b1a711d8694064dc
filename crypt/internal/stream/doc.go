// Package stream is the dangerous part of package crypt, alone and small: how
// one file key is derived and how one segment is sealed and opened.
//
// It is Tink's AES256-GCM-HKDF streaming AEAD with 1 MiB ciphertext segments
// (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming):
//
//	file    = header ‖ segment 0 ‖ segment 1 ‖ … ‖ segment n-1
//	header  = 40 (1 byte) ‖ salt (32 bytes) ‖ nonce prefix (7 bytes)
//	file key = HKDF-SHA256(main key, salt, info = associated data), 32 bytes
//	segment = AES-256-GCM(file key, nonce, plaintext, no associated data)
//	nonce   = nonce prefix ‖ segment number (4 bytes, big-endian) ‖ last (1 byte)
//
// The header and segment 0 share the first MiB, so that every segment but the
// first starts at a multiple of 1 MiB. All segments but the last are full. The
// last one is never empty, but for an empty file, which is one empty segment.
// The last flag is 1 in the last segment and 0 elsewhere.
//
// The package knows nothing of readers, writers and files.
package stream
