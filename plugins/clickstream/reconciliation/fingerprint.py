"""A set of records in three numbers that every engine computes alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

from clickstream.contract import records


class Fingerprint(NamedTuple):
    """Count of records, and the sums of hex digits 1-8 and 9-16 of their raw hashes.

    Safe below 2 * 10**9 records a query, where a signed 64-bit sum could overflow.
    """

    records: int = 0
    sum_1: int = 0
    sum_2: int = 0

    @classmethod
    def of(cls, raw_hashes: Iterable[str]) -> Self:
        """Fingerprint of raw records by their hashes."""
        count = sum_1 = sum_2 = 0
        for raw_hash in raw_hashes:
            first, second = records.fingerprint(raw_hash)
            count, sum_1, sum_2 = count + 1, sum_1 + first, sum_2 + second
        return cls(count, sum_1, sum_2)

    def plus(self, other: Fingerprint) -> Fingerprint:
        """Fingerprint of two sets together."""
        return Fingerprint(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))
