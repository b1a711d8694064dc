"""Fits blend coefficients with SciPy's Nelder-Mead over dense float64 arrays.

    python3 nelder_mead.py FOLDER

FOLDER holds train.csv, folds.npy and level1_train_*.npy. The script prints JSON: the
seconds of the search after loading, the number of evaluations, and the score.
"""
import csv, glob, json, os, re, sys, time
import numpy as np
from scipy.optimize import minimize

folder = sys.argv[1]
folds = np.load(os.path.join(folder, "folds.npy"))
models = {}
for path in sorted(glob.glob(os.path.join(folder, "level1_train_*.npy"))):
    name, fold = re.match(r"level1_train_(.*)_f(\d+)_e", os.path.basename(path)).groups()
    models.setdefault(name, {})[int(fold)] = path
predictions = []
for name in sorted(models):
    first = np.load(models[name][0])
    full = np.empty((len(folds), first.shape[1]))
    for fold, path in models[name].items():
        full[folds == fold] = np.load(path)
    predictions.append(full)
truth = np.zeros(predictions[0].shape, dtype=bool)
with open(os.path.join(folder, "train.csv")) as f:
    for i, row in enumerate(csv.DictReader(f)):
        truth[i, [int(c) for c in row["attribute_ids"].split()]] = True


def f2(weights):
    given = sum(w * p for w, p in zip(weights, predictions)) > 0
    hits = (given & truth).sum(axis=1)
    return np.mean(5 * hits / np.maximum(4 * truth.sum(axis=1) + given.sum(axis=1), 1))


n = len(predictions)
start = time.time()
found = minimize(lambda w: -f2(w), np.full(n, 1 / n), method="Nelder-Mead")
print(json.dumps({"seconds": time.time() - start, "evaluations": int(found.nfev), "score": float(-found.fun)}))
