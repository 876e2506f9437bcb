"""How much usually arrives in an hour, by what the ledger says of the same hour before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from clickstream.lake.windows import parse_hour
from clickstream.quality.suites import Usual
from clickstream.reconciliation.entry import Entry

NORMAL = 1.4826
"""Makes a median of distances a standard deviation, where the numbers are spread normally."""


@dataclass(frozen=True)
class Volume:
    """An hour's records against the usual number.

    Attributes:
        usual: median of the hours that it is compared with; None when there are none.
        usual_hours: how many these are.
        of_usual: records / usual.
        deviations: how far the hour is from the usual number, in robust standard deviations of these hours (1.4826
            times the median of their distances from the median); None where they are all alike.
            https://en.wikipedia.org/wiki/Median_absolute_deviation
    """

    usual: float | None = None
    usual_hours: int = 0
    of_usual: float | None = None
    deviations: float | None = None

    def told(self) -> dict[str, float | int | None]:
        """As columns of a row."""
        return {
            "usual": self.usual,
            "usual_hours": self.usual_hours,
            "of_usual": self.of_usual,
            "deviations": self.deviations,
        }


def volumes(hours: Iterable[str], current: Mapping[datetime, Entry], usual: Usual | None) -> dict[str, Volume]:
    """The volume of each of some hours.

    Args:
        hours: arrival hours, each with an entry.
        current: the current entry of each hour.
        usual: which hours they are compared with; None: with none.
    """
    return {hour: _volume(parse_hour(hour), current, usual) for hour in hours}


def _volume(hour: datetime, current: Mapping[datetime, Entry], usual: Usual | None) -> Volume:
    if usual is None:
        return Volume()
    apart = timedelta(hours=usual.hours_apart)
    before = [current[at] for n in range(1, usual.times + 1) if (at := hour - n * apart) in current]
    if not before:
        return Volume()
    counts, records = [entry.bronze.records for entry in before], current[hour].bronze.records
    middle = median(counts)
    spread = NORMAL * median(abs(count - middle) for count in counts)
    return Volume(
        usual=middle,
        usual_hours=len(counts),
        of_usual=records / middle if middle else None,
        deviations=abs(records - middle) / spread if spread else None,
    )
