"""Makes corpus.zip and corpus.txt: WebP images of all kinds."""

import io
import os
import random
import sys

import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "testdata"))
from corpus import Corpus

rng = np.random.default_rng(17)
c = Corpus(here)


def picture(w, h, style, alpha=False):
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    if style == "noise":
        a = rng.integers(0, 256, (h, w, 3))
    else:
        a = np.stack([128 + 127 * np.sin(x / (3 + k) + y / (5 + 2 * k) + k) for k in range(3)], axis=2)
        if style == "edges":
            a = np.where(a > 128, 255 - 20 * np.arange(3), 10)
    a = a.astype(np.uint8)
    if alpha:
        m = (127 + 127 * np.cos(x / 4 - y / 7)).astype(np.uint8)[:, :, None] if style != "edges" else np.where(x > y, 255, 0).astype(np.uint8)[:, :, None]
        return Image.fromarray(np.concatenate([a, m], axis=2), "RGBA")
    return Image.fromarray(a)


def webp(im, **o):
    b = io.BytesIO()
    im.save(b, "WEBP", **o)
    return b.getvalue()


sizes = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (5, 4), (15, 16), (16, 15), (17, 33), (33, 17), (64, 48), (99, 101)]
styles = ["noise", "smooth", "edges"]
n = 0
for quality in (0, 1, 10, 30, 50, 75, 90, 95, 100):
    for w, h in [sizes[(n + k * 5) % len(sizes)] for k in range(5)]:
        style = styles[n % 3]
        n += 1
        c.add(f"lossy-{quality}-{w}x{h}-{style}.webp", webp(picture(w, h, style), quality=quality, method=n % 7))
for w, h in sizes:
    c.add(f"lossless-{w}x{h}.webp", webp(picture(w, h, styles[w % 3]), lossless=True, quality=w % 101))
    c.add(f"alpha-{w}x{h}.webp", webp(picture(w, h, styles[h % 3], True), quality=60, alpha_quality=100))
    c.add(f"alpha-lossless-{w}x{h}.webp", webp(picture(w, h, styles[h % 3], True), lossless=True, exact=h % 2 == 0))
for q in (0, 30, 80):
    c.add(f"alpha-quality-{q}.webp", webp(picture(60, 41, "smooth", True), quality=50, alpha_quality=q))
    c.add(f"alpha-edges-{q}.webp", webp(picture(60, 41, "edges", True), quality=50, alpha_quality=q))
for k in (2, 4, 16, 64, 200):
    im = picture(70, 30, "smooth").quantize(k)
    c.add(f"lossless-palette-{k}.webp", webp(im.convert("RGB"), lossless=True))
c.add("gray.webp", webp(picture(40, 30, "smooth").convert("L").convert("RGB"), quality=80))
c.add("gray-lossless.webp", webp(picture(40, 30, "smooth").convert("L").convert("RGB"), lossless=True))
exif = Image.Exif()
exif[0x112] = 6
c.add("exif.webp", webp(picture(40, 30, "smooth"), quality=80, exif=exif))
c.add("icc-xmp.webp", webp(picture(40, 30, "smooth"), quality=80, icc_profile=b"x" * 33, xmp=b"<x/>"))
c.add("sharp-yuv.webp", webp(picture(40, 30, "edges"), quality=80, use_sharp_yuv=True))
for lossless in (False, True):
    for alpha in (False, True):
        frames = [picture(41, 29, s, alpha) for s in styles]
        for minimize in (False, True):
            c.add(f"animated-{lossless:d}-{alpha:d}-{minimize:d}.webp", webp(frames[0], save_all=True, append_images=frames[1:], lossless=lossless, minimize_size=minimize, quality=70))
# A first frame that is a part of its canvas.
for lossless in (False, True):
    im = Image.new("RGBA", (50, 40))
    im.paste(picture(20, 10, "edges"), (11, 9))
    c.add(f"animated-part-{lossless:d}.webp", webp(im, save_all=True, append_images=[picture(50, 40, "smooth", True)], lossless=lossless, background=(9, 8, 7, 255)))
c.write()
