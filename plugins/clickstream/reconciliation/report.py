"""How a source stands: hour by hour and date by date, from the ledger and the live listing alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from clickstream.lake.listing import list_bronze
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, hour_of, hour_text
from clickstream.producer.heartbeat import HEARTBEAT
from clickstream.producer.receipt import list_parts
from clickstream.reconciliation.entry import PASSED, DateEntry, Entry, State, Tiers
from clickstream.reconciliation.ledger import DateLedger, Ledger
from clickstream.reconciliation.ledger_index import LedgerIndex
from clickstream.reconciliation.manifest import listing_digest
from clickstream.reconciliation.progress import current_dates, current_entries, is_late, verified_through
from clickstream.sources.model import Source

WORST_FIRST: tuple[State, ...] = ("failed", "late_change", "open", "provisional", "excepted", "verified")


def source_report(place: Place, source: Source) -> dict[str, Any]:
    """The standing of one source.

    Returns:
        `{"verified_through": hour or None, "hours": [...], "dates": [...]}`, as `make status JSON=1` prints it.

    Raises:
        LedgerBroken: the evidence does not hold.
    """
    ledger = Ledger(place.s3, place.evidence, source.name)
    current = current_entries(LedgerIndex(ledger, place.lake).read())
    passed = [hour for hour, entry in current.items() if entry.state in PASSED]
    listings = list_bronze(place, source, passed)
    late = {hour for hour in passed if is_late(current[hour], listing_digest(listings[hour]))}
    reached = verified_through(source.verify_from, current, late)
    states = {hour: _state(current.get(hour), hour in late) for hour in _hours(place, source, current)}
    return {
        "verified_through": hour_text(reached) if reached else None,
        "hours": [_hour(ledger, source, hour, state, current.get(hour)) for hour, state in states.items()],
        "dates": _dates(source, current, states, gold_of(place, source)),
    }


def gold_of(place: Place, source: Source) -> dict[date, DateEntry]:
    """The current entry of each event date; none for a source without Gold."""
    if source.gold is None:
        return {}
    return current_dates(LedgerIndex(DateLedger(place.s3, place.evidence, source.name), place.lake).read())


def _hours(place: Place, source: Source, current: Mapping[datetime, Entry]) -> Iterable[datetime]:
    """From `verify_from` to the last hour that has an entry, is scheduled, or got more than heartbeats."""
    ends = [source.verify_from, *current]
    if source.verify_until:
        ends.append(source.verify_until - HOUR)
    if "producer" in source.tiers:
        parts = list_parts(place.s3, place.evidence, source.name)
        ends += [hour_of(part.first) for part in parts if part.purpose != HEARTBEAT]
    hour, last = source.verify_from, max(ends)
    while hour <= last:
        yield hour
        hour += HOUR


def _state(entry: Entry | None, late: bool) -> State:
    if entry is None:
        return "open"
    return "late_change" if late else entry.state


def _hour(ledger: Ledger, source: Source, hour: datetime, state: State, entry: Entry | None) -> dict[str, Any]:
    return {
        "arrival_hour": hour_text(hour),
        "state": state,
        "tiers": (entry.tiers if entry else Tiers()).model_dump(),
        "producer_unknown": entry.producer_unknown if entry else 0,
        "fates": {
            fate: entry.fates.get(fate, 0) if entry else 0 for fate in ("good", "filtered", "quarantined", "duplicate")
        },
        "reasons": entry.reasons if entry else {},
        "causes": list(entry.causes) if entry else [],
        "findings": entry.findings if entry else None,
        "waivers": [waiver.model_dump(mode="json") for waiver in entry.waivers] if entry else [],
        "evidence": ledger.key(entry.sequence) if entry else None,
    }


def _dates(
    source: Source,
    current: Mapping[datetime, Entry],
    states: Mapping[datetime, State],
    gold: Mapping[date, DateEntry],
) -> list[dict[str, Any]]:
    """Good records by event date, and what Gold accounts for.

    A date is as good as the worst hour that holds any of its records or lies in it, and as its Gold.
    """
    silver: Counter[str] = Counter()
    concerned: dict[str, set[State]] = {}
    for hour, entry in current.items():
        for day, records in entry.event_dates.items():
            silver[day] += records
            concerned.setdefault(day, set()).add(states[hour])
    for hour, state in states.items():
        day = hour_text(hour)[:10]
        if day in concerned:
            concerned[day].add(state)
    told = []
    for day, found in sorted(concerned.items()):
        made = gold.get(date.fromisoformat(day))
        if source.gold:
            found.add(_state_of_gold(made, silver[day]))
        told.append(
            {
                "event_date": day,
                "silver": silver[day],
                "gold": {source.table(kind): records for kind, records in made.gold.items()} if made else {},
                "without_session": made.without_session if made else 0,
                "state": next(state for state in WORST_FIRST if state in found),
            }
        )
    return told


def _state_of_gold(made: DateEntry | None, silver: int) -> State:
    """The state of an event date in Gold: a pass is out of date when the hours hold another number of its records."""
    if made is None:
        return "open"
    return "late_change" if made.state in PASSED and made.silver.records != silver else made.state
