// Package jpeg decodes JPEG files to the pixels that libjpeg-turbo gives.
//
//	img, err := jpeg.Format.Decode(data, vision.DropAlpha)
//
// # Guarantee
//
// The pixels equal those of libjpeg-turbo 3.2 in its default settings, bit for
// bit, as Pillow 13 hands them out by Image.open(f).convert("RGB"). Networks
// are trained on these pixels. The standard leaves the inverse DCT, the
// upsampling of chroma and the rounding to the decoder, and other decoders
// differ by several levels. In particular:
//
//   - The inverse DCT is the accurate integer one ("islow"). It overflows as the
//     SIMD code for x86-64 does, which matters for corrupt coefficients only.
//   - Chroma of half width, half height or both is interpolated linearly
//     ("fancy upsampling"). Components of other whole ratios, and of at most two
//     columns, are replicated.
//   - YCbCr becomes RGB in fixed point of 16 bits.
//   - Blocks of a progressive file whose scans are incomplete are smoothed from
//     the averages of 25 blocks.
//   - CMYK and YCCK are taken as inverted, as Adobe writes them, and become RGB
//     without a color profile.
//
// Decode accepts baseline, extended sequential and progressive files of
// Huffman coding, 8 bits a sample and one, three or four components, with any
// sampling factors of whole ratios, restart intervals, and missing Huffman
// tables (the standard's are used, as in Motion JPEG).
//
// The inner loops are machine code where the CPU has AVX2, with the same pixels.
//
// # Damaged files
//
// A truncated or corrupt file is decoded as far as it goes. Decode returns the
// image together with a [vision.DamageError] that names the first damage. What
// is missing is filled as libjpeg fills it when the file is followed by an end
// marker, which is what Pillow does under LOAD_TRUNCATED_IMAGES:
//
//   - Missing blocks of a sequential file are gray; restart markers let decoding
//     continue after a gap.
//   - Missing scans of a progressive file leave its blocks less precise.
//   - A file of several scans whose markers cannot be read between the scans
//     gives a black image (CMYK: a white one).
//
// Bytes between the last block and the next marker are ignored.
//
// # Refusals
//
// Decode refuses, with an error that names the reason and no image: arithmetic
// coding, lossless and hierarchical files, samples of other than 8 bits, two or
// more than four components, sampling factors of fractional ratios, images of
// more than [vision.MaxPixels] pixels or 65,500 pixels a side, files whose
// header is damaged, and files of many scans that visit each of their blocks more
// than 24 times on average (large images) or 4 million blocks besides (small
// ones). The last bounds the time that a small hostile file can take.
//
// Memory is bounded by the size that the file claims: 3 bytes a pixel and a few
// rows for files of one scan, and 2 bytes a coefficient more for others.
//
// # Sources
//
// ITU-T T.81 (the standard), JFIF 1.02, Adobe Technical Note 5116, and C.
// Loeffler, A. Ligtenberg and G. Moschytz, "Practical fast 1-D DCT algorithms
// with 11 multiplications", ICASSP 1989. What the standard leaves open follows
// the observed behavior of libjpeg-turbo 3.2.0 and Pillow 13.0.0, which are the
// oracles of the tests.
package jpeg
