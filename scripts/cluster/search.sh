#!/bin/sh
# Four workers that share one hyperparameter search on this machine, with GNU parallel. With
# --sshlogin, parallel starts them on several machines that share the folder.
set -eu

NN=${NN:-nn}
WORKERS=${WORKERS:-4}
seq 0 $((WORKERS - 1)) |
    parallel --line-buffer --jobs "$WORKERS" \
        "$NN" search lr --worker "{}/$WORKERS" --threads 1 \
        --data glyphs --epochs 5 --trials 40 "$@"
"$NN" search lr --merge
