#!/usr/bin/env python3
"""Random numbers as nn-tensor/src/random.rs defines them, from the definitions
of ChaCha (Bernstein 2008), Fisher and Yates, Marsaglia's polar method and the
rest, without code of ours and without a library.

Prints the golden values of the tests in nn-tensor/src/random.rs,
nn-samples/tests/it/split.rs and nn-core/src/stage/dropout.rs.  Needs nothing
but Python:

    python3 scripts/random_reference.py
"""

import math
import struct

SPLIT, SHUFFLE, DROPOUT, TEST = 3, 2, 4, 8
MASK = 0xFFFFFFFF


def chacha8_block(key: bytes, counter: int, stream: int) -> list[int]:
    """64 bytes as sixteen words: four double rounds."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    start += struct.unpack("<8I", key)
    start += [counter & MASK, counter >> 32, stream & MASK, stream >> 32]
    x = list(start)

    def rotate(word: int, n: int) -> int:
        return ((word << n) | (word >> (32 - n))) & MASK

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for source, target, n in ((b, d, 16), (d, b, 12), (b, d, 8), (d, b, 7)):
            first = a if target == d else c
            x[first] = (x[first] + x[source]) & MASK
            x[target] = rotate(x[target] ^ x[first], n)

    for _ in range(4):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return [(a + b) & MASK for a, b in zip(x, start)]


def portable_ln(x: float) -> float:
    """The series of the area tangent, in the order of operations of ours: a
    system's own logarithm may differ in the last bit."""
    mantissa, exponent = math.frexp(x)
    mantissa, exponent = 2 * mantissa, exponent - 1
    if mantissa > math.sqrt(2):
        mantissa, exponent = mantissa / 2, exponent + 1
    t = (mantissa - 1) / (mantissa + 1)
    series = 0.0
    for odd in range(23, 0, -2):
        series = series * (t * t) + 1 / odd
    return exponent * math.log(2) + 2 * t * series


class Stream:
    """A function of seed, purpose and index alone."""

    def __init__(self, seed: int, purpose: int, index: int) -> None:
        key = struct.pack("<Q", seed) + bytes(24)
        self.words = self._words(key, purpose << 56 | index)

    @staticmethod
    def _words(key: bytes, stream: int):
        counter = 0
        while True:
            yield from chacha8_block(key, counter, stream)
            counter += 1

    def bits(self) -> int:
        return next(self.words)

    def uniform(self) -> float:
        high, low = self.bits() >> 5, self.bits() >> 6
        return (high << 26 | low) / 2**53

    def below(self, limit: int) -> int:
        # The largest multiple of `limit` that fits into 32 bits.
        fair = 2**32 - 2**32 % limit
        while True:
            bits = self.bits()
            if bits < fair:
                return bits % limit

    def normal(self) -> float:
        while True:
            u, v = 2 * self.uniform() - 1, 2 * self.uniform() - 1
            s = u * u + v * v
            if 0 < s < 1:
                return u * math.sqrt(-2 * portable_ln(s) / s)

    def permutation(self, n: int) -> list[int]:
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


def split(n: int, share: float, stream: Stream) -> tuple[list[int], list[int]]:
    order = stream.permutation(n)
    n_held_back = round(n * share)
    return sorted(order[n_held_back:]), sorted(order[:n_held_back])


def split_stratified(
    classes: list[int], share: float, stream: Stream
) -> tuple[list[int], list[int]]:
    """Largest remainder; a class keeps its last position; equal remainders in
    the order in which their classes come up in the permutation."""
    order = stream.permutation(len(classes))
    members: dict[int, list[int]] = {}
    for position in order:
        members.setdefault(classes[position], []).append(position)
    quota = {c: len(rows) * share for c, rows in members.items()}
    take = {c: min(math.floor(q), len(members[c]) - 1) for c, q in quota.items()}
    missing = round(len(classes) * share) - sum(take.values())
    by_remainder = sorted(members, key=lambda c: -(quota[c] - math.floor(quota[c])))
    able = [c for c in by_remainder if take[c] < len(members[c]) - 1]
    for c in able[: max(missing, 0)]:
        take[c] += 1
    held_back = [row for c, rows in members.items() for row in rows[: take[c]]]
    return sorted(set(order) - set(held_back)), sorted(held_back)


def main() -> None:
    def stream(index: int) -> Stream:
        return Stream(42, TEST, index)

    first = stream(0)
    print("bits        ", [first.bits() for _ in range(2)])
    for index, draw in ((1, Stream.uniform), (2, Stream.normal)):
        source = stream(index)
        print(f"{draw.__name__:12}", [draw(source) for _ in range(5)])
    print("permutation ", stream(3).permutation(8))
    source = stream(4)
    print("below 2^31+1", [source.below(2**31 + 1) for _ in range(6)])
    source = stream(5)
    print("below 10    ", [source.below(10) for _ in range(12)])
    print("last stream ", Stream(2**64 - 1, TEST, 2**56 - 1).bits())
    print("split 12    ", split(12, 0.25, Stream(7, SPLIT, 0)))
    classes = [0] * 5 + [1] * 3 + [2] * 4 + [3]
    print("stratified  ", split_stratified(classes, 0.3, Stream(7, SPLIT, 0)))
    print("shuffle 3   ", Stream(7, SHUFFLE, 3).permutation(10))
    source = Stream(7, DROPOUT, 5)
    threshold = int(0.3 * 2**32)
    print("dropout 0.3 ", [int(source.bits() >= threshold) for _ in range(16)])


if __name__ == "__main__":
    main()
