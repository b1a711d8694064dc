"""Makes tasks.json: losses with parameters, and their gradients, of PyTorch.

python3 tasks.py > tasks.json   # torch 2.15, numpy 2
"""

import json

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(7)
N, C = 6, 5
logits = np.float32(rng.normal(0, 3, (N, C)))
classes = rng.integers(0, C, N)
one = np.eye(C)[classes]
mixed = np.float32(0.7 * one + 0.3 * one[::-1])
many = np.float32(rng.random((N, C)) < 0.4)
grades = np.float32(np.arange(C) < rng.integers(0, C + 1, N)[:, None])
targets = np.float32(rng.normal(0, 3, (N, C)))
weights = [0.5, 2.0, 1.0, 0.0, 3.25]


def smooth(y, share):
    return y * (1 - share) + share / 2


def focal(x, y, gamma, alpha=None):
    """torchvision's sigmoid_focal_loss, for labels that may be mixtures too."""
    ce = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    q = torch.sigmoid(x * (1 - 2 * y))
    f = q**gamma * ce
    return f if alpha is None else f * (alpha * y + (1 - alpha) * (1 - y))


def softmax_focal(x, y, gamma, alpha=1.0, w=None):
    logp = F.log_softmax(x, 1)
    terms = alpha * y * (1 - logp.exp()) ** gamma * logp
    return -(terms if w is None else terms * w).sum() / len(x)


W = torch.tensor(weights)
CASES = [
    ("cross_entropy", "multiclass", {}, None, one, lambda x, y: F.cross_entropy(x, y)),
    ("cross_entropy", "multiclass", {"label_smoothing": 0.1}, None, one, lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)),
    ("cross_entropy", "multiclass", {"label_smoothing": 0.2}, weights, mixed, lambda x, y: F.cross_entropy(x, y, weight=W, label_smoothing=0.2)),
    ("cross_entropy", "multiclass", {}, weights, one, lambda x, y: F.cross_entropy(x, y, weight=W)),
    ("binary_cross_entropy", "multilabel", {}, weights, many, lambda x, y: F.binary_cross_entropy_with_logits(x, y, weight=W)),
    ("binary_cross_entropy", "multilabel", {"label_smoothing": 0.1}, None, many, lambda x, y: F.binary_cross_entropy_with_logits(x, smooth(y, 0.1))),
    ("binary_cross_entropy", "ordinal", {}, None, grades, lambda x, y: F.binary_cross_entropy_with_logits(x, y)),
    ("focal_loss", "multilabel", {"gamma": 1.5}, None, many, lambda x, y: focal(x, y, 1.5).sum() / N),
    ("focal_loss", "multilabel", {"gamma": 2, "alpha": 0.25}, None, many, lambda x, y: focal(x, y, 2, 0.25).sum() / N),
    ("focal_loss", "multilabel", {"gamma": 3, "alpha": 0.75}, weights, many, lambda x, y: (focal(x, y, 3, 0.75) * W).sum() / N),
    ("focal_loss", "ordinal", {"gamma": 2}, None, grades, lambda x, y: focal(x, y, 2).sum() / N),
    ("focal_loss", "multiclass", {"gamma": 2}, None, one, lambda x, y: softmax_focal(x, y, 2)),
    ("focal_loss", "multiclass", {"gamma": 0.5, "alpha": 0.25}, weights, mixed, lambda x, y: softmax_focal(x, y, 0.5, 0.25, W)),
    ("mse", "regression", {}, None, targets, lambda x, y: F.mse_loss(x, y)),
    ("l1", "regression", {}, None, targets, lambda x, y: F.l1_loss(x, y)),
    ("smooth_l1", "regression", {"beta": 0.25}, None, targets, lambda x, y: F.smooth_l1_loss(x, y, beta=0.25)),
    ("smooth_l1", "regression", {"beta": 4}, None, targets, lambda x, y: F.smooth_l1_loss(x, y, beta=4.0)),
]

out = []
for name, task, params, w, labels, loss in CASES:
    labels = np.float32(labels)
    x = torch.tensor(np.float64(logits), requires_grad=True)
    value = loss(x, torch.tensor(np.float64(labels)))
    value.backward()
    out.append({"name": name, "task": task, "params": params, "weights": w, "labels": labels.ravel().tolist(),
                "loss": value.item(), "grad": x.grad.numpy().ravel().tolist()})
print(json.dumps({"n": N, "classes": C, "logits": logits.ravel().tolist(), "cases": out}))
