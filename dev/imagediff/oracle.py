#!/usr/bin/env python3
"""Compares the inputs that networks get here with those of other libraries.

    python3 dev/imagediff/oracle.py             # the table of docs/images.md
    python3 dev/imagediff/oracle.py --golden    # runtime/vision/testdata/policies/cases.json

Needs Go, numpy, Pillow, torch, torchvision, timm, albumentations,
opencv-python-headless and scikit-learn (its two photographs).
"""
import hashlib, json, math, os, subprocess, sys, tempfile

import albumentations as A
import cv2
import numpy as np
import timm
import torch
import torchvision
from PIL import Image
from timm.data import create_transform
from torchvision.transforms import v2
import PIL

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
cv2.setNumThreads(1)
ZERO, ONE = [0, 0, 0], [1, 1, 1]
NORMS = {
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "inception": ([0.5] * 3, [0.5] * 3),
    "clip": ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
}


def synthetic(w, h):
    """Returns the image that policies_test.go draws."""
    x, y, c = (a.astype(np.uint32) for a in np.meshgrid(range(w), range(h), range(3), indexing="xy"))
    v = x * np.uint32(7) + y * np.uint32(13) + c * np.uint32(50) + ((x * y * (c + np.uint32(3))) >> np.uint32(3))
    noise = ((x * np.uint32(2654435761) + y * np.uint32(40503) + c * np.uint32(97)) >> np.uint32(7)) & np.uint32(31)
    return ((v + noise) & np.uint32(255)).astype(np.uint8)


def images():
    """Returns 200 images of many sizes: synthetic ones, noise, blocks and photographs."""
    from sklearn.datasets import load_sample_images
    photos = load_sample_images().images
    rng = np.random.default_rng(2026)
    out = []
    for i in range(120):
        most = (40, 200, 500)[i % 3]
        w, h = (int(v) for v in rng.integers(1, most, 2))
        if i % 10 == 9:
            w, h = int(rng.integers(1, 6)), int(rng.integers(200, 900))
        if i % 20 == 19:
            w, h = h, w
        if i % 12 == 5:
            w, h = int(rng.integers(150, 300)), int(rng.integers(300, 900))
        if i % 4 == 0:
            m = synthetic(w, h)
        elif i % 4 == 1:
            m = rng.integers(0, 256, (h, w, 3), np.uint8)
        elif i % 4 == 2:
            m = np.repeat(np.repeat(rng.integers(0, 2, ((h + 7) // 8, (w + 7) // 8, 3), np.uint8) * 255, 8, 0), 8, 1)[:h, :w]
        else:
            yy, xx = np.mgrid[0:h, 0:w]
            m = np.stack([(xx * 255 // w), (yy * 255 // h), ((xx + yy) % 256)], 2).astype(np.uint8)
        out.append(np.ascontiguousarray(m))
    for i in range(80):
        p = photos[i % 2]
        if i % 4 < 2:
            w, h = int(rng.integers(120, 640)), int(rng.integers(120, 427))
            x, y = int(rng.integers(0, 641 - w)), int(rng.integers(0, 428 - h))
            out.append(np.ascontiguousarray(p[y:y + h, x:x + w]))
        else:  # a larger photograph
            k = rng.uniform(1.2, 4)
            out.append(np.asarray(Image.fromarray(p).resize((int(640 * k), int(427 * k)), Image.LANCZOS)))
    return out


PILS = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR, "lanczos": Image.LANCZOS, "nearest": Image.NEAREST}
CVS = {"opencv-linear": cv2.INTER_LINEAR, "opencv-area": cv2.INTER_AREA}
TORCH = {"torch-bilinear": v2.InterpolationMode.BILINEAR, "torch-bicubic": v2.InterpolationMode.BICUBIC}


def tv(mode):
    return v2.InterpolationMode[mode.upper()]


def tensor(m):
    return torch.from_numpy(m.copy()).permute(2, 0, 1).contiguous()


def back(t):
    return t.permute(1, 2, 0).contiguous().numpy()


def enlarge_and_crop(m, size):
    """Applies the policy crop with Pillow."""
    h, w = m.shape[:2]
    short = min(w, h)
    if short < size:
        cw, ch = min(w, 32 * short), min(h, 32 * short)
        x, y = (w - cw) // 2, (h - ch) // 2
        m, w, h = m[y:y + ch, x:x + cw], cw, ch
        w, h = (w * size + short // 2) // short, (h * size + short // 2) // short
        m = np.asarray(Image.fromarray(m).resize((w, h), Image.BICUBIC))
    x, y = (w - size) // 2, (h - size) // 2
    return m[y:y + size, x:x + size]


def tf_resize(m, w, h):
    """Resizes as tf.image.resize(method='bilinear', antialias=False), with PyTorch's equal formula."""
    t = torch.from_numpy(m).permute(2, 0, 1)[None].float()
    t = torch.nn.functional.interpolate(t, (h, w), mode="bilinear", align_corners=False, antialias=False)
    return t[0].permute(1, 2, 0).numpy()


def letterbox(m, size, mode, color):
    """Resizes one image as ultralytics' LetterBox(auto=False)."""
    h, w = m.shape[:2]
    r = min(size / h, size / w)
    nw, nh = round(w * r), round(h * r)
    nw, nh = max(nw, 1), max(nh, 1)
    dw, dh = (size - nw) / 2, (size - nh) / 2
    if (w, h) != (nw, nh):
        if mode in CVS:
            m = cv2.resize(m, (nw, nh), interpolation=CVS[mode])
        else:
            m = np.asarray(Image.fromarray(m).resize((nw, nh), PILS[mode]))
    top, bottom, left, right = round(dh - 0.1), round(dh + 0.1), round(dw - 0.1), round(dw + 0.1)
    return cv2.copyMakeBorder(m, top, bottom, left, right, cv2.BORDER_CONSTANT, value=color)


def cases(size):
    """Returns tuples: row of the table, our test case, the library's function, tolerance in levels."""
    def ours(policy, mode, side=0, pad=ZERO, mean=ZERO, std=ONE):
        return dict(Size=size, Side=side, Policy=policy, Interpolation=mode, Pad=pad, Mean=mean, Std=std)

    side = math.floor(size / 0.875)
    odd = math.floor(size / 0.9)
    fill = [round(255 * v) for v in NORMS["imagenet"][0]]
    yield "Pillow resize up, crop", ours("crop", "bicubic"), lambda m: enlarge_and_crop(m, size), 0
    for mode in PILS:
        yield "Pillow Image.resize", ours("squash", mode), lambda m, mode=mode: np.asarray(Image.fromarray(m).resize((size, size), PILS[mode])), 0
    for mode in TORCH:
        yield "torchvision Resize of a uint8 tensor", ours("squash", mode), lambda m, mode=mode: back(v2.Resize((size, size), TORCH[mode], antialias=True)(tensor(m))), 0
    for mode in CVS:
        yield "OpenCV resize; Albumentations Resize", ours("squash", mode), lambda m, mode=mode: A.Resize(size, size, interpolation=CVS[mode])(image=m)["image"], 0
    yield "tf.image.resize (by its formula)", ours("squash", "tf-bilinear"), lambda m: tf_resize(m, size, size), 0.001
    for mode in ("bicubic", "bilinear", "lanczos"):
        t = create_transform((3, size, size), interpolation=mode, crop_pct=0.9, crop_mode="squash", normalize=False)
        yield "timm, squash, crop_pct 0.9", ours("squash", mode, odd), lambda m, t=t: back(t(Image.fromarray(m))), 0
    for mode in PILS:
        t = v2.Compose([v2.Resize(side, tv(mode)), v2.CenterCrop(size)])
        yield "torchvision Resize, CenterCrop", ours("shorter-side", mode, side), lambda m, t=t: np.asarray(t(Image.fromarray(m))), 0
    for mode in ("bicubic", "bilinear", "lanczos"):
        for pct in (0.9, 1.0):
            t = create_transform((3, size, size), interpolation=mode, crop_pct=pct, normalize=False)
            yield f"timm, crop_pct {pct}", ours("shorter-side", mode, math.floor(size / pct)), lambda m, t=t: back(t(Image.fromarray(m))), 0
    for mode in TORCH:
        t = v2.Compose([v2.Resize(side, TORCH[mode], antialias=True), v2.CenterCrop(size)])
        yield "torchvision Resize, CenterCrop, uint8 tensor", ours("shorter-side", mode, side), lambda m, t=t: back(t(tensor(m))), 0
    for mode in CVS:
        t = A.Compose([A.SmallestMaxSize(side, interpolation=CVS[mode]), A.CenterCrop(size, size)])
        yield "Albumentations SmallestMaxSize, CenterCrop", ours("shorter-side", mode, side), lambda m, t=t: t(image=m)["image"], 0
    for mode in ("bicubic", "bilinear", "lanczos"):
        for pct in (0.9, 1.0):
            t = create_transform((3, size, size), interpolation=mode, crop_pct=pct, crop_mode="border", normalize=False)
            yield f"timm, border, crop_pct {pct}", ours("longer-side", mode, math.floor(size / pct), fill), lambda m, t=t: back(t(Image.fromarray(m))), 0
    for mode in CVS:
        t = A.Compose([A.LongestMaxSize(size, interpolation=CVS[mode]), A.PadIfNeeded(size, size, border_mode=cv2.BORDER_CONSTANT, fill=0)])
        yield "Albumentations LongestMaxSize, PadIfNeeded", ours("longer-side", mode), lambda m, t=t: t(image=m)["image"], 0
    for mode in ("opencv-linear", "opencv-area", "bilinear"):
        yield "ultralytics LetterBox (by its formula)", ours("letterbox", mode, 0, [114] * 3), lambda m, mode=mode: letterbox(m, size, mode, (114,) * 3), 0


def normalized(size):
    """Compares whole pipelines with normalization, on the input values of the network."""
    def ours(policy, mode, side, mean, std):
        return dict(Size=size, Side=side, Policy=policy, Interpolation=mode, Pad=ZERO, Mean=mean, Std=std)

    for name, (mean, std) in NORMS.items():
        t = create_transform((3, size, size), interpolation="bicubic", crop_pct=0.95, mean=mean, std=std)
        yield f"timm's transform, normalize {name}", ours("shorter-side", "bicubic", math.floor(size / 0.95), mean, std), lambda m, t=t: back(t(Image.fromarray(m)))
    mean, std = NORMS["imagenet"]
    t = v2.Compose([v2.Resize(size + 32), v2.CenterCrop(size), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])
    yield "torchvision's transform, normalize imagenet", ours("shorter-side", "bilinear", size + 32, mean, std), lambda m, t=t: back(t(Image.fromarray(m)))
    t = A.Compose([A.Resize(size, size), A.Normalize()])
    yield "Albumentations Resize, Normalize", ours("squash", "opencv-linear", 0, mean, std), lambda m, t=t: t(image=m)["image"]
    yield "Keras image.resize, imagenet_utils mode tf", ours("squash", "tf-bilinear", 0, [0.5] * 3, [0.5] * 3), lambda m: tf_resize(m, size, size) / 127.5 - 1


def compare(size=128):
    pixels = images()
    list_ = [(n, o, f, tol) for n, o, f, tol in cases(size)] + [(n, o, f, None) for n, o, f in normalized(size)]
    with tempfile.TemporaryDirectory() as d:
        paths = []
        for i, m in enumerate(pixels):
            paths.append(f"{d}/{i:03d}.png")
            Image.fromarray(m).save(paths[-1], compress_level=1)
        with open(f"{d}/cases.json", "w") as f:
            json.dump([o for _, o, _, _ in list_], f)
        go = subprocess.Popen(["go", "run", "./dev/imagediff", f"{d}/cases.json"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        go.stdin.write("\n".join(paths).encode())
        go.stdin.close()
        failed = False
        print(f"{len(pixels)} images; Pillow {PIL.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}, OpenCV {cv2.__version__}, Albumentations {A.__version__}\n")
        print("| config | library | values that differ | largest difference | mean difference | tolerance |\n|---|---|---|---|---|---|")
        for name, o, f, tol in list_:
            worst, total, count, off, bad = 0.0, 0.0, 0, 0, []
            for i, m in enumerate(pixels):
                got = np.frombuffer(go.stdout.read(12 * size * size), "<f4").reshape(size, size, 3)
                try:
                    want = np.asarray(f(m)).astype(np.float32)
                except ValueError:  # timm rounds a side of a thin image to 0
                    continue
                if tol is not None:
                    got = got * 255 if "tf" in o["Interpolation"] else np.rint(got * 255)
                d = np.abs(got - want)
                worst, total, count, off = max(worst, float(d.max())), total + float(d.sum()), count + d.size, off + int((d > (1e-3 if tol is None or 0 < tol < 1 else 0)).sum())
                if tol is not None and d.max() > tol:
                    bad.append((i, m.shape[1], m.shape[0], int((d > tol).sum()), float(d.max())))
            unit = " levels" if tol is not None else ""
            what = f"`{o['Policy']}`, `{o['Interpolation']}`"
            print(f"| {what} | {name} | {off} of {count} | {worst:.3g}{unit} | {total / count:.2g} | {'1e-5' if tol is None else f'{tol:g}'} |", flush=True)
            if bad and "-v" in sys.argv:
                print("   ", bad[:12])
            failed |= bool(bad) or (tol is None and worst > 1e-5)
        sys.exit(failed)


GOLDEN = [(1, 1), (1, 7), (9, 1), (5, 5), (31, 31), (47, 48), (48, 48), (49, 50), (40, 48), (54, 54), (63, 65), (96, 96), (144, 96), (192, 240),
          (100, 50), (50, 100), (128, 96), (97, 131), (200, 31), (31, 200), (150, 400), (400, 150), (160, 320), (320, 240), (240, 321),
          (5, 150), (150, 5), (333, 77), (70, 190), (190, 70)]


def golden(size=48):
    """Writes the libraries' outputs for synthetic images: hashes of pixels, or arrays for cases with a tolerance."""
    out = os.path.join(ROOT, "runtime/vision/testdata/policies")
    os.makedirs(out, exist_ok=True)
    rows = []
    for name, o, f, tol in cases(size):
        hashes, arrays = {}, {}
        for w, h in GOLDEN:
            try:
                want = np.ascontiguousarray(f(synthetic(w, h)))
            except ValueError:
                continue
            if tol == 0:
                hashes[f"{w}x{h}"] = hashlib.sha256(want.tobytes()).hexdigest()[:16]
            elif w * h in (49 * 50, 320 * 240, 7):
                arrays[f"{w}x{h}"] = f"{o['Policy']}_{o['Interpolation']}_{w}x{h}.npy"
                np.save(os.path.join(out, arrays[f"{w}x{h}"]), want.astype(np.float32))
        o = {k: v for k, v in o.items() if k not in ("Mean", "Std")}
        rows.append({"Library": name, **o, "Hashes": hashes, **({"Arrays": arrays, "Tolerance": tol} if arrays else {})})
    versions = {"Pillow": PIL.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__, "timm": timm.__version__,
                "OpenCV": cv2.__version__, "Albumentations": A.__version__}
    with open(os.path.join(out, "cases.json"), "w") as f:
        f.write(json.dumps({"Versions": versions, "Cases": []})[:-2] + "\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]}\n")


if __name__ == "__main__":
    golden() if "--golden" in sys.argv else compare()
