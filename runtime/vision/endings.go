package vision

import "github.com/deploy-kernel/deploy-kernel/runtime/input"

// Endings returns the endings of image files.
func Endings() input.Endings {
	return input.Endings{
		Decoded: []string{".png", ".jpg", ".jpeg", ".gif", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff"},
		Known: []string{
			".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".dcm", ".dicom", ".ico", ".psd", ".svg", ".ppm", ".pgm", ".npy",
		},
	}
}
