"""Breaking measured rows, so that an expectation fails of them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from clickstream.quality.measures import Row
from clickstream.quality.validation import Validation

Where = dict[str, Any]
Broken = Mapping[str, tuple[Where, Row]]
"""What breaks each expectation: the rows that are changed, and how."""


def rounds(broken: Broken, good: list[Row]) -> list[tuple[set[str], list[Row]]]:
    """Broken rows, and the expectations that they break: as many at once as do not touch the same figure."""
    left, made = dict(broken), []
    while left:
        rows, names, touched = deepcopy(good), set[str](), set[tuple[int, str]]()
        for name, (where, change) in list(left.items()):
            places = {(at, key) for at in _found(good, where) for key in change}
            if not places & touched:
                touched |= places
                names.add(name)
                del left[name]
                for at, key in places:
                    rows[at][key] = change[key]
        made.append((names, rows))
    return made


def _found(good: list[Row], where: Where) -> list[int]:
    """Which rows these are: those of all hours together, or of none, where there are such."""
    rows = [at for at, row in enumerate(good) if all(row.get(key) == value for key, value in where.items())]
    assert rows
    return [at for at in rows if good[at].get("span") != "hour" or good[at]["about"] == "hour"]


def failed(result: Validation) -> set[str]:
    return {name for names in result.failed.values() for name in names}
