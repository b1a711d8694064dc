#!/usr/bin/env bash
# Redraws docs/blend.png and docs/emoji-curves.png with the commands in bin/.
# It needs the labels and images in ../shared (or DEPLOY_KERNEL_SHARED) and two minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${DEPLOY_KERNEL_SHARED:-$root/../shared}/data
data=$(cd "$data" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

# Seven made-up models on a tenth of the rows of iMet 2019.
go run ./dev/oofgen/generate -labels "$data/imet/train.csv" -folds "$data/imet/folds.npy" -every 10 -seed 1 "$work/oof"
(cd "$work/oof" && "$root/bin/blend" picture level1_train_*_f0_*.npy --report=false --quiet && "$root/bin/blend" plot picture_val_*.yml -o "$root/docs/blend.png" --quiet)

# The first fold of examples/emoji.
mkdir "$work/emoji"
cp "$data/emoji/train.csv" "$work/emoji"
ln -s "$data/emoji/train" "$work/emoji/train"
cd "$work/emoji"
"$root/bin/train" folds --config "$root/examples/emoji/emoji.yml" --group-by -
"$root/bin/train" --config "$root/examples/emoji/emoji.yml" --fold 0
cp runs/emoji/f0/curves.png "$root/docs/emoji-curves.png"
