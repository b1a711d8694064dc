"""Makes corpus.zip and corpus.txt: PNGs of all kinds, whole and damaged."""

import os
import random
import struct
import sys
import zlib

import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "testdata"))
from corpus import Corpus

rng = random.Random(7)
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [(0, d) for d in (1, 2, 4, 8, 16)] + [(3, d) for d in (1, 2, 4, 8)] + [(c, d) for c in (2, 4, 6) for d in (8, 16)]


def chunk(name, body, crc=None):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) if crc is None else crc)


def samples(w, h, color, depth, style):
    n = CHANNELS[color]
    top = 1 << depth
    if style == "noise":
        a = [[[rng.randrange(top) for _ in range(n)] for _ in range(w)] for _ in range(h)]
    elif style == "flat":
        v = [rng.randrange(top) for _ in range(n)]
        a = [[list(v) for _ in range(w)] for _ in range(h)]
    else:
        a = [[[(x * (3 + c) + y * (5 - c) + x * y // 7) * top // 256 % top for c in range(n)] for x in range(w)] for y in range(h)]
    return np.array(a, dtype=np.int64).reshape(h, w, n)


def pack(row, depth):
    v = row.reshape(-1)
    if depth == 16:
        return v.astype(">u2").tobytes()
    if depth == 8:
        return v.astype(np.uint8).tobytes()
    bits = "".join(format(int(x), f"0{depth}b") for x in v)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a, b, c):
    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filtered(kind, row, above, bpp):
    out = bytearray()
    for i, v in enumerate(row):
        a = row[i - bpp] if i >= bpp else 0
        b = above[i]
        c = above[i - bpp] if i >= bpp else 0
        p = [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]
        out.append((v - p) & 255)
    return bytes([kind]) + bytes(out)


def raw(pix, depth, interlaced, filters):
    h, w, n = pix.shape
    bpp = max(1, depth * n // 8)
    out = b""
    for x, y, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = pix[y::dy, x::dx]
        if part.shape[1] == 0:
            continue
        above = None
        for row in part:
            b = pack(row, depth)
            out += filtered(filters(), b, above or bytes(len(b)), bpp)
            above = b
    return out


def png(pix, color, depth, interlaced=False, filters=lambda: rng.randrange(5), plte=None, trns=None, split=0, level=6,
        before=b"", after=b"", data=None, z=None, end=True, extra=b""):
    h, w, _ = pix.shape
    b = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, interlaced))
    b += before
    if plte is not None:
        b += chunk(b"PLTE", plte)
    if trns is not None:
        b += chunk(b"tRNS", trns)
    if z is None:
        z = zlib.compress((raw(pix, depth, interlaced, filters) if data is None else data) + extra, level)
    step = split or max(1, len(z))
    for i in range(0, len(z), step):
        b += chunk(b"IDAT", z[i : i + step])
    return b + after + (chunk(b"IEND", b"") if end else b"")


def palette(n):
    return bytes(rng.randrange(256) for _ in range(3 * n))


c = Corpus(here)


def add(name, pix, color, depth, cut=None, **o):
    data = png(pix, color, depth, **o)
    rgb = blended = None
    if color == 0 and depth == 16:  # Pillow clips to 255: the reference is the upper byte
        assert cut is None
        v = (pix[:, :, 0] >> 8).astype(np.uint8)
        rgb = Image.fromarray(v).convert("RGB")
        blended = rgb
        if o.get("trns"):
            blended = rgb.copy()
            blended.paste((255, 255, 255), mask=Image.fromarray(np.where(pix[:, :, 0] == struct.unpack(">H", o["trns"])[0], 255, 0).astype(np.uint8)))
    elif color == 2 and o.get("trns"):  # Pillow compares 16 bits with 8
        if depth == 16:
            t = np.array(struct.unpack(">3H", o["trns"]))
            rgb = Image.fromarray((pix >> 8).astype(np.uint8))
            blended = rgb.copy()
            blended.paste((255, 255, 255), mask=Image.fromarray(np.where((pix == t).all(axis=2), 255, 0).astype(np.uint8)))
    elif color == 0 and o.get("trns") and depth in (2, 4):  # Pillow compares with scaled values
        scale = 255 // ((1 << depth) - 1)
        v = (pix[:, :, 0] * scale).astype(np.uint8)
        rgb = Image.fromarray(v).convert("RGB")
        blended = rgb.copy()
        blended.paste((255, 255, 255), mask=Image.fromarray(np.where(pix[:, :, 0] == struct.unpack(">H", o["trns"])[0], 255, 0).astype(np.uint8)))
    if cut is not None:
        start = data.index(b"IDAT") + 4
        data = data[: start + int((len(data) - 16 - start) * cut)]
    c.add(name, data, rgb, blended)
    return data


# All kinds, sizes and styles, with and without interlacing.
sizes = [(1, 1), (2, 3), (5, 4), (8, 8), (9, 17), (33, 31), (64, 40)]
i = 0
for color, depth in KINDS:
    for interlaced in (False, True):
        for w, h in rng.sample(sizes, 4):
            style = ("noise", "flat", "slope")[i % 3]
            i += 1
            plte = palette(1 << depth) if color == 3 else None
            add(f"kind-{color}-{depth}-{'i' if interlaced else 'n'}-{w}x{h}.png", samples(w, h, color, depth, style),
                color, depth, interlaced=interlaced, plte=plte)
# Each width of the interlaced passes.
for w in range(1, 10):
    add(f"adam7-{w}.png", samples(w, 10 - w, 2, 8, "noise"), 2, 8, interlaced=True)
    add(f"adam7-bits-{w}.png", samples(w, 10 - w, 0, 1, "noise"), 0, 1, interlaced=True)
# Each filter alone, with pixels of one to eight bytes.
for kind in range(5):
    for color, depth in [(0, 1), (0, 8), (4, 8), (2, 8), (6, 8), (2, 16), (6, 16)]:
        add(f"filter-{kind}-{color}-{depth}.png", samples(13, 9, color, depth, "slope"), color, depth, filters=lambda: kind)
# Transparency.
for depth in (1, 2, 4, 8, 16):
    p = samples(11, 7, 0, depth, "noise")
    add(f"trns-gray-{depth}.png", p, 0, depth, trns=struct.pack(">H", int(p[3, 3, 0])))
for depth in (8, 16):
    p = samples(11, 7, 2, depth, "noise")
    add(f"trns-rgb-{depth}.png", p, 2, depth, trns=struct.pack(">3H", *map(int, p[2, 5])))
for n in (1, 3, 8, 16):
    add(f"trns-palette-{n}.png", samples(16, 9, 3, 4, "noise"), 3, 4, plte=palette(16), trns=bytes(rng.randrange(256) for _ in range(n)))
add("trns-one-entry.png", samples(16, 9, 3, 4, "noise"), 3, 4, plte=palette(16), trns=b"\xff\xff\x00\xff")
add("trns-short.png", samples(9, 9, 0, 8, "noise"), 0, 8, trns=b"\x07")
# Palettes of any length; indices outside of them.
for n in (0, 1, 2, 3, 7, 15, 17, 100, 255, 256):
    depth = 8 if n > 16 else 4
    add(f"palette-{n}.png", samples(20, 11, 3, depth, "noise"), 3, depth, plte=palette(n))
add("palette-none.png", samples(20, 11, 3, 4, "noise"), 3, 4)
add("palette-ragged.png", samples(20, 11, 3, 4, "noise"), 3, 4, plte=palette(5) + b"\x01\x02")
add("palette-of-rgb.png", samples(9, 8, 2, 8, "noise"), 2, 8, plte=palette(9))
# Chunks.
for split in (1, 2, 7, 50):
    add(f"split-{split}.png", samples(17, 13, 2, 8, "noise"), 2, 8, split=split)
add("empty-idat.png", samples(17, 13, 2, 8, "noise"), 2, 8, before=chunk(b"IDAT", b""))
iccp = chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile"))
text = chunk(b"tEXt", b"Comment\0hello")
p = samples(12, 10, 2, 8, "slope")
for name, before in {
    "iccp": iccp, "text": text, "bad-iccp": iccp[:-1] + b"\x00", "bad-text": text[:-2] + b"no",
    "private": chunk(b"prVt", b"abc"), "bad-private": chunk(b"prVt", b"abc", 1), "critical": chunk(b"ABCD", b"abc"),
    "gama": chunk(b"gAMA", struct.pack(">I", 45455)), "bad-gama": chunk(b"gAMA", b"\x01", 5),
    "exif": chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    "bkgd": chunk(b"bKGD", b"\0\1\0\2\0\3"), "sbit": chunk(b"sBIT", b"\5\6\5"),
}.items():
    add(f"chunk-{name}.png", p, 2, 8, before=before)
add("chunk-after.png", p, 2, 8, after=text[:-2] + b"no")
add("no-iend.png", p, 2, 8, end=False)
add("trailing.png", p, 2, 8, after=chunk(b"IEND", b"") + b"trailing garbage")
add("surplus-rows.png", p, 2, 8, extra=bytes(100))
add("surplus-rows-interlaced.png", p, 2, 8, interlaced=True, extra=bytes(1000))
add("surplus-idat.png", p, 2, 8, after=chunk(b"IDAT", b"garbage"))
# APNG: the default image counts.
acTL = chunk(b"acTL", struct.pack(">II", 1, 0))
fcTL = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 12, 10, 0, 0, 1, 10, 0, 0))
fdat = chunk(b"fdAT", struct.pack(">I", 1) + zlib.compress(raw(samples(12, 10, 2, 8, "flat"), 8, False, lambda: 0)))
add("apng-default.png", p, 2, 8, before=acTL, after=fcTL + fdat)
add("apng-first.png", p, 2, 8, before=acTL + fcTL)
# Oddities of zlib: levels, stored blocks, small windows, checksums.
for level in (0, 1, 9):
    add(f"level-{level}.png", samples(30, 21, 2, 8, "slope"), 2, 8, level=level)
q = samples(31, 25, 2, 8, "slope")
r = raw(q, 8, False, lambda: rng.randrange(5))


def deflated(strategy, wbits=15, level=9):
    o = zlib.compressobj(level, zlib.DEFLATED, wbits, 9, strategy)
    return o.compress(r) + o.flush()


for name, strategy in {"fixed": zlib.Z_FIXED, "huffman": zlib.Z_HUFFMAN_ONLY, "rle": zlib.Z_RLE}.items():
    add(f"deflate-{name}.png", q, 2, 8, z=deflated(strategy))
z = deflated(zlib.Z_DEFAULT_STRATEGY)
tall = samples(60, 64, 2, 8, "noise")
tall[40:] = tall[:24]
r = raw(tall, 8, False, lambda: 0)
big = deflated(zlib.Z_DEFAULT_STRATEGY)
for cinfo in range(8):
    h = cinfo << 4 | 8
    add(f"window-{cinfo}.png", tall if cinfo == 0 else q, 2, 8, z=struct.pack(">H", h << 8 | (31 - (h << 8) % 31)) + (big if cinfo == 0 else z)[2:])
add("no-adler.png", q, 2, 8, z=z[:-4])
add("half-adler.png", q, 2, 8, z=z[:-2])
add("bad-adler.png", q, 2, 8, z=z[:-1] + bytes([z[-1] ^ 1]))
add("bad-adler-interlaced.png", p, 2, 8, interlaced=True, z=zlib.compress(raw(p, 8, True, lambda: 0))[:-4] + b"abcd")
add("bad-header.png", q, 2, 8, z=b"\x78\x00" + z[2:])
add("bad-dictionary.png", q, 2, 8, z=b"\x78\xbb" + z[2:])
o = zlib.compressobj()
full = raw(p, 8, False, lambda: 1)
add("sync-flushed.png", p, 2, 8, z=b"".join(o.compress(full[i : i + 40]) + o.flush(zlib.Z_SYNC_FLUSH) for i in range(0, len(full), 40)) + o.flush())
# Damage: too few rows, unknown filters, flipped bits, wrong checksums.
for rows in (0, 1, 4, 9):
    add(f"few-rows-{rows}.png", p, 2, 8, data=full[: 37 * rows])
add("few-rows-part.png", p, 2, 8, data=full[: 37 * 5 + 11])
add("few-rows-interlaced.png", p, 2, 8, interlaced=True, data=raw(p, 8, True, lambda: 2)[:120])
for kind in (5, 6, 255):
    bad = bytearray(full)
    bad[37 * 6] = kind
    add(f"bad-filter-{kind}.png", p, 2, 8, data=bytes(bad))
for color, depth in [(2, 8), (0, 1), (0, 8), (6, 16), (3, 4)]:
    for interlaced in (False, True):
        s = samples(37, 29, color, depth, "slope")
        plte = palette(16) if color == 3 else None
        if depth != 16 or color != 0:
            for k in range(5):
                add(f"cut-{color}-{depth}-{'i' if interlaced else 'n'}-{k}.png", s, color, depth, cut=rng.random(), interlaced=interlaced, plte=plte)
for k in range(40):
    s = samples(rng.randrange(1, 65), rng.randrange(1, 65), 2, 8, rng.choice(["noise", "flat", "slope"]))
    b = zlib.compress(raw(s, 8, False, lambda: rng.randrange(5)), rng.choice([0, 1, 6, 9]))
    if k % 2:
        b = b[: rng.randrange(len(b))]
    else:
        b = bytearray(b)
        b[rng.randrange(2, len(b))] ^= 1 << rng.randrange(8)
        b = bytes(b)
    add(f"maybe-{k}.png", s, 2, 8, z=b, split=rng.choice([0, 0, 20]))
for k in range(20):  # rows longer and shorter than a match of deflate
    s = samples(rng.choice([3, 200, 400]), 12, 0, 8, "flat")
    b = zlib.compress(raw(s, 8, False, lambda: 0), 9)
    add(f"maybe-flat-{k}.png", s, 0, 8, z=b[: rng.randrange(2, len(b))])
whole = add("bad-idat-crc.png", p, 2, 8, after=b"", end=True)
c.files.pop("bad-idat-crc.png")
at = whole.index(b"IEND") - 8
c.add("bad-idat-crc.png", whole[:at] + b"abcd" + whole[at + 4 :])
c.write()
