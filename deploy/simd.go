//go:build goexperiment.simd

package deploy

// ownTarget is what this program itself was built for.
const ownTarget = SIMD
