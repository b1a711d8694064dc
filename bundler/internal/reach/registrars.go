package reach

// A registrar is a standard library package whose initialisation registers
// something with another one. A program that imports it anywhere counts on
// that, even where the importing code is unreachable.
type registrar struct {
	Path string
	With string   // does not matter unless this package is named
	Uses []string // by one of these; empty means any
}

var Registrars = []registrar{
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
