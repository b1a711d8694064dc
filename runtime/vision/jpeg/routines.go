package jpeg

import (
	"os"
	"slices"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// routines is one implementation of the decoder's inner loops. The scalar ones are the
// definitions, and the others write the same bytes.
type routines struct {
	// Name is "avx512", "avx2" or "scalar".
	Name string
	// Inverse computes the inverse DCT of a block whose numbers cannot overflow.
	Inverse func(j *dctJob)
	// UpsampleH, UpsampleV and UpsampleHV upsample a row. The nearer row is A, and the
	// farther one B.
	UpsampleH, UpsampleV, UpsampleHV func(j *rowJob)
	// Interleave writes pixels whose three colors are A, B and C.
	Interleave func(j *rowJob)
	// YCbCrToRGB is Interleave for A, B and C that hold Y, Cb and Cr.
	YCbCrToRGB func(j *rowJob)
}

// dctJob is a job of routines.Inverse.
type dctJob struct {
	block  [64]int16 // dequantized coefficients
	low    bool      // the coefficients are in the first four rows and columns
	dst    []byte    // the 8x8 samples
	stride int       // from one row of samples to the next

	workspace [64]int32 // of the scalar routine
}

// rowJob is a job of the other routines. dst has the length that the routine makes of A.
type rowJob struct {
	dst, a, b, c []byte
	// bias is added before UpsampleV divides by 4.
	bias int
}

// scalar defines the other routines.
var scalar = &routines{
	Name:       "scalar",
	Inverse:    inverseScalar,
	UpsampleH:  func(j *rowJob) { upsampleH(j.dst, j.a) },
	UpsampleV:  func(j *rowJob) { upsampleV(j.dst, j.a, j.b, j.bias) },
	UpsampleHV: func(j *rowJob) { upsampleHV(j.dst, j.a, j.b) },
	Interleave: func(j *rowJob) { interleave(j.dst, j.a, j.b, j.c) },
	YCbCrToRGB: func(j *rowJob) { yCbCrToRGB(j.dst, j.a, j.b, j.c) },
}

// vectorSets returns the routines in machine code that this CPU can run, fastest first,
// and why there are none where there could be.
var vectorSets = sync.OnceValues(func() ([]*routines, error) { return emit.Sets(scalar, generate, selfTest) })

// sets returns the routines that this CPU can run, fastest first.
func sets() []*routines {
	vector, _ := vectorSets()
	return append(slices.Clip(vector), scalar)
}

// selected returns the routines that the environment names, or the fastest ones. The
// network reports unknown names, so they select the scalar routines here.
var selected = sync.OnceValue(func() *routines {
	r, err := emit.Select(sets(), func(r *routines) string { return r.Name }, os.Getenv(emit.Variable))
	if err != nil {
		return scalar
	}
	return r
})

// trouble returns why the scalar routines serve where they need not.
func trouble() error {
	_, err := vectorSets()
	return err
}

// generate returns routines in machine code. All use registers of 256 bits: a block fits
// them, and rows take too little of the time for wider ones to matter.
func generate(name string, _ amd64.Width) (*routines, error) {
	r := &routines{Name: name}
	var err error
	if r.Inverse, err = emitInverse(name); err != nil {
		return nil, err
	}
	for _, row := range []struct {
		emitter rowEmitter
		routine *func(*rowJob)
		scalar  func(*rowJob)
	}{
		{upsampleHEmitter, &r.UpsampleH, scalar.UpsampleH},
		{upsampleVEmitter, &r.UpsampleV, scalar.UpsampleV},
		{upsampleHVEmitter, &r.UpsampleHV, scalar.UpsampleHV},
		{interleaveEmitter, &r.Interleave, scalar.Interleave},
		{yCbCrToRGBEmitter, &r.YCbCrToRGB, scalar.YCbCrToRGB},
	} {
		if *row.routine, err = row.emitter.emit(name, row.scalar); err != nil {
			return nil, err
		}
	}
	return r, nil
}
