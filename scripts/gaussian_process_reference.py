# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy==2.4.6"]
# ///
"""Golden numbers from NumPy for the Gaussian process of nn-search.

Prints what the test `posterior_and_likelihood_agree_with_numpy` in
crates/nn-search/src/gaussian_process.rs holds. The kernel is written as in
Rasmussen & Williams 2006, equation 4.17, the posterior with a plain matrix
inverse instead of a Cholesky factor.

    usage: python gaussian_process_reference.py
"""

import numpy as np

INPUTS = np.array([[0.1, 0.2], [0.4, 0.9], [0.8, 0.3], [0.6, 0.6], [0.95, 0.05]])
TARGETS = np.array([0.5, -1.2, 0.3, -0.4, 0.8])
LENGTH_SCALES = np.array([0.3, 0.7])
SIGNAL_VARIANCE = 1.5
NOISE_VARIANCE = 0.01
QUERIES = np.array([[0.5, 0.5], [0.1, 0.2], [0.0, 1.0]])


def kernel(a, b):
    difference = (a[:, None, :] - b[None, :, :]) / LENGTH_SCALES
    root = np.sqrt(5 * np.sum(difference**2, axis=-1))
    return SIGNAL_VARIANCE * (1 + root + root**2 / 3) * np.exp(-root)


covariance = kernel(INPUTS, INPUTS) + NOISE_VARIANCE * np.eye(len(INPUTS))
inverse = np.linalg.inv(covariance)
cross = kernel(QUERIES, INPUTS)
print("means", *(cross @ inverse @ TARGETS))
print("variances", *(SIGNAL_VARIANCE - np.sum(cross @ inverse * cross, axis=1)))
_, log_determinant = np.linalg.slogdet(covariance)
log_likelihood = -0.5 * (
    TARGETS @ inverse @ TARGETS + log_determinant + len(TARGETS) * np.log(2 * np.pi)
)
print("log likelihood", log_likelihood)
