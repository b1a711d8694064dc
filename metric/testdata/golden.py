"""Writes golden.json: predictions, their truth, and the scores of scikit-learn.

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python golden.py > golden.json

Scores that scikit-learn lacks follow its functions: the means over classes skip the
classes for which a score is undefined, and the partial AUC is the code of the metric of
ISIC 2024.
"""

import json
import sys
import warnings

import numpy as np
from sklearn import metrics as sk

warnings.simplefilter("ignore")
CLIP = 1e-7


def partial_auc(truth, scores, min_tpr):
    """The metric of ISIC 2024."""
    v_gt = abs(np.asarray(truth) - 1)
    v_pred = -1.0 * np.asarray(scores)
    max_fpr = abs(1 - min_tpr)
    scaled = sk.roc_auc_score(v_gt, v_pred, max_fpr=max_fpr)
    return 0.5 * max_fpr**2 + (max_fpr - 0.5 * max_fpr**2) / (1.0 - 0.5) * (scaled - 0.5)


def over_classes(score, truth, scores, needs_others=True):
    """Mean over the classes that have true rows and, if needed, others."""
    values = []
    for c in range(truth.shape[1]):
        t = truth[:, c]
        if t.any() and not (needs_others and t.all()):
            values.append(score(t, scores[:, c]))
    return float(np.mean(values)) if values else 0.0


def ranks(truth, scores):
    return [
        ("roc-auc", {}, over_classes(sk.roc_auc_score, truth, scores)),
        ("average-precision", {}, over_classes(sk.average_precision_score, truth, scores, False)),
        ("partial-auc", {}, over_classes(lambda t, s: partial_auc(t, s, 0.8), truth, scores)),
        ("partial-auc", {"min_tpr": 0.45}, over_classes(lambda t, s: partial_auc(t, s, 0.45), truth, scores)),
    ]


def multilabel(rng, rows, classes, coarse, frequency):
    scores = rng.random((rows, classes)).astype(np.float32)
    if coarse:
        scores = (np.round(scores * 8) / 8).astype(np.float32)
    truth = (rng.random((rows, classes)) < frequency * (0.5 + scores)).astype(int)
    if classes > 3:
        truth[:, 1] = 0  # a class that no row has
        truth[:, 2] = 1  # one that all rows have
    threshold = 0.5
    given = (scores > np.float32(threshold)).astype(int)
    x = scores.astype(np.float64)
    values = [("mcc", {}, sk.matthews_corrcoef(truth.ravel(), given.ravel()))]
    for beta in [0.5, 1, 2]:
        for name, average in [("f-beta", "samples"), ("micro-f-beta", "micro"), ("macro-f-beta", "macro")]:
            if classes == 1:  # scikit-learn takes one column for a binary problem
                if average == "samples":
                    continue
                average = "binary"
            values.append((name, {"beta": beta}, sk.fbeta_score(truth, given, beta=beta, average=average, zero_division=0)))
    p = np.clip(x, CLIP, 1 - CLIP)
    values.append(("log-loss", {}, sk.log_loss(truth.ravel(), p.ravel(), labels=[0, 1])))
    values += ranks(truth, x)
    return {
        "task": "multilabel", "classes": classes, "threshold": threshold, "scores": scores.ravel().tolist(),
        "labels": [np.flatnonzero(t).tolist() for t in truth], "values": values,
    }


def multiclass(rng, rows, classes, coarse, present):
    logits = rng.normal(size=(rows, classes)) * 1.5
    if coarse:
        logits = np.round(logits)
    truth = rng.integers(0, present, size=rows)
    logits[np.arange(rows), truth] += 1
    e = np.exp(logits)
    scores = (e / e.sum(axis=1, keepdims=True)).astype(np.float32)
    x = scores.astype(np.float64)
    decided = x.argmax(axis=1)
    values = [
        ("accuracy", {}, sk.accuracy_score(truth, decided)),
        ("mcc", {}, sk.matthews_corrcoef(truth, decided)),
        ("quadratic-kappa", {}, sk.cohen_kappa_score(truth, decided, weights="quadratic")),
    ]
    for beta in [0.5, 1, 2]:
        values.append(("macro-f-beta", {"beta": beta}, sk.fbeta_score(truth, decided, beta=beta, average="macro", zero_division=0)))
        values.append(("micro-f-beta", {"beta": beta}, sk.fbeta_score(truth, decided, beta=beta, average="micro", zero_division=0)))
        hot = np.eye(classes, dtype=int)
        values.append(("f-beta", {"beta": beta}, sk.fbeta_score(hot[truth], hot[decided], beta=beta, average="samples", zero_division=0)))
    values.append(("log-loss", {}, sk.log_loss(truth, np.clip(x, CLIP, 1 - CLIP), labels=list(range(classes)))))
    values += ranks(np.eye(classes, dtype=int)[truth], x)
    if 2 < classes == present and not coarse:
        # scikit-learn checks that rows sum to 1 in float64; a mean over classes does not.
        values.append(("roc-auc", {}, sk.roc_auc_score(truth, x / x.sum(axis=1, keepdims=True), multi_class="ovr", average="macro")))
    return {"task": "multiclass", "classes": classes, "scores": scores.ravel().tolist(), "labels": [[int(t)] for t in truth], "values": values}


def regression(rng, rows, targets):
    truth = rng.normal(size=(rows, targets)).astype(np.float32) * 3
    scores = (truth + rng.normal(size=truth.shape)).astype(np.float32)
    return {
        "task": "regression", "classes": targets, "scores": scores.ravel().tolist(), "truth": truth.ravel().tolist(),
        "values": [("rmse", {}, sk.root_mean_squared_error(truth.astype(np.float64), scores.astype(np.float64)))],
    }


def grades(rng, rows, count, task):
    truth = rng.integers(0, count, size=rows)
    scores = (truth + rng.normal(size=rows) * 0.8).astype(np.float32)
    bounds = [k + 0.4 for k in range(count - 1)]
    decided = np.searchsorted(bounds, scores.astype(np.float64), side="left")
    case = {
        "task": task, "classes": count if task == "ordinal" else 1, "bounds": bounds, "scores": scores.tolist(),
        "values": [
            ("quadratic-kappa", {}, sk.cohen_kappa_score(truth, decided, weights="quadratic")),
            ("rmse", {}, sk.root_mean_squared_error(truth, scores.astype(np.float64))),
        ],
    }
    if task == "ordinal":
        case["labels"] = [[int(t)] for t in truth]
        case["values"].append(("accuracy", {}, sk.accuracy_score(truth, decided)))
    else:
        case["truth"] = [float(t) for t in truth]
    return case


rng = np.random.default_rng(7)
cases = [
    multilabel(rng, 40, 6, False, 0.3),
    multilabel(rng, 60, 5, True, 0.3),
    multilabel(rng, 30, 1, False, 0.4),
    multilabel(rng, 50, 1, True, 0.15),
    multiclass(rng, 60, 4, False, 4),
    multiclass(rng, 50, 5, True, 4),
    multiclass(rng, 40, 2, False, 2),
    regression(rng, 30, 1),
    regression(rng, 25, 3),
    grades(rng, 50, 5, "ordinal"),
    grades(rng, 40, 4, "regression"),
]
json.dump({"scikit-learn": sk.__version__ if hasattr(sk, "__version__") else __import__("sklearn").__version__, "cases": cases}, sys.stdout)
print()
