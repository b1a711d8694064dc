//go:build !linux

package crypt

func hugePages([]byte) {}
