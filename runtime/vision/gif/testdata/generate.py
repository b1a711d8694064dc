"""Makes corpus.zip and corpus.txt: GIFs of all kinds, whole and damaged."""

import io
import os
import random
import struct
import sys

import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "testdata"))
from corpus import Corpus

rng = random.Random(11)
c = Corpus(here)


def lzw(pixels, bits, clear_first=True, clear_every=0, end=True):
    """Compresses as GIF does; clear_every gives a clear code now and then."""
    clear, stop = 1 << bits, (1 << bits) + 1
    out, acc, n = bytearray(), 0, 0
    table, free, size = {}, stop + 1, bits + 1

    def put(code):
        nonlocal acc, n
        acc |= code << n
        n += size
        while n >= 8:
            out.append(acc & 255)
            acc >>= 8
            n -= 8

    if clear_first:
        put(clear)
    word, since = (), 0
    for p in pixels:
        p = int(p)
        if not word or word + (p,) in table:
            word += (p,)
            continue
        put(word[0] if len(word) == 1 else table[word])
        since += 1
        if free < 4096:
            table[word + (p,)] = free
            free += 1
            if free == (1 << size) + 1 and size < 12:
                size += 1
        if clear_every and since % clear_every == 0:
            put(clear)
            table, free, size = {}, stop + 1, bits + 1
        word = (p,)
    if word:
        put(word[0] if len(word) == 1 else table[word])
        if free == 1 << size and free < 4096 and size < 12:
            size += 1
    if end:
        put(stop)
    if n:
        out.append(acc & 255)
    return bytes(out)


def blocks(data, size=255, terminator=True):
    b = b""
    for i in range(0, len(data), size):
        part = data[i : i + size]
        b += bytes([len(part)]) + part
    return b + (b"\0" if terminator else b"")


def colors(bits):
    return bytes(rng.randrange(256) for _ in range(3 << bits))


def laced(a):
    return np.concatenate([a[0::8], a[4::8], a[2::4], a[1::2]])


def gif(pix, bits, canvas=None, at=(0, 0), table=True, local=False, trans=None, interlaced=False, version=b"GIF89a",
        before=b"", size=255, code=None, data=None, after=b";", bg=0, **o):
    h, w = pix.shape
    cw, ch = canvas or (w, h)
    b = version + struct.pack("<HHBBB", cw, ch, (0x80 | bits - 1) if table else 0, bg, 0)
    if table:
        b += colors(bits) if table is True else table
    if trans is not None:
        b += b"!\xf9\x04\x01\0\0" + bytes([trans]) + b"\0"
    b += before + b"," + struct.pack("<HHHHB", *at, w, h, (0x80 | bits - 1 if local else 0) | (0x40 if interlaced else 0))
    if local:
        b += colors(bits) if local is True else local
    code = code or max(2, bits)
    if data is None:
        data = lzw((laced(pix) if interlaced else pix).reshape(-1), code, **o)
    return b + bytes([code]) + blocks(data, size) + after


def pixels(w, h, bits, style):
    if style == "noise":
        return np.array([[rng.randrange(1 << bits) for _ in range(w)] for _ in range(h)])
    if style == "flat":
        return np.full((h, w), rng.randrange(1 << bits))
    return np.array([[(x * 3 + y * 5 + x * y // 9) % (1 << bits) for x in range(w)] for y in range(h)])


i = 0
for bits in range(1, 9):
    for interlaced in (False, True):
        for style in ("noise", "flat", "slope"):
            w, h = rng.choice([(1, 1), (3, 2), (16, 9), (31, 33), (100, 50), (7, 64)])
            c.add(f"kind-{bits}-{interlaced:d}-{style}.gif", gif(pixels(w, h, bits, style), bits, interlaced=interlaced))
for h in range(1, 10):
    c.add(f"laced-{h}.gif", gif(pixels(5, h, 4, "noise"), 4, interlaced=True))
c.add("large.gif", gif(pixels(150, 120, 8, "noise"), 8))
c.add("deep.gif", gif(pixels(300, 200, 2, "flat"), 2))
p = pixels(20, 15, 4, "slope")
c.add("gif87.gif", gif(p, 4, version=b"GIF87a"))
c.add("local.gif", gif(p, 4, local=True))
c.add("local-only.gif", gif(p, 4, table=False, local=True))
c.add("no-palette.gif", gif(p, 4, table=False))
grays = bytes(i for i in range(16) for _ in range(3))
c.add("gray-palette.gif", gif(p, 4, table=grays))
c.add("gray-local.gif", gif(p, 4, local=grays))
c.add("beyond-palette.gif", gif(pixels(20, 15, 6, "noise"), 4, code=6))
c.add("beyond-gray.gif", gif(pixels(20, 15, 6, "noise"), 4, code=6, table=grays))
for t in (0, 3, 15, 200):
    c.add(f"transparent-{t}.gif", gif(p, 4, trans=t))
    c.add(f"transparent-part-{t}.gif", gif(p, 4, trans=t, canvas=(30, 25), at=(4, 3)))
c.add("transparent-local.gif", gif(p, 4, trans=3, canvas=(30, 25), at=(10, 10), local=True))
c.add("transparent-gray.gif", gif(p, 4, trans=3, canvas=(30, 25), at=(10, 10), table=grays))
c.add("part.gif", gif(p, 4, canvas=(30, 25), at=(10, 10), bg=5))
c.add("part-interlaced.gif", gif(p, 4, canvas=(30, 25), at=(10, 10), interlaced=True))
c.add("beyond-canvas.gif", gif(p, 4, canvas=(10, 10), at=(5, 1)))
c.add("no-canvas.gif", gif(p, 4, canvas=(0, 0)))
c.add("comment.gif", gif(p, 4, before=b"!\xfe" + blocks(b"a comment of some length" * 20)))
c.add("netscape.gif", gif(p, 4, before=b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"))
c.add("plain-text.gif", gif(p, 4, before=b"!\x01\x0c" + bytes(12) + blocks(b"text")))
c.add("zeros-between.gif", gif(p, 4, before=b"\0\0\0"))
c.add("two-controls.gif", gif(p, 4, trans=3, before=b"!\xf9\x04\x00\0\0\x05\0"))
c.add("no-trailer.gif", gif(p, 4, after=b""))
c.add("trailing.gif", gif(p, 4, after=b";garbage"))
for size in (1, 2, 7, 100):
    c.add(f"blocks-{size}.gif", gif(p, 4, size=size))
for every in (1, 2, 10, 100):
    c.add(f"clear-{every}.gif", gif(pixels(40, 30, 4, "slope"), 4, clear_every=every))
c.add("no-clear.gif", gif(p, 4, clear_first=False))
c.add("no-end.gif", gif(p, 4, end=False))
c.add("surplus.gif", gif(p, 4, data=lzw(list(p.reshape(-1)) + [1] * 50, 4)))
for code in (8, 11, 12):
    c.add(f"code-{code}.gif", gif(p, 4, code=code))
frames = [Image.fromarray(np.array(pixels(20, 20, 8, "noise"), dtype=np.uint8)).convert("P") for _ in range(3)]
b = io.BytesIO()
frames[0].save(b, "GIF", save_all=True, append_images=frames[1:])
c.add("animated.gif", b.getvalue())
for rows in (0, 1, 9):
    c.add(f"few-{rows}.gif", gif(p, 4, data=lzw(p[:rows].reshape(-1), 4)))
    c.add(f"few-laced-{rows}.gif", gif(p, 4, interlaced=True, data=lzw(laced(p)[:rows].reshape(-1), 4)))
    c.add(f"few-transparent-{rows}.gif", gif(p, 4, trans=9, data=lzw(p[:rows].reshape(-1), 4)))
c.add("bad-code-13.gif", gif(p, 4, code=13, data=b"abc"))
c.add("bad-first.gif", gif(p, 4, data=b"\xff\xff\xff"))
for k in range(16):
    w, h = rng.randrange(5, 60), rng.randrange(5, 60)
    whole = gif(pixels(w, h, 8, rng.choice(["noise", "slope"])), 8, size=rng.choice([20, 255]))
    c.add(f"cut-{k}.gif", whole[: 13 + 768 + 12 + rng.randrange((len(whole) - 800) // 2)])
for k in range(24):
    w, h = rng.randrange(5, 60), rng.randrange(5, 60)
    whole = bytearray(gif(pixels(w, h, 4, rng.choice(["noise", "flat", "slope"])), 4, interlaced=k % 3 == 0))
    whole[rng.randrange(13 + 48 + 11, len(whole))] = rng.randrange(256)
    c.add(f"maybe-{k}.gif", bytes(whole))
c.write()
