//go:build goexperiment.simd

package deploy

// ownTarget is the target that this program itself was built for.
const ownTarget = SIMD
