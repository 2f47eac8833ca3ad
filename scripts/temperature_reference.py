"""The golden numbers of `crates/nn-metrics/src/temperature.rs`, with 40 decimal digits.

Twenty rows with the logits (0, m) of two classes: ten with m = 2, of which seven belong to the
second class, and ten with m = 6, of which nine do. The temperature T minimizes the log loss; the
derivative of the log loss with respect to 1/T is set to 0 by bisection.

    python3 scripts/temperature_reference.py
"""

from decimal import Decimal, getcontext

getcontext().prec = 40

# The signed logit of each row: positive if the row belongs to the likelier class.
ROWS = [Decimal(2)] * 7 + [Decimal(-2)] * 3 + [Decimal(6)] * 9 + [Decimal(-6)]


def loss(beta):
    return sum((1 + (-beta * z).exp()).ln() for z in ROWS) / len(ROWS)


def derivative(beta):
    return -sum(z / (1 + (beta * z).exp()) for z in ROWS)


low, high = Decimal("0.05"), Decimal(20)
for _ in range(130):
    middle = (low + high) / 2
    low, high = (low, middle) if derivative(middle) > 0 else (middle, high)

print("temperature ", 1 / low)
print("log loss    ", loss(low))
print("uncalibrated", loss(Decimal(1)))
