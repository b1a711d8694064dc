"""Makes corpus.zip and corpus.txt: BMPs of all kinds, whole and truncated."""

import os
import random
import struct
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "testdata"))
from corpus import Corpus

rng = random.Random(13)
c = Corpus(here)


def bmp(w, h, bits, body, header=40, compression=0, palette=b"", colors=0, topdown=False, masks=None, offset=None, gap=b""):
    if header == 12:
        info = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, w, -h if topdown else h, 1, bits, compression, len(body), 0, 0, colors, 0)
        extra = b"".join(struct.pack("<I", m) for m in masks or ())
        info = info + extra if header == 40 else (info + extra).ljust(header, b"\0")
    at = 14 + len(info) + len(palette) + len(gap)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at if offset is None else offset) + info + palette + gap + body


def body(w, h, bits, limit=None):
    stride = (w * bits + 31) // 32 * 4
    b = bytearray(rng.randrange(256) for _ in range(stride * h))
    if limit:  # small indices
        b = bytearray(v % limit for v in b)
    return bytes(b)


def colors(n, size=4):
    return bytes(rng.randrange(256) for _ in range(n * size))


def grays(n, top=None):
    return b"".join(bytes([i * (top or 1)] * 3 + [0]) for i in range(n))


sizes = [(1, 1), (3, 2), (7, 5), (16, 9), (33, 31), (64, 20)]
for bits in (1, 4, 8, 16, 24, 32):
    for topdown in (False, True):
        for w, h in rng.sample(sizes, 3):
            palette = colors(1 << bits) if bits <= 8 else b""
            c.add(f"kind-{bits}-{topdown:d}-{w}x{h}.bmp", bmp(w, h, bits, body(w, h, bits), palette=palette, topdown=topdown))
for bits in (1, 4, 8, 24):
    palette = colors(1 << bits, 3) if bits <= 8 else b""
    c.add(f"os2-{bits}.bmp", bmp(13, 9, bits, body(13, 9, bits), header=12, palette=palette))
for header in (40, 52, 56, 64, 108, 124):
    for bits in (8, 24, 32):
        palette = colors(256) if bits == 8 else b""
        c.add(f"header-{header}-{bits}.bmp", bmp(13, 9, bits, body(13, 9, bits), header=header, palette=palette))
MASKS = {
    16: [(0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)],
    24: [(0xFF0000, 0xFF00, 0xFF)],
    32: [(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
         (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
         (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0)],
}
for bits, list_ in MASKS.items():
    for i, m in enumerate(list_):
        c.add(f"fields-{bits}-{i}-56.bmp", bmp(13, 9, bits, body(13, 9, bits), header=56, compression=3, masks=m))
        c.add(f"fields-{bits}-{i}-124.bmp", bmp(13, 9, bits, body(13, 9, bits), header=124, compression=3, masks=m, topdown=True))
        if len(m) == 3 or m[3] == 0:
            c.add(f"fields-{bits}-{i}-40.bmp", bmp(13, 9, bits, body(13, 9, bits), compression=3, masks=m[:3]))
            c.add(f"fields-{bits}-{i}-52.bmp", bmp(13, 9, bits, body(13, 9, bits), header=52, compression=3, masks=m[:3]))
for n in (1, 2, 5, 15, 100, 200, 255):
    bits = 8 if n > 16 else 4
    c.add(f"palette-{n}.bmp", bmp(20, 11, bits, body(20, 11, bits), palette=colors(n), colors=n))
c.add("gray-8.bmp", bmp(20, 11, 8, body(20, 11, 8), palette=grays(256)))
c.add("gray-8-100.bmp", bmp(20, 11, 8, body(20, 11, 8), palette=grays(100), colors=100))
c.add("gray-1.bmp", bmp(20, 11, 1, body(20, 11, 1), palette=grays(2, 255)))
c.add("gray-1-inverted.bmp", bmp(20, 11, 1, body(20, 11, 1), palette=b"\xff\xff\xff\0\0\0\0\0"))
p = colors(256)
c.add("offset-zero.bmp", bmp(20, 11, 8, body(20, 11, 8), palette=p, offset=0))
c.add("offset-of-palette.bmp", bmp(20, 11, 8, body(20, 11, 8), palette=p, offset=54))
c.add("offset-gap.bmp", bmp(20, 11, 8, body(20, 11, 8), palette=p, gap=bytes(100)))
c.add("offset-gap-24.bmp", bmp(20, 11, 24, body(20, 11, 24), gap=b"gap"))
c.add("surplus.bmp", bmp(20, 11, 24, body(20, 15, 24)))


def runs(w, h, four):
    """Random runs of whole rows."""
    b = bytearray()
    for _ in range(h):
        x = 0
        while x < w:
            n = min(rng.randrange(1, 20), w - x)
            if n >= 3 and rng.random() < 0.4:
                size = (n + 1) // 2 if four else n
                b += bytes([0, n]) + bytes(rng.randrange(256) for _ in range(size)) + bytes(size % 2)
            else:
                b += bytes([n, rng.randrange(256)])
            x += n
        b += b"\0\0"
    return bytes(b) + b"\0\1"


for four in (False, True):
    bits, comp, n = (4, 2, 16) if four else (8, 1, 256)
    for w, h in [(1, 1), (2, 3), (17, 9), (64, 33), (100, 7)]:
        for topdown in (False, True):
            c.add(f"rle{bits}-{w}x{h}-{topdown:d}.bmp", bmp(w, h, bits, runs(w, h, four), compression=comp, palette=colors(n), topdown=topdown))
    c.add(f"rle{bits}-delta.bmp", bmp(10, 4, bits, b"\3\x12\0\2\4\1\2\x34\0\0" + b"\x0a\x56\0\0" * 2 + b"\0\1", compression=comp, palette=colors(n)))
    c.add(f"rle{bits}-long-runs.bmp", bmp(10, 4, bits, b"\xff\x12\0\0" * 4 + b"\0\1", compression=comp, palette=colors(n)))
    c.add(f"rle{bits}-short-rows.bmp", bmp(10, 4, bits, b"\3\x12\0\0" * 4 + b"\0\1", compression=comp, palette=colors(n)))
    c.add(f"rle{bits}-no-ends.bmp", bmp(10, 4, bits, b"\x0a\x12" * 4, compression=comp, palette=colors(n)))
    c.add(f"rle{bits}-gray.bmp", bmp(10, 4, bits, b"\x0a\x12\0\0" * 4 + b"\0\1", compression=comp, palette=grays(n)))
for bits in (1, 4, 8, 16, 24, 32):
    for topdown in (False, True):
        whole = bmp(21, 17, bits, body(21, 17, bits), palette=colors(1 << bits) if bits <= 8 else b"", topdown=topdown)
        n = (21 * bits + 31) // 32 * 4 * 17
        c.add(f"cut-{bits}-{topdown:d}.bmp", whole[: len(whole) - 4 - rng.randrange(n - 8)])
whole = bmp(21, 17, 32, body(21, 17, 32), header=56, compression=3, masks=MASKS[32][5])
c.add("cut-alpha.bmp", whole[: len(whole) - 600])
c.write()
