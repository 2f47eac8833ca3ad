"""Metrics of scikit-learn for the tests of nn-metrics.

    python scripts/metrics_reference.py > crates/nn-metrics/tests/it/scikit_learn.json
"""

import json

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

N_BINS = 15


def calibration_error(is_positive, probability):
    frequencies, means = calibration_curve(is_positive, probability, n_bins=N_BINS)
    edges = np.linspace(0.0, 1.0, N_BINS + 1)
    bins = np.searchsorted(edges[1:-1], probability)
    counts = np.bincount(bins, minlength=N_BINS)
    counts = counts[counts > 0]
    return float(np.sum(counts * np.abs(frequencies - means)) / len(probability))


def one_versus_rest(metric, classes, scores, weights):
    if scores.shape[1] == 2:
        return float(metric(classes, scores[:, 1], sample_weight=weights))
    occurring = [k for k in range(scores.shape[1]) if np.any(classes == k)]
    return float(
        np.mean([metric(classes == k, scores[:, k], sample_weight=weights) for k in occurring])
    )


def case(name, classes, scores, weights=None):
    n_classes = scores.shape[1]
    predicted = scores.argmax(axis=1)
    labels = list(range(n_classes))
    if n_classes == 2:
        calibration = calibration_error(classes == 1, scores[:, 1])
    else:
        calibration = calibration_error(classes == predicted, scores.max(axis=1))
    return {
        "name": name,
        "classes": classes.tolist(),
        "scores": scores.ravel().tolist(),
        "n_classes": n_classes,
        "predicted": predicted.tolist(),
        "weights": None if weights is None else weights.tolist(),
        "accuracy": metrics.accuracy_score(classes, predicted, sample_weight=weights),
        "auc": one_versus_rest(metrics.roc_auc_score, classes, scores, weights),
        "average_precision": one_versus_rest(
            metrics.average_precision_score, classes, scores, weights
        ),
        "balanced_accuracy": metrics.balanced_accuracy_score(
            classes, predicted, sample_weight=weights
        ),
        "macro_f1": metrics.f1_score(classes, predicted, average="macro", sample_weight=weights),
        "log_loss": metrics.log_loss(classes, scores, labels=labels, sample_weight=weights),
        "brier": metrics.brier_score_loss(
            classes if n_classes > 2 else classes == 1,
            scores if n_classes > 2 else scores[:, 1],
            labels=labels if n_classes > 2 else [False, True],
            sample_weight=weights,
        ),
        # scikit-learn's calibration curve has no weights.
        "calibration_error": calibration if weights is None else None,
    }


def probabilities(random, n_rows, n_classes, decimals):
    scores = random.dirichlet(np.full(n_classes, 0.7), n_rows)
    if decimals is not None:  # Ties.
        scores = np.round(scores, decimals) + 0.1
        scores /= scores.sum(axis=1, keepdims=True)
    return scores


def drawn(random, scores, n_occurring):
    """Classes that agree with the scores in about two thirds of the rows."""
    noise = random.dirichlet(np.full(scores.shape[1], 1.0), len(scores))
    return (scores + 0.7 * noise)[:, :n_occurring].argmax(axis=1)


def main():
    random = np.random.default_rng(7)
    cases = []
    for n_classes, n_occurring in [(2, 2), (3, 3), (5, 4)]:
        for decimals in [None, 1]:
            for has_weights in [False, True]:
                scores = probabilities(random, 60, n_classes, decimals)
                classes = drawn(random, scores, n_occurring)
                weights = random.choice([0.0, 0.5, 1.0, 3.25], 60) if has_weights else None
                name = f"{n_occurring} of {n_classes} classes"
                name += "" if decimals is None else ", ties"
                name += ", weights" if has_weights else ""
                cases.append(case(name, classes, scores, weights))
    certain = np.eye(3)[[0, 1, 2, 0, 1, 1]]
    cases.append(case("certain, one wrong", np.array([0, 1, 2, 0, 1, 2]), certain))

    is_true = random.random(40) < 0.3
    score = np.round(np.clip(0.3 * is_true + 0.7 * random.random(40), 0, 1), 2)
    false_rate, true_rate, _ = metrics.roc_curve(is_true, score, drop_intermediate=False)
    precision, recall, _ = metrics.precision_recall_curve(is_true, score)
    curves = {
        "scores": score.tolist(),
        "is_true": is_true.tolist(),
        "roc": [list(point) for point in zip(false_rate.tolist(), true_rate.tolist())],
        # scikit-learn adds the point (0, 1), and starts with the lowest threshold.
        "precision_recall": [
            list(point) for point in zip(recall.tolist()[-2::-1], precision.tolist()[-2::-1])
        ],
        "f1": metrics.f1_score(is_true, score >= 0.4),
        "balanced_accuracy": metrics.balanced_accuracy_score(is_true, score >= 0.4),
        "best_balanced_accuracy": max(
            metrics.balanced_accuracy_score(is_true, score >= threshold)
            for threshold in np.unique(score)
        ),
    }
    print(json.dumps({"cases": cases, "curves": curves}))


main()
