package simd

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// What depends on the processor, and not only on its instruction set:
//
//	processor                   set     tile   Strassen  reason
//	Intel with AVX-512          avx512  14x32  no        two products of 512 bits a cycle; packed sums take 5 to 20 % longer than they save
//	AMD Zen 4                   avx512  14x32  yes       a product of 512 bits takes two cycles, so sums cost half as much
//	AMD Zen 5                   avx512  14x32  yes       measured with slower products: up to 5 % faster
//	all with AVX2, no AVX-512   avx2    6x16   yes       1 to 3 % faster on Intel
//
// A tile is pixels by columns. Its sums fill the registers, which takes the fewest
// loads for a product.

// fastProducts returns Set.FastProducts for registers of a width.
func fastProducts(width amd64.Width) bool {
	cpu, err := machinecode.Detect()
	return err == nil && width == amd64.ZMM && cpu.Vendor == "GenuineIntel"
}

// defaultL2 is the second-level cache of processors that do not tell its size.
const defaultL2 = 1 << 20

// secondCache returns Set.L2.
func secondCache() int {
	cpu, err := machinecode.Detect()
	if err != nil || cpu.L2 == 0 {
		return defaultL2
	}
	return cpu.L2
}
