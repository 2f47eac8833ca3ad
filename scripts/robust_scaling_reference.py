# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Golden numbers from NumPy for the robust scaling of nn-table.

The formula is that of RealMLP (Holzmueller et al. 2024, "Better by Default",
section 3.1). Writes crates/nn-table/tests/golden/robust_scaling.json.

    usage: python robust_scaling_reference.py
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent.parent / "crates/nn-table/tests/golden/robust_scaling.json"

CASES = [
    [1.0, 2.0, 3.0, 4.0, 100.0],
    [-5.5, 0.25, 0.5, 7.0, 8.0, 9.75],
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    [4.0, 4.0],
    [1e-9, 2e-9, 5e9],
]


def scaled(values):
    x = np.array(values)
    scale = np.quantile(x, 0.75) - np.quantile(x, 0.25)
    if scale == 0:
        scale = (x.max() - x.min()) / 2
    if scale == 0:
        scale = 1.0
    z = (x - np.median(x)) / scale
    return (z / np.sqrt(1 + (z / 3) ** 2)).tolist()


def main():
    cases = [{"values": values, "scaled": scaled(values)} for values in CASES]
    made_by = f"scripts/robust_scaling_reference.py, NumPy {np.__version__}"
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps({"made_by": made_by, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
