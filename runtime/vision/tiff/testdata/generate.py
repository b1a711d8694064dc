"""Makes corpus.zip and corpus.txt: TIFFs of all kinds, whole and truncated."""

import io
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

rng = random.Random(19)
nprng = np.random.default_rng(19)
c = Corpus(here)


def packbits(row):
    out, i = b"", 0
    while i < len(row):
        n = 1
        while i + n < len(row) and n < 128 and row[i + n] == row[i]:
            n += 1
        if n > 1:
            out += bytes([257 - n, row[i]])
        else:
            while i + n < len(row) and n < 128 and (i + n + 1 >= len(row) or row[i + n] != row[i + n + 1]):
                n += 1
            out += bytes([n - 1]) + row[i : i + n]
        i += n
    return out


def lzw(data):
    out, acc, n = bytearray(), 0, 0
    table, size, free = {bytes([i]): i for i in range(256)}, 9, 258

    def put(code):
        nonlocal acc, n
        acc = acc << size | code
        n += size
        while n >= 8:
            out.append(acc >> (n - 8) & 255)
            n -= 8
        acc &= (1 << n) - 1

    put(256)
    word = b""
    for b in data:
        b = bytes([b])
        if word + b in table:
            word += b
            continue
        put(table[word])
        table[word + b] = free
        free += 1
        if free in (512, 1024, 2048):
            size += 1
        if free == 4094:
            put(256)
            table, size, free = {bytes([i]): i for i in range(256)}, 9, 258
        word = b
    if word:
        put(table[word])
        free += 1
        if free in (512, 1024, 2048):
            size += 1
    put(257)
    if n:
        out.append(acc << (8 - n) & 255)
    return bytes(out)


def pack(a, bits, big):
    """Bytes of rows of samples."""
    if bits == 16:
        return a.astype(">u2" if big else "<u2").tobytes()
    if bits == 8:
        return a.astype(np.uint8).tobytes()
    out = b""
    for row in a.reshape(a.shape[0], -1):
        s = "".join(format(int(v), f"0{bits}b") for v in row)
        s += "0" * (-len(s) % 8)
        out += bytes(int(s[i : i + 8], 2) for i in range(0, len(s), 8))
    return out


def tiff(a, photo, bits=8, big=False, comp=1, predictor=1, rows=None, tile=None, planar=1, extra=None, orientation=None,
         fill=1, colormap=None, one_bits=False, formats=None, counts=True):
    h, w, n = a.shape
    o = ">" if big else "<"
    planes = [a] if planar == 1 else [a[:, :, i : i + 1] for i in range(n)]
    parts = []
    for p in planes:
        if tile:
            tw, th = tile
            padded = np.zeros((-(-h // th) * th, -(-w // tw) * tw, p.shape[2]), p.dtype)
            padded[:h, :w] = p
            for y in range(0, h, th):
                for x in range(0, w, tw):
                    parts.append(padded[y : y + th, x : x + tw])
        else:
            for y in range(0, h, rows or h):
                parts.append(p[y : y + (rows or h)])
    data = []
    for p in parts:
        if predictor == 2:
            d = p.astype(np.int64)
            d[:, 1:] -= p[:, :-1].astype(np.int64)
            p = d % (1 << bits)
        b = pack(p, bits, big)
        rowlen = len(b) // p.shape[0]
        if comp == 5:
            b = lzw(b)
        elif comp in (8, 32946):
            b = zlib.compress(b)
        elif comp == 32773:
            b = b"".join(packbits(b[i : i + rowlen]) for i in range(0, len(b), rowlen))
        if fill == 2:
            b = bytes(int(format(v, "08b")[::-1], 2) for v in b)
        data.append(b)
    tags = {256: (3, [w]), 257: (3, [h]), 258: (3, [bits] * (1 if one_bits else n)), 259: (3, [comp]), 262: (3, [photo]),
            277: (3, [n]), 284: (3, [planar])}
    if extra is not None:
        tags[338] = (3, extra)
    if predictor != 1:
        tags[317] = (3, [predictor])
    if orientation:
        tags[274] = (3, [orientation])
    if fill != 1:
        tags[266] = (3, [fill])
    if colormap is not None:
        tags[320] = (3, colormap)
    if formats:
        tags[339] = (3, formats)
    at = 8
    offsets = []
    for b in data:
        offsets.append(at)
        at += len(b) + len(b) % 2
    if tile:
        tags[322], tags[323], tags[324], tags[325] = (3, [tile[0]]), (3, [tile[1]]), (4, offsets), (4, [len(b) for b in data])
    else:
        tags[273], tags[278] = (4, offsets), (3, [rows or h])
        if counts:
            tags[279] = (4, [len(b) for b in data])
    out = (b"MM\0*" if big else b"II*\0") + struct.pack(o + "I", at)
    for b in data:
        out += b + b"\0" * (len(b) % 2)
    more = at + 2 + 12 * len(tags) + 4
    entries, tail = b"", b""
    for t in sorted(tags):
        typ, v = tags[t]
        b = struct.pack(o + f"{len(v)}{'H' if typ == 3 else 'I'}", *v)
        if len(b) <= 4:
            b = b.ljust(4, b"\0")
        else:
            tail_at = more + len(tail)
            tail += b + b"\0" * (len(b) % 2)
            b = struct.pack(o + "I", tail_at)
        entries += struct.pack(o + "HHI", t, typ, len(v)) + b
    return out + struct.pack(o + "H", len(tags)) + entries + b"\0" * 4 + tail


def samples(w, h, n, bits, style=None):
    style = style or rng.choice(["noise", "slope"])
    if style == "noise":
        return nprng.integers(0, 1 << bits, (h, w, n))
    y, x, k = np.mgrid[0:h, 0:w, 0:n]
    return (x * 3 + y * 5 + k * 40) * (1 << bits) // 300 % (1 << bits)


def colormap(bits):
    return [rng.randrange(65536) for _ in range(3 << bits)]


def add(name, a, photo, cut=None, **o):
    data = tiff(a, photo, **o)
    rgb = blended = None
    if o.get("bits") == 16 and a.shape[2] == 1:  # Pillow clips to 255
        v = (a[:, :, 0] >> 8).astype(np.uint8)
        rgb = blended = Image.fromarray(255 - v if photo == 0 else v).convert("RGB")
    c.add(name, data if cut is None else data[:cut], rgb, blended)


sizes = [(1, 1), (3, 2), (17, 9), (40, 33)]
KINDS = [(0, 1, 1), (0, 1, 2), (0, 1, 4), (0, 1, 8), (1, 1, 1), (1, 1, 2), (1, 1, 4), (1, 1, 8), (0, 1, 16), (1, 1, 16),
         (2, 3, 8), (2, 3, 16), (3, 1, 1), (3, 1, 2), (3, 1, 4), (3, 1, 8), (5, 4, 8)]
for photo, n, bits in KINDS:
    for big in (False, True):
        w, h = rng.choice(sizes)
        add(f"kind-{photo}-{n}-{bits}-{big:d}.tif", samples(w, h, n, bits), photo, bits=bits, big=big, colormap=colormap(bits) if photo == 3 else None)
    for comp in (5, 8, 32946, 32773):
        w, h = rng.choice(sizes[1:])
        add(f"comp-{comp}-{photo}-{n}-{bits}.tif", samples(w, h, n, bits), photo, bits=bits, comp=comp, rows=rng.choice([None, 3]),
            big=rng.random() < 0.5, colormap=colormap(bits) if photo == 3 else None)
for photo, n, bits in [(1, 1, 8), (2, 3, 8), (1, 1, 16), (2, 3, 16), (2, 4, 8)]:
    for comp in (5, 8):
        for big in (False, True):
            add(f"predictor-{photo}-{n}-{bits}-{comp}-{big:d}.tif", samples(23, 14, n, bits), photo, bits=bits, comp=comp, predictor=2, big=big, rows=5)
for rows in (1, 2, 5, 100):
    add(f"rows-{rows}.tif", samples(20, 11, 3, 8), 2, rows=rows)
for comp in (1, 5, 8):
    for tile in [(16, 16), (32, 16), (64, 64)]:
        add(f"tile-{comp}-{tile[0]}x{tile[1]}.tif", samples(40, 37, 3, 8), 2, tile=tile, comp=comp)
    add(f"tile-{comp}-gray.tif", samples(40, 37, 1, 8), 1, tile=(16, 32), comp=comp)
    add(f"tile-{comp}-bits.tif", samples(40, 37, 1, 1), 1, bits=1, tile=(16, 32), comp=comp)
    add(f"planar-{comp}.tif", samples(20, 11, 3, 8), 2, planar=2, comp=comp)
    add(f"planar-rows-{comp}.tif", samples(20, 11, 3, 8), 2, planar=2, rows=4, comp=comp)
    add(f"planar-predictor-{comp}.tif", samples(20, 11, 3, 8), 2, planar=2, comp=comp, predictor=2 if comp != 1 else 1)
add("planar-16.tif", samples(20, 11, 3, 16), 2, bits=16, planar=2, comp=8)
add("planar-tiles.tif", samples(40, 37, 3, 8), 2, planar=2, tile=(16, 16), comp=8)
for bits in (8, 16):
    for kind in (0, 1, 2):
        add(f"alpha-{bits}-{kind}.tif", samples(20, 11, 4, bits, "noise"), 2, bits=bits, extra=[kind])
        add(f"alpha-{bits}-{kind}-lzw.tif", samples(20, 11, 4, bits, "noise"), 2, bits=bits, extra=[kind], comp=5)
    add(f"alpha-{bits}-untold.tif", samples(20, 11, 4, bits, "noise"), 2, bits=bits)
add("alpha-999.tif", samples(20, 11, 4, 8), 2, extra=[999])
for extra in ([0, 0], [0, 0, 0], [1, 0], [2, 0], [2, 0, 0]):
    add(f"extra-{'-'.join(map(str, extra))}.tif", samples(20, 11, 3 + len(extra), 8, "noise"), 2, extra=extra)
add("gray-alpha.tif", samples(20, 11, 2, 8, "noise"), 1, extra=[2])
add("gray-extra.tif", samples(20, 11, 2, 8, "noise"), 1, extra=[0])
add("palette-extra.tif", samples(20, 11, 2, 8, "noise"), 3, extra=[0], colormap=colormap(8))
add("palette-alpha.tif", samples(20, 11, 2, 8, "noise"), 3, extra=[2], colormap=colormap(8))
add("cmyk-extra.tif", samples(20, 11, 5, 8, "noise"), 5, extra=[0])
for k in range(1, 9):
    add(f"orientation-{k}.tif", samples(20, 11, 3, 8), 2, orientation=k)
    add(f"orientation-gray-{k}.tif", samples(7, 13, 1, 8), 1, orientation=k, comp=8)
for bits in (1, 2, 4, 8):
    add(f"fill-{bits}.tif", samples(20, 11, 1, bits), 1, bits=bits, fill=2)
    add(f"fill-inverted-{bits}.tif", samples(20, 11, 1, bits), 0, bits=bits, fill=2)
    add(f"fill-lzw-{bits}.tif", samples(20, 11, 1, bits), 1, bits=bits, fill=2, comp=5)
add("one-bits-tag.tif", samples(20, 11, 3, 8), 2, one_bits=True)
add("formats-3.tif", samples(20, 11, 3, 8), 2, formats=[1, 1, 1])
add("signed-gray.tif", samples(20, 11, 1, 8), 1, formats=[2])
add("no-counts.tif", samples(20, 11, 3, 8), 2, counts=False)
add("long-lzw.tif", samples(200, 90, 1, 8, "noise"), 1, comp=5)
add("long-lzw-slope.tif", samples(300, 200, 3, 8, "slope"), 2, comp=5)
for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"):
    for comp in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        im = Image.fromarray(nprng.integers(0, 256, (19, 31, 3)).astype(np.uint8))
        im = im.convert("L").point(lambda v: v * 257, "I").convert("I;16") if mode == "I;16" else im.convert(mode)
        b = io.BytesIO()
        im.save(b, "TIFF", compression=comp)
        rgb = None
        if mode == "I;16":
            rgb = Image.fromarray((np.array(im) >> 8).astype(np.uint8)).convert("RGB")
        c.add(f"pillow-{mode.replace(';', '')}-{comp}.tif", b.getvalue(), rgb, rgb)
whole = tiff(samples(20, 11, 3, 8), 2)
d = bytearray(tiff(samples(20, 11, 3, 8), 2, rows=4))
for photo, n in [(1, 1), (0, 1), (2, 3), (2, 4), (3, 1)]:  # the directory is at the front, the data is cut
    a = samples(20, 11, n, 8)
    b = tiff(a, photo, colormap=colormap(8) if photo == 3 else None)
    at = struct.unpack("<I", b[4:8])[0]
    size = 20 * 11 * n
    entries = bytearray(b[at:])
    count = struct.unpack("<H", entries[:2])[0]
    for i in range(count):
        e = 2 + 12 * i
        tag, typ, m = struct.unpack("<HHI", entries[e : e + 8])
        if tag == 273:
            struct.pack_into("<I", entries, e + 8, 8 + len(entries))
        elif m * (2 if typ == 3 else 4) > 4:
            struct.pack_into("<I", entries, e + 8, struct.unpack("<I", entries[e + 8 : e + 12])[0] - at + 8)
    f = b"II*\0\x08\0\0\0" + bytes(entries) + b[8 : 8 + size]
    for k in range(3):
        c.add(f"cut-{photo}-{n}-{k}.tif", f[: len(f) - 1 - rng.randrange(size - 1)])
c.write()
