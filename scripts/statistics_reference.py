"""Statistical tests of SciPy and statsmodels for the tests of nn-metrics.

    pip install scipy statsmodels
    python scripts/statistics_reference.py > crates/nn-metrics/tests/it/scipy.json
"""

import json

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests


def mean_case(values):
    test = stats.ttest_1samp(values, 0.0)
    interval = test.confidence_interval(0.95)
    return {
        "values": values.tolist(),
        "mean": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)),
        "interval": [float(interval.low), float(interval.high)],
        "p_value": float(test.pvalue),
        **corrected(values),
    }


def corrected(values):
    """The corrected resampled t-test of Nadeau and Bengio for K folds."""
    n = len(values)
    error = np.std(values, ddof=1) * np.sqrt(1 / n + 1 / (n - 1))
    half = stats.t.ppf(0.975, n - 1) * error
    mean = np.mean(values)
    return {
        "fold_interval": [float(mean - half), float(mean + half)],
        "fold_p_value": float(2 * stats.t.sf(abs(mean) / error, n - 1)),
    }


def mcnemar_case(only_first, only_second):
    test = mcnemar([[50, only_first], [only_second, 7]], exact=True)
    return {"counts": [only_first, only_second], "p_value": float(test.pvalue)}


def main():
    random = np.random.default_rng(11)
    means = [
        mean_case(random.normal(shift, 1.0, n))
        for n, shift in [(2, 0.3), (3, 1.0), (5, -2.0), (10, 0.5), (31, 0.1), (2000, 0.1)]
    ]
    pairs = [(0, 1), (0, 10), (3, 9), (9, 3), (12, 14), (40, 75), (400, 520), (5000, 5300)]
    families = [[0.01, 0.04, 0.03], [0.5, 0.9, 0.7, 0.2], [1e-6, 0.02, 0.02, 0.011, 0.3]]
    holm = [
        {"p_values": family, "adjusted": multipletests(family, method="holm")[1].tolist()}
        for family in families
    ]
    print(json.dumps({"means": means, "mcnemar": [mcnemar_case(*pair) for pair in pairs], "holm": holm}))


main()
