# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "safetensors", "scikit-learn"]
# ///
"""scikit-learn's MLPClassifier and MLPRegressor with their usual code."""

import time
import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import workload


class Stopwatch:
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
            raise KeyboardInterrupt  # which ends the training


class Classifier(Stopwatch, MLPClassifier):
    pass


class Regressor(Stopwatch, MLPRegressor):
    pass


def main():
    args = workload.arguments()
    x, y, x_test, y_test = workload.load(args.data, args.rows, args.layers[0])
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", message="Training interrupted by user")
    network = {"cross-entropy": Classifier, "mse": Regressor}[args.loss](
        hidden_layer_sizes=args.layers[1:-1],
        activation={"relu": "relu", "sigmoid": "logistic", "tanh": "tanh"}[args.activation],
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
    network.given = iter(workload.initial_weights(args))
    network.limit = args.limit
    network.ends = []
    network.start = time.perf_counter()
    network.fit(x, y.squeeze())
    seconds = np.diff([network.start, *network.ends]).tolist()
    if args.loss == "mse":
        outputs = network.predict(x_test).reshape(y_test.shape)
    else:
        outputs = network.predict_proba(x_test)
    workload.report("scikit-learn", sklearn.__version__, seconds, outputs, y_test)


main()
