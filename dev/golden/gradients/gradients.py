"""Computes the gradients of the reference networks in float64 with PyTorch, and the error
of PyTorch's float32. Run it in the module's folder:

    python3 dev/golden/gradients/gradients.py seresnext50_32x4d xception \\
        cbam_resnet50 senet_se_resnext50_32x4d seresnext101_32x4d \\
        inceptionresnetv2 pnasnet5large

It writes dev/golden/testdata/exact/ARCH.json. Weights, inputs and labels are the float32
numbers of testdata/train/ARCH.grad.json, by the recipe of package golden. The committed
files were made with PyTorch 1.13 on the CPU with 2 threads. With 1 thread its float32
results differ from testdata/train.

    loss           the loss
    error          error of the float32 logits, relative to their norm
    units, flips   number of ReLU inputs, and of those with another sign in float32
    grads          for each parameter: norm and first four values of the gradient, and
                   the relative error of the norm in float32
"""
import json
import math
import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F

CLASSES, CELL = 1103, 32
DATA = "dev/golden/testdata/"


def uniform(name, n):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        x = np.uint64(h) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        x = x ^ x >> np.uint64(31)
    return (x >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def weights(name, shape):
    u = uniform(name, math.prod(shape)).reshape(shape)
    if name.endswith(".bias"):
        u = 0.1 * u
    elif len(shape) > 1:
        u = u * math.sqrt(3 / math.prod(shape[1:])) * 1.1
    else:
        u = 1 + 0.1 * u
    return torch.from_numpy(u.astype(np.float32))


def images(n, size):
    b = -(-size // CELL)
    block = uniform("input.block", n * 3 * b * b).reshape(n, 3, b, b)
    block = block.repeat(CELL, 2).repeat(CELL, 3)[:, :, :size, :size]
    noise = uniform("input.noise", n * 3 * size * size).reshape(n, 3, size, size)
    return torch.from_numpy((2 * block + 0.5 * noise).astype(np.float32))


def labels(n):
    return torch.from_numpy((uniform("labels", n * CLASSES) > 0.98).reshape(n, CLASSES).astype(np.float32))


def pair(p):
    return p["H"], p["W"]


def window(n):
    return pair(n["Kernel"]), pair(n["Stride"]), pair(n["Pad"])


OPS = {
    "Conv": lambda n, x, w, b=None: F.conv2d(x, w, b, pair(n["Stride"]), pair(n["Pad"]), 1, n["Groups"]),
    "BatchNorm": lambda n, x, w, b: F.batch_norm(x, None, None, w, b, True, 0.1, n["Eps"]),
    "ReLU": lambda n, x: F.relu(x),
    "Sigmoid": lambda n, x: torch.sigmoid(x),
    "Add": lambda n, x, y: x + n["Scale"] * y,
    "Mul": lambda n, x, y: x * y,
    "MaxPool": lambda n, x: F.max_pool2d(x, *window(n), ceil_mode=n["CeilMode"]),
    "AvgPool": lambda n, x: F.avg_pool2d(x, *window(n), n["CeilMode"], n["CountIncludePad"]),
    "GlobalAvgPool": lambda n, x: F.adaptive_avg_pool2d(x, 1),
    "GlobalMaxPool": lambda n, x: F.adaptive_max_pool2d(x, 1),
    "ChannelMean": lambda n, x: x.mean(1, keepdim=True),
    "ChannelMax": lambda n, x: x.max(1, keepdim=True)[0],
    "Linear": lambda n, x, w, b: F.linear(x.flatten(1), w, b)[:, :, None, None],
    "Concat": lambda n, *x: torch.cat(x, 1),
    "Pad": lambda n, x: F.pad(x, [n["Border"][s] for s in ("Left", "Right", "Top", "Bottom")]),
    "Subsample": lambda n, x: x[:, :, :: n["Stride"]["H"], :: n["Stride"]["W"]],
    "PadChannels": lambda n, x: F.pad(x, (0, 0, 0, 0, *n["Channels"])),
    "Dropout": lambda n, x: x,
}


def compute(net, n, size, dtype):
    """Returns loss, logits, the signs of the ReLUs' inputs, and the gradients."""
    params = {p["Name"]: weights(p["Name"], p["Shape"]).to(dtype).requires_grad_() for p in net["params"]}
    values, signs = [images(n, size).to(dtype)], []
    for node in net["nodes"][1:]:
        x = [values[i] for i in node["In"]]
        if node["Op"] == "ReLU":
            signs.append((x[0] > 0).flatten())
        names = [node["Name"] + part for part in (".weight", ".bias")] if node["Op"] in ("Conv", "BatchNorm", "Linear") else []
        values.append(OPS[node["Op"]](node, *x, *(params[k] for k in names if k in params)))
    logits = values[net["output"]].flatten(1)
    loss = F.binary_cross_entropy_with_logits(logits, labels(n).to(dtype))
    loss.backward()
    grads = {k: p.grad.numpy().astype(np.float64) for k, p in params.items()}
    return loss.item(), logits.detach().numpy().astype(np.float64), torch.cat(signs), grads


def digits(x):
    return float(f"{x:.9g}")


def main():
    torch.set_num_threads(2)
    for arch in sys.argv[1:]:
        n, _, size, _ = json.load(open(f"{DATA}train/{arch}.grad.json"))["input"]
        text = subprocess.run(["go", "run", "./dev/golden/gradients", arch, str(size)], stdout=subprocess.PIPE, check=True).stdout
        net = json.loads(text)
        net["params"] = [p for p in net["params"] if not p["Name"].rpartition(".")[2].startswith("running_")]
        _, logits32, signs32, grads32 = compute(net, n, size, torch.float32)
        loss, logits, signs, grads = compute(net, n, size, torch.float64)
        out = {
            "loss": loss,
            "error": digits(np.linalg.norm(logits32 - logits) / np.linalg.norm(logits)),
            "units": len(signs), "flips": int((signs != signs32).sum()), "grads": {},
        }
        for name, g in grads.items():
            norm = np.linalg.norm(g)
            error = abs(np.linalg.norm(grads32[name]) - norm) / norm
            out["grads"][name] = {
                "l2": digits(norm), "head": [digits(v) for v in g.ravel()[:4]], "norm": float(f"{error:.3g}"),
            }
        with open(f"{DATA}exact/{arch}.json", "w") as f:
            f.write(json.dumps(out).replace('}, "', '},\n"') + "\n")


main()
