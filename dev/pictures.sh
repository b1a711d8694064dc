#!/usr/bin/env bash
# Redraws docs/curves.png and docs/blend.png with the commands in bin/. The second needs
# the labels in ../shared (or DEPLOY_KERNEL_SHARED). Run it on an idle machine: the
# picture of a blend shows times.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The first fold of the quick start.
cd "$root"
go run ./examples/demo -rows 240 -images 60 -data "$work/demo"
cd "$work/demo"
"$root/bin/train" folds --config configs/small_a.yml --group-by -
"$root/bin/train" --config configs/small_a.yml --fold 0 --quiet
cp runs/small_a/f0/curves.png "$root/docs/curves.png"

# Seven made-up models on a tenth of the rows of iMet 2019.
cd "$root"
data=${DEPLOY_KERNEL_SHARED:-$root/../shared}/data/imet
if [ ! -f "$data/train.csv" ]; then
	echo "docs/blend.png is left as it is: there is no $data/train.csv" >&2
	exit
fi
go run ./dev/oofgen/generate -labels "$data/train.csv" -folds "$data/folds.npy" -every 10 -seed 1 "$work/oof"
cd "$work/oof"
"$root/bin/blend" picture level1_train_*_f0_*.npy --report=false --quiet
"$root/bin/blend" plot picture_val_*.yml -o "$root/docs/blend.png" --quiet
