"""Fates by arrival hour: the rows of `fates.sql`, folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.fingerprint import Fingerprint

NOTHING = Fingerprint()


@dataclass
class HourFates:
    """What Silver and rejects hold of one arrival hour."""

    fates: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    event_dates: Counter[str] = field(default_factory=Counter)
    silver: Fingerprint = NOTHING
    rejects: Fingerprint = NOTHING

    def agrees_with(self, entry: Entry) -> bool:
        """Whether the tables hold what the entry says they held."""
        return (
            (self.silver, self.rejects) == (entry.silver, entry.rejects)
            and +self.fates == +Counter(entry.fates)
            and dict(self.reasons) == entry.reasons
        )


def fold_fates(rows: Iterable[Mapping[str, str | None]]) -> dict[str, HourFates]:
    """The rows of `fates.sql` by arrival hour."""
    hours: dict[str, HourFates] = {}
    for row in rows:
        hour = hours.setdefault(row["arrival_hour"] or "", HourFates())
        fate, records = row["fate"] or "", int(row["records"] or 0)
        held = Fingerprint(records, int(row["sum_1"] or 0), int(row["sum_2"] or 0))
        hour.fates[fate] += records
        if fate == "good":
            hour.event_dates[row["event_date"] or ""] += records
            hour.silver = hour.silver.plus(held)
        else:
            hour.reasons[row["reason"] or ""] += records
            hour.rejects = hour.rejects.plus(held)
    return hours
