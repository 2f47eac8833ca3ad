"""Is Bayesian search better than random search, at equal trials?

Runs `nn search` twice for every seed, once with each strategy, on the first
10 000 training samples of MNIST, and compares the best validation loss that
each has found. Everything but the strategy is the same: the space, the number
of trials, the division of the samples, the initial weights.

    python3 scripts/compare_search_strategies.py --nn target/debug/nn \
        --data-dir datasets --seeds 0..9

Needs nothing but Python. Searches that were cut short go on.
"""

import argparse
import json
import pathlib
import subprocess
import sys

STRATEGIES = ["bayesian", "random"]

# The default space of `nn search`, but small networks and no batches of 16, so
# that a trial takes less than a second.
SPACE = ("lr=log:1e-4..1,optimizer=sgd|momentum|adam,hidden=int-log:16..128,"
         "batch-size=32|64|128,dropout=0..0.5")


def main():
    options = arguments()
    rows = []
    for seed in options.seeds:
        found = [search(options, strategy, seed) for strategy in STRATEGIES]
        rows.append((seed, *found))
        print(f"seed {seed}: {found[0]['best']['validation_loss']:.4f} "
              f"{found[1]['best']['validation_loss']:.4f}", file=sys.stderr, flush=True)
    print(table(rows))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nn", default="target/debug/nn", help="the program")
    parser.add_argument("--data-dir", default="datasets")
    parser.add_argument("--runs-dir", default="runs/strategies")
    parser.add_argument("--seeds", type=seeds, default=seeds("0..9"), help="A..B, both included")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--space", default=SPACE, help="as nn search takes it")
    return parser.parse_args()


def seeds(text):
    first, last = text.split("..")
    return range(int(first), int(last) + 1)


def search(options, strategy, seed):
    """The summary of one search."""
    name = f"{strategy.replace(':', '-')}-{seed}"
    command = [
        options.nn, "search", "--train-best=false", "--data=mnist", "--limit-train=10000",
        f"--epochs={options.epochs}", f"--trials={options.trials}", f"--strategy={strategy}",
        "--stopping=none", "--round=1", f"--seed={seed}", f"--name={name}", f"--runs-dir={options.runs_dir}",
        f"--data-dir={options.data_dir}", f"--threads={options.threads}", "--plain",
        f"--space={options.space}",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads(pathlib.Path(options.runs_dir, name, "summary.json").read_text())


def table(rows):
    """Markdown: a row a seed, and how often Bayesian search was better."""
    lines = [
        "| seed | Bayesian: loss | Bayesian: accuracy | random: loss | random: accuracy | better strategy |",
        "|---|---|---|---|---|---|",
    ]
    wins = 0
    for seed, bayesian, random in rows:
        ours, theirs = bayesian["best"], random["best"]
        won = ours["validation_loss"] < theirs["validation_loss"]
        wins += won
        lines.append(
            f"| {seed} | {ours['validation_loss']:.4f} | {percent(ours)} "
            f"| {theirs['validation_loss']:.4f} | {percent(theirs)} "
            f"| {'Bayesian' if won else 'random'} |"
        )
    lines.append(f"\nBayesian search was better in {wins} of {len(rows)} repeats.")
    return "\n".join(lines)


def percent(best):
    return f"{100 * best['validation_accuracy']:.1f} %"


if __name__ == "__main__":
    main()
