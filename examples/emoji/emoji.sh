#!/bin/sh
# Trains a small network from scratch on five folds of emoji, and scores its out-of-fold
# predictions. Then it compares two losses with 30 % of the labels missing. It takes ten
# minutes on 2 idle cores.
#
#   examples/emoji/emoji.sh DATA OUT
#
# DATA holds train/*.png and train.csv (id,attribute_ids; 699 labels). Near-copies share
# the first part of their id. All output goes to OUT. `make build` builds the commands;
# TRAIN and BLEND may name others.
set -eu
data=$(cd "$1" && pwd)
mkdir -p "$2"
here=$(cd "$(dirname "$0")" && pwd)
bin=$here/../../bin
TRAIN=${TRAIN:-$bin/train}
BLEND=${BLEND:-$bin/blend}
cd "$2"
ln -sfn "$data/train" train
cat "$data/train.csv" >train.csv

echo "== 5 folds, near-copies together"
"$TRAIN" folds --config "$here/emoji.yml" --group-by - --force
"$TRAIN" --config "$here/emoji.yml" --folds 0-4 --resume auto
"$TRAIN" --config "$here/emoji.yml" --folds 0-4 --predict-oof -o oof
"$BLEND" emoji oof/level1_train_emoji_f0_*.npy --data . --method equal

echo "== 30 % of the training labels removed; scored on all labels"
awk -F, 'BEGIN { OFS = ","; srand(1) }
	NR == 1 { print; next }
	{ n = split($2, l, " "); s = ""
	  for (i = 1; i <= n; i++) if (rand() >= 0.3) s = s (s == "" ? "" : " ") l[i]
	  print $1, s }' train.csv >train_missing.csv
for seed in 1 2; do
	for loss in binary_cross_entropy forgiving_loss; do
		run=$loss-$seed
		"$TRAIN" --config "$here/emoji.yml" --fold 0 --seed $seed --run "runs/$run" --resume auto \
			--num-epochs 4 --set 'scheduler.params.milestones=[3]' \
			--set train.csv=train_missing.csv --set "loss={name: $loss}"
		"$TRAIN" --config "$here/emoji.yml" --predict-oof -o "oof_$run" --weights "runs/$run/f0/last" --all
	done
done
