package vision

import "fmt"

// Format is a decoder for one image format. Each format is a package below this
// one, so a program links only the decoders that it lists.
type Format struct {
	// Name is the format's name in lower case, such as "jpeg" or "png".
	Name string
	// Match reports whether a file that starts with head has this format. head
	// holds the first 64 bytes of the file, or all of a shorter one.
	Match func(head []byte) bool
	// Decode decodes a whole file to RGB and treats transparency as alpha
	// says. It refuses images of more than [MaxPixels] pixels before it
	// allocates memory for them. For a damaged file it returns what it could
	// decode, together with a *DamageError.
	Decode func(data []byte, alpha Alpha) (*Image, error)
	// Orientation returns the EXIF orientation of a file, 1 to 8, or 1 if it
	// has none. It is nil for formats without EXIF.
	Orientation func(data []byte) int
	// Trouble returns why Decode runs on plain loops where it need not, or nil. It is
	// nil for formats without SIMD routines.
	Trouble func() error
}

// Alpha is a treatment of transparency.
type Alpha uint8

// The treatments of transparency. The zero value equals Pillow's convert("RGB")
// and OpenCV's imread.
const (
	DropAlpha Alpha = iota // keep the color channels as they are stored
	OverWhite              // blend with white, as Pillow's paste with a mask
	OverBlack              // blend with black
)

// EXIF is a treatment of the EXIF orientation.
type EXIF uint8

// The treatments of the EXIF orientation. The zero value equals Pillow's open;
// OpenCV's imread applies the orientation.
const (
	IgnoreEXIF EXIF = iota
	ApplyEXIF
)

// DamageError is returned, together with an image, for a truncated or corrupt file.
// Missing pixels are filled as the format's reference decoder fills them.
type DamageError struct {
	Format string // the format's name
	Reason string // what is wrong, in a phrase
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("decoding %s: %s", e.Format, e.Reason)
}
