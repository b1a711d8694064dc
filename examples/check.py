#!/usr/bin/env python3
"""Checks a submission against its sample and scores it, with Python's library alone.

    python3 check.py KIND SAMPLE SUBMISSION [TRUTH]

KIND is classes, probabilities or grades. The check is independent of the program that
wrote the submission: it reads the files as a grader would. It prints the score against
TRUTH, the true answers in the form of the training table.
"""

import csv
import re
import sys


def read(path):
    data = open(path, "rb").read()
    assert b"\r" not in data, "carriage returns"
    assert data.endswith(b"\n"), "the last line has no end"
    rows = list(csv.reader(data.decode("utf-8").splitlines()))
    return rows[0], rows[1:]


def check(kind, sample, submission):
    """Returns the rows of the submission, after the checks that need no truth."""
    header, want = read(sample)
    got_header, got = read(submission)
    assert got_header == header, f"header {got_header}, not {header}"
    assert [r[0] for r in got] == [r[0] for r in want], "other ids, or another order"
    number = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?$")
    for line, row in enumerate(got, 2):
        assert len(row) == len(header), f"line {line} has {len(row)} fields"
        for cell in row[1:]:
            if kind == "classes":
                assert cell in {"red", "green", "blue", "striped"}, f"line {line}: {cell!r}"
            elif kind == "grades":
                assert cell in set("01234"), f"line {line}: {cell!r}"
            else:
                assert number.match(cell) and 0 <= float(cell) <= 1, f"line {line}: {cell!r}"
    return header, got


def accuracy(header, got, truth):
    return sum(r[1] == truth[r[0]] for r in got) / len(got)


def auc(header, got, truth):
    """The mean over the classes of the area under the ROC curve."""
    areas = []
    for c, name in enumerate(header[1:], 1):
        yes = [float(r[c]) for r in got if name in truth[r[0]].split()]
        no = [float(r[c]) for r in got if name not in truth[r[0]].split()]
        if yes and no:
            wins = sum((a > b) + (a == b) / 2 for a in yes for b in no)
            areas.append(wins / (len(yes) * len(no)))
    return sum(areas) / len(areas)


def kappa(header, got, truth):
    """Cohen's kappa with quadratic weights."""
    pairs = [(int(r[1]), int(truth[r[0]])) for r in got]
    n = len(pairs)
    seen = sum((a - b) ** 2 for a, b in pairs) / n
    chance = sum((a - b) ** 2 for a, _ in pairs for _, b in pairs) / n / n
    return 1 - seen / chance


SCORES = {"classes": accuracy, "probabilities": auc, "grades": kappa}

if __name__ == "__main__":
    kind, sample, submission = sys.argv[1:4]
    header, got = check(kind, sample, submission)
    text = f"{len(got)} rows"
    if len(sys.argv) > 4:
        _, rows = read(sys.argv[4])
        truth = dict((r[0], r[1]) for r in rows)
        text += f", {SCORES[kind].__name__} {SCORES[kind](header, got, truth):.4f}"
    print(text)
