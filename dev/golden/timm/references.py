"""Records what timm's networks have and compute. Run it in the module's folder:

    python3 dev/golden/timm/references.py efficientnet_b0 tf_efficientnet_b0 …
    python3 dev/golden/timm/references.py --gradients efficientnet_b0 convnext_tiny

It writes dev/golden/testdata/timm/ARCH.json, of a network with 10 classes in evaluation
mode, for one image of 75x75 pixels by the recipe of package golden:

    keys       SHA-256 of the state dict's sorted lines "NAME SHAPE", without counters
    modules    shape, mean, standard deviation and first four values of each module's output
    logits     the output

With --gradients it writes ARCH.grad.json, of the network in training mode without dropout,
for two images and the labels of the recipe: loss, logits, statistics after the step, and
norm and first values of every parameter's gradient.

All is computed in float64. The committed files were made with PyTorch 2.15 and timm 1.0.31.
"""
import hashlib
import json
import math
import sys

import numpy as np
import timm
import torch
import torch.nn.functional as F

CLASSES, CELL, SIZE = 10, 32, 75
DATA = "dev/golden/testdata/timm/"


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


def tensor(name, shape):
    last = name.rpartition(".")[2]
    if last == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    u = uniform(name, math.prod(shape)).reshape(shape)
    if last in ("bias", "running_mean"):
        u = 0.1 * u
    elif last == "running_var":
        u = 1 + 0.25 * u
    elif len(shape) > 1:
        u = u * math.sqrt(3 / math.prod(shape[1:])) * 1.1
    else:
        u = 1 + 0.1 * u
    return torch.from_numpy(u.astype(np.float32)).double()


def images(n):
    b = -(-SIZE // CELL)
    block = uniform("input.block", n * 3 * b * b).reshape(n, 3, b, b)
    block = block.repeat(CELL, 2).repeat(CELL, 3)[:, :, :SIZE, :SIZE]
    noise = uniform("input.noise", n * 3 * SIZE * SIZE).reshape(n, 3, SIZE, SIZE)
    return torch.from_numpy((2 * block + 0.5 * noise).astype(np.float32)).double()


def labels(n):
    return torch.from_numpy((uniform("labels", n * CLASSES) > 0.4).reshape(n, CLASSES).astype(np.float64))


def build(arch):
    net = timm.create_model(arch, num_classes=CLASSES, drop_rate=0, drop_path_rate=0)
    state = net.state_dict()
    net.double().load_state_dict({k: tensor(k, tuple(v.shape)) for k, v in state.items()})
    return net, {k: list(v.shape) for k, v in state.items() if not k.endswith("num_batches_tracked")}


def digits(x):
    return float(f"{x:.9g}")


def figures(v):
    v = v.detach().numpy().ravel()
    return {"l2": digits(np.linalg.norm(v)), "sum": digits(v.sum()), "head": [digits(x) for x in v[:4]]}


def summary(name, v):
    v = v.detach()
    head = [digits(x) for x in v.flatten()[:4].tolist()]
    return {"module": name, "shape": list(v.shape), "mean": digits(v.mean()), "std": digits(v.std()), "head": head}


def is_stage(name):
    """Blocks and stages of the families, and the pooled features."""
    parts = name.split(".")
    return name in ("global_pool", "stem") or len(parts) == 2 and parts[0] in ("blocks", "stages") or len(parts) == 1 and name[:-1] in ("layer", "s")


def forward(arch):
    net, keys = build(arch)
    lines = sorted(f"{k} {'x'.join(map(str, s))}\n" for k, s in keys.items())
    modules = []
    for name, module in net.named_modules():
        if is_stage(name):
            module.register_forward_hook(lambda _m, _in, out, name=name: modules.append(summary(name, out)))
    with torch.no_grad():
        logits = net.eval()(images(1))
    return {
        "arch": arch, "config_arch": arch, "input": [1, 3, SIZE, SIZE], "num_classes": CLASSES,
        "keys": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "modules": modules, "logits": [digits(v) for v in logits.flatten().tolist()],
    }


def gradients(arch):
    net, _ = build(arch)
    logits = net.train()(images(2))
    loss = F.binary_cross_entropy_with_logits(logits, labels(2))
    loss.backward()
    return {
        "input": [2, 3, SIZE, SIZE], "loss": loss.item(), "logits": figures(logits),
        "buffers": {k: figures(v) for k, v in net.named_buffers() if v.dtype == torch.float64},
        "grads": {k: figures(p.grad) for k, p in net.named_parameters()},
    }


def main():
    torch.set_num_threads(1)
    names = sys.argv[1:]
    compute, ending = forward, ".json"
    if names[0] == "--gradients":
        names, compute, ending = names[1:], gradients, ".grad.json"
    for arch in names:
        with open(f"{DATA}{arch}{ending}", "w") as f:
            f.write(json.dumps(compute(arch)).replace("}, ", "},\n") + "\n")


main()
