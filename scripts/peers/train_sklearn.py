# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "safetensors", "scikit-learn"]
# ///
"""scikit-learn's MLPClassifier, as it comes."""

import time
import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import mnist


class Stopwatch(MLPClassifier):
    """Starts from given weights and notes when each epoch ends.

    `_init_coef` and `_update_no_improvement_count` are where scikit-learn
    draws a layer's weights and ends an epoch; `partial_fit`, which does one
    epoch a call, would check all rows again each time.
    """

    def _init_coef(self, fan_in, fan_out, dtype):
        weights, bias = next(self.given)
        return weights.copy(), bias

    def _update_no_improvement_count(self, *arguments):
        super()._update_no_improvement_count(*arguments)
        self.ends.append(time.perf_counter())
        if self.ends[-1] - self.start > self.limit:
            raise KeyboardInterrupt  # which MLPClassifier takes for the end of training


def main():
    args = mnist.arguments()
    x, y, x_test, y_test = mnist.load(args.data, args.rows)
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", message="Training interrupted by user")
    network = Stopwatch(
        hidden_layer_sizes=args.layers[1:-1],
        activation={"relu": "relu", "sigmoid": "logistic"}[args.activation],
        solver=args.optimizer,
        learning_rate_init=args.lr,
        batch_size=args.batch,
        max_iter=args.epochs,
        alpha=0,
        momentum=0,
        tol=0,
        n_iter_no_change=args.epochs + 1,
        shuffle=args.batch != args.rows,
        random_state=args.seed,
    )
    network.given = iter(mnist.initial_weights(args))
    network.limit = args.limit
    network.ends = []
    network.start = time.perf_counter()
    network.fit(x, y)
    seconds = np.diff([network.start, *network.ends]).tolist()
    right = np.mean(network.predict(x_test) == y_test)
    mnist.report("scikit-learn", sklearn.__version__, seconds, float(right))


main()
