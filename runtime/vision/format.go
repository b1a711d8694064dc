package vision

import "fmt"

// Format decodes the files of one image format. Each format is a package
// below this one, so that a program links only the decoders it names.
type Format struct {
	// Name is the format's name in lower case: "jpeg", "png".
	Name string
	// Match reports whether a file that starts with head is of this format.
	// head holds the first 64 bytes of the file, or all of a shorter one.
	Match func(head []byte) bool
	// Decode decodes a whole file to RGB and treats transparency as alpha
	// says. It refuses images of more than [MaxPixels] before it allocates
	// their pixels. For a damaged file it returns the image, as far as it
	// could be decoded, and a *DamageError.
	Decode func(data []byte, alpha Alpha) (*Image, error)
	// Orientation returns the EXIF orientation of a file, 1 to 8, or 1 if it
	// has none. It is nil for formats that carry no EXIF.
	Orientation func(data []byte) int
}

// Alpha says what becomes of an image's transparency.
type Alpha uint8

// The treatments of transparency. The zero value is what Pillow's
// convert("RGB") and OpenCV's imread do.
const (
	DropAlpha Alpha = iota // keep the color channels as they are stored
	OverWhite              // blend with white, as Pillow's paste with a mask
	OverBlack              // blend with black
)

// EXIF says what becomes of an image's EXIF orientation.
type EXIF uint8

// The treatments of the EXIF orientation. The zero value is what Pillow's open
// does; OpenCV's imread applies it.
const (
	IgnoreEXIF EXIF = iota
	ApplyEXIF
)

// DamageError is returned together with an image whose file is truncated or
// corrupt. What could not be decoded is filled as the format's reference
// decoder fills it.
type DamageError struct {
	Format string // the format's name
	Reason string // what is wrong, in a few words
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("decoding %s: %s", e.Format, e.Reason)
}
