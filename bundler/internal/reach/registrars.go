package reach

// A Registrar is a standard library package whose initialization registers something
// with another one. A program that imports it relies on that, even if the importing
// code is unreachable.
type Registrar struct {
	Path string
	With string   // the path of the other package
	Uses []string // the objects of With that use the registration; empty means all
}

// Registrars are the known registrars.
var Registrars = []Registrar{
	{"image/gif", "image", []string{"Decode", "DecodeConfig"}},
	{"image/jpeg", "image", []string{"Decode", "DecodeConfig"}},
	{"image/png", "image", []string{"Decode", "DecodeConfig"}},
	{"crypto/md5", "crypto", nil},
	{"crypto/sha1", "crypto", nil},
	{"crypto/sha256", "crypto", nil},
	{"crypto/sha3", "crypto", nil},
	{"crypto/sha512", "crypto", nil},
	{"expvar", "net/http", nil},
	{"net/http/pprof", "net/http", nil},
}
