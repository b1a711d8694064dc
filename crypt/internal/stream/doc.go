// Package stream is the hazardous part of package crypt, kept alone and small: it
// derives the key of a file, and seals and opens segments.
//
// It implements Tink's AES256-GCM-HKDF streaming AEAD with 1 MiB ciphertext segments
// (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming):
//
//	file    = header ‖ segment 0 ‖ segment 1 ‖ … ‖ segment n-1
//	header  = 40 (1 byte) ‖ salt (32 bytes) ‖ nonce prefix (7 bytes)
//	file key = HKDF-SHA256(main key, salt, info = associated data), 32 bytes
//	segment = AES-256-GCM(file key, nonce, plaintext, no associated data)
//	nonce   = nonce prefix ‖ segment number (4 bytes, big-endian) ‖ last (1 byte)
//
// The header and segment 0 share the first MiB, so every other segment starts at a
// multiple of 1 MiB. All segments but the last are full. The last one is never empty,
// unless the file is empty: then it is the only segment. The byte last is 1 in the
// last segment and 0 in the others.
//
// The package does no input or output.
package stream
