"""Makes corpus.zip and corpus.txt: JPEGs of every kind that the decoder accepts.

    pip install pillow==13.0.0 numpy scikit-learn
    apt-get install libjpeg-turbo-progs        # cjpeg
    python generate.py

Pillow 13.0.0 bundles libjpeg-turbo 3.2.0. The pixels are those of
Image.open(f).convert("RGB") under ImageFile.LOAD_TRUNCATED_IMAGES on x86-64
with AVX2. The photographs are scikit-learn's china.jpg (CC BY, Yves
Kohlenberg) and flower.jpg (CC BY, danielricker). Files come out the same on
every run of the same versions.
"""

import io
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "testdata"))
from corpus import Corpus

SOI, EOI = b"\xff\xd8", b"\xff\xd9"

rng = random.Random(1)
nrng = np.random.default_rng(1)
photos = [Image.fromarray(load_sample_image(n)) for n in ("china.jpg", "flower.jpg")]
c = Corpus(HERE)


# ---- pictures


def picture(w=None, h=None):
    """A crop of a photograph, noise, or a pattern with hard edges."""
    side = lambda: rng.choice([rng.randint(1, 18), rng.randint(1, 48), rng.randint(1, 96)])
    w, h = w or side(), h or side()
    kind = rng.randrange(8)
    if kind < 6:
        im, scale = rng.choice(photos), rng.choice([1, 2, 4])
        cw, ch = min(w * scale, im.width), min(h * scale, im.height)
        x, y = rng.randint(0, im.width - cw), rng.randint(0, im.height - ch)
        return im.crop((x, y, x + cw, y + ch)).resize((w, h))
    if kind == 6:
        return Image.fromarray(nrng.integers(0, 256, (h, w, 3), dtype=np.uint8))
    yy, xx = np.mgrid[:h, :w]
    a = np.zeros((h, w, 3), np.uint8)
    a[..., 0] = xx * 255 // max(w - 1, 1)
    a[..., 1] = yy * 255 // max(h - 1, 1)
    a[..., 2] = (xx // rng.randint(1, 9) + yy // rng.randint(1, 9)) % 2 * 255
    return Image.fromarray(a)


# ---- encoders


def pillow(im, **options):
    b = io.BytesIO()
    im.save(b, "JPEG", **options)
    return b.getvalue()


def cjpeg(im, *options, scans=None):
    ppm = io.BytesIO()
    im.save(ppm, "PPM")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        args = ["cjpeg", *map(str, options)]
        if scans:
            f.write(scans)
            f.flush()
            args += ["-scans", f.name]
        return subprocess.run(args, input=ppm.getvalue(), capture_output=True, check=True).stdout


def factors():
    """Sampling factors of three components, of whole ratios, up to 10 blocks."""
    while True:
        f = [(rng.randint(1, 4), rng.randint(1, 4)) for _ in range(3)]
        mh, mv = max(x for x, _ in f), max(y for _, y in f)
        if sum(x * y for x, y in f) <= 10 and all(mh % x == 0 and mv % y == 0 for x, y in f):
            return ",".join("%dx%d" % x for x in f)


def script(complete):
    """A progressive scan script of random bands, bits and order."""
    al = rng.choice([0, 0, 1, 2, 3])
    scans = ["0,1,2: 0-0, 0, %d;" % al] if rng.random() < 0.6 else ["%d: 0-0, 0, %d;" % (c, al) for c in range(3)]
    averages = len(scans)
    queues = [["0,1,2: 0-0, %d, %d;" % (k, k - 1) for k in range(al, 0, -1)]]
    for c in range(3):
        lo = 1
        for hi in sorted(rng.sample(range(2, 63), rng.randint(0, 3))) + [63]:
            a = rng.choice([0, 0, 1, 2])
            queue = ["%d: %d-%d, 0, %d;" % (c, lo, hi, a)]
            queue += ["%d: %d-%d, %d, %d;" % (c, lo, hi, k, k - 1) for k in range(a, 0, -1)]
            queues.append(queue)
            lo = hi + 1
    while any(queues):
        scans.append(rng.choice([q for q in queues if q]).pop(0))
    if not complete:
        scans = scans[: rng.randint(averages, len(scans) - 1)]
    return "\n".join(scans) + "\n"


# ---- surgery


def segments(d):
    """Yields the offset, marker and end of each segment up to the first scan."""
    i = 2
    while True:
        end = i + 2 + int.from_bytes(d[i + 2 : i + 4], "big")
        yield i, d[i + 1], end
        if d[i + 1] == 0xDA:
            return
        i = end


def scan_start(d):
    return next(end for _, m, end in segments(d) if m == 0xDA)


def drop(d, *markers):
    out = d[:2]
    for i, m, end in segments(d):
        if m not in markers:
            out += d[i:end]
    return out + d[end:]


def patch(d, marker, offset, value):
    """Overwrites bytes of the first segment of a marker."""
    i = next(i for i, m, _ in segments(d) if m == marker) + 4 + offset
    return d[:i] + bytes(value) + d[i + len(value) :]


def with_factors():
    """A file with other factors in its frame header than it was encoded with.

    Its data end early or late, so only the geometry is of interest.
    """
    mode = rng.choice(["L", "RGB", "CMYK", "CMYK"])
    d = pillow(picture(rng.randint(1, 60), rng.randint(1, 60)).convert(mode), quality=80, progressive=rng.random() < 0.3)
    n = len(mode) if mode != "L" else 1
    while True:
        f = [(rng.choice([1, 1, 2, 2, 3, 4]), rng.choice([1, 1, 2, 2, 3, 4])) for _ in range(n)]
        mh, mv = max(x for x, _ in f), max(y for _, y in f)
        if (n == 1 or sum(x * y for x, y in f) <= 10) and all(mh % x == 0 and mv % y == 0 for x, y in f):
            break
    frame = next(m for _, m, _ in segments(d) if 0xC0 <= m <= 0xC2)
    for i, (x, y) in enumerate(f):
        d = patch(d, frame, 7 + 3 * i, [x << 4 | y])
    return d


def dqt(tables):
    out = b""
    for i, t in enumerate(tables):
        body = bytes([16 | i]) + b"".join(int(v).to_bytes(2, "big") for v in t)
        out += b"\xff\xdb" + (2 + len(body)).to_bytes(2, "big") + body
    return out


def corrupt(d):
    start = scan_start(d)
    d = bytearray(d)
    kind = rng.randrange(4)
    if kind == 0:
        i, n = rng.randint(start, len(d)), rng.randint(1, 30)
        if rng.random() < 0.5:
            del d[i : i + n]
        else:
            d[i:i] = bytes(rng.randrange(256) for _ in range(n))
        return bytes(d)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        i = rng.randrange(start, len(d))
        if rng.random() < 0.5:
            d[i] ^= 1 << rng.randrange(8)
        else:
            d[i] = rng.choice([0, 0xFF, 0xD0 + rng.randrange(8), rng.randrange(256)])
    return bytes(d)


# ---- the corpus


def add(name, d):
    c.add("%s.jpg" % name, d, blended=False)


def any_file():
    im, quality = picture(), rng.choice([rng.randint(1, 100), rng.randint(60, 100)])
    kind = rng.randrange(5)
    restart = ["-restart", "%dB" % rng.randint(1, 20)] if rng.random() < 0.4 else []
    if kind == 0:
        mode = rng.choice(["L", "CMYK", "RGB"])
        return pillow(im.convert(mode), quality=quality, progressive=rng.random() < 0.3)
    if kind == 1:
        return cjpeg(im, "-quality", quality, "-progressive", "-sample", factors(), *restart)
    if kind == 2:
        return cjpeg(im, "-quality", quality, "-sample", rng.choice(["2x2", "1x1"]), *restart, scans=script(True))
    if kind == 3:
        return cjpeg(im, "-quality", quality, *restart, scans="0;1;2;\n")
    return cjpeg(im, "-quality", quality, "-sample", rng.choice([factors(), "2x2", "2x1", "1x2"]), *restart)


def main():
    # Every size around the edges of blocks and MCUs, for the usual samplings.
    for sample in ("1x1", "2x1", "1x2", "2x2"):
        for w, h in [(1, 1), (2, 2), (3, 3), (4, 5), (5, 4), (6, 31), (8, 8), (9, 7), (15, 17), (16, 16), (17, 33), (33, 15), (40, 1), (1, 40)]:
            add("size-%s-%dx%d" % (sample, w, h), cjpeg(picture(w, h), "-quality", 90, "-sample", sample))
    for quality in list(range(1, 100, 6)) + [100]:
        add("quality-%d" % quality, pillow(picture(64, 48), quality=quality))
        add("quality-%d-444" % quality, pillow(picture(48, 64), quality=quality, subsampling=0))
    seen = set()
    while len(seen) < 80:
        f = factors()
        if f not in seen:
            seen.add(f)
            add("sample-%s" % f, cjpeg(picture(rng.randint(1, 70), rng.randint(1, 70)), "-quality", 85, "-sample", f, *rng.choice([[], ["-progressive"], ["-optimize"]])))
    for i in range(30):
        add("restart-%d" % i, cjpeg(picture(), "-quality", rng.randint(30, 95), "-restart", rng.choice(["1", "2", "1B", "3B", "7B"]), *rng.choice([[], ["-progressive"]]), "-sample", rng.choice(["1x1", "2x1", "2x2", "1x2"])))
    for i in range(30):
        add("script-%d" % i, cjpeg(picture(), "-quality", rng.randint(30, 95), "-sample", rng.choice(["1x1", "2x1", "2x2", "1x2", "4x1"]), scans=script(True)))
    for i in range(60):
        add("incomplete-%d" % i, cjpeg(picture(rng.randint(1, 120), rng.randint(1, 120)), "-quality", rng.randint(30, 95), "-sample", rng.choice(["1x1", "2x1", "2x2", "1x2", "4x2"]), scans=script(False)))
    for i in range(12):
        add("separate-%d" % i, cjpeg(picture(), "-sample", rng.choice(["1x1", "2x2", "2x1"]), scans=rng.choice(["0;1;2;\n", "0,1;2;\n", "2;1;0;\n", "1,2;\n0;\n"])))
    for i in range(16):
        add("gray-%d" % i, cjpeg(picture(), "-grayscale", "-sample", "%dx%d" % (rng.randint(1, 4), rng.randint(1, 4)), *rng.choice([[], ["-progressive"], ["-restart", "2B"], ["-optimize"]])))
    for i in range(10):
        add("rgb-%d" % i, cjpeg(picture(), "-rgb", *rng.choice([[], ["-progressive"]])))
    for i in range(24):
        d = pillow(picture().convert("CMYK"), quality=rng.randint(40, 100), progressive=i % 3 == 0)
        if i % 4 == 3:
            d = drop(d, 0xEE)
        elif i % 2:
            d = patch(d, 0xEE, 11, [rng.choice([1, 2])])
        add("cmyk-%d" % i, d)
    for i in range(40):
        im = picture(rng.randint(100, 300), rng.randint(100, 300))
        add("large-%d" % i, cjpeg(im, "-quality", rng.randint(20, 95), "-sample", rng.choice(["2x2", "2x1", "1x2", "1x1", factors()]), *rng.choice([[], ["-progressive"], ["-restart", "1"]])))
    oddities()
    for i, im in enumerate(photos):
        add("photo-%d-300x200" % i, pillow(im.resize((300, 200), Image.LANCZOS)))
        add("photo-%d-300x200-progressive" % i, pillow(im.resize((300, 200), Image.LANCZOS), progressive=True))
        add("photo-%d-280x300-422" % i, pillow(im.resize((280, 300), Image.LANCZOS), subsampling=1))
        add("photo-%d-299x201-444" % i, pillow(im.resize((299, 201), Image.LANCZOS), subsampling=0, quality=90))
    for i in range(130):
        while True:
            d = any_file()
            if scan_start(d) < len(d) - 10:
                break
        add("truncated-%d" % i, d[: rng.randint(scan_start(d), len(d) - 8)])
    for i in range(110):
        add("corrupt-%d" % i, corrupt(any_file()))
    for i in range(12):  # libjpeg-turbo decodes these MCUs twice
        d = bytearray(pillow(picture(112, 96).convert(rng.choice(["L", "RGB", "CMYK"])), quality=92))
        for _ in range(6):
            j = rng.randrange(scan_start(d), len(d) - 3)
            d[j : j + 3] = b"\xff\xff\x00"
        add("doubled-%d" % i, bytes(d))
    c.write()


def oddities():
    """Files that encoders do not write, but cameras and hosts of images do."""
    im = picture(50, 37)
    plain = pillow(im, quality=80)
    add("odd-mjpeg", drop(plain, 0xC4))
    add("odd-fill-bytes", plain.replace(b"\xff\xdb", b"\xff\xff\xff\xff\xdb"))
    add("odd-bytes-before-marker", plain.replace(b"\xff\xc0", b"abc\xff\x00\xff\xc0"))
    add("odd-trailing", plain + b"trailing bytes \xff\xd8\xff\xd9")
    add("odd-no-eoi", plain[:-2])
    add("odd-surplus-data", plain[:-2] + b"surplus" + EOI)
    add("odd-dnl", plain[:2] + b"\xff\xdc\x00\x04\x00\x10" + plain[2:])
    add("odd-scan-parameters", patch(plain, 0xDA, 7, [0, 0, 0]))
    rgb = cjpeg(im, "-rgb")
    add("odd-rgb-ids", drop(rgb, 0xEE))
    add("odd-rgb-jfif", drop(rgb, 0xEE)[:2] + plain[2:20] + drop(rgb, 0xEE)[2:])
    add("odd-adobe-1", patch(rgb, 0xEE, 11, [1]))
    add("odd-adobe-7", patch(rgb, 0xEE, 11, [7]))
    bare = drop(plain, 0xE0)
    add("odd-no-jfif", bare)
    for i in range(3):
        bare = patch(bare, 0xC0, 6 + 3 * i, [i])
        bare = patch(bare, 0xDA, 1 + 2 * i, [i])
    add("odd-ids-from-0", bare)
    for i in range(40):  # any factors, of one, three and four components
        add("factors-%d" % i, with_factors())
    for i in range(16):  # coefficients that overflow
        body = drop(any_file(), 0xDB)
        top = rng.choice([300, 3000, 65535])
        add("odd-overflow-%d" % i, body[:2] + dqt([[rng.randint(0, top) for _ in range(64)] for _ in range(4)]) + body[2:])


if __name__ == "__main__":
    main()
