// Package hugepage asks the system to back large slices with huge pages.
//
// A processor remembers the addresses of a few thousand pages. With pages of
// 4 KiB it forgets them while it reads a large slice, and a first write to the
// slice faults once for each page.
package hugepage

// Size is the size of a huge page in bytes on amd64, and on arm64 with base
// pages of 4 KiB.
const Size = 2 << 20
