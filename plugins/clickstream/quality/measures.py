"""From what Athena answered to the rows that expectations are held against, a table for each tier.

A row's `about` says what it speaks of: docs/quality.md lists the rows and their columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, Table, TextOf, render
from clickstream.quality.suites import Measures
from clickstream.quality.volume import Volume
from clickstream.sources.model import Source

Answer = Sequence[Mapping[str, str | None]]
Row = dict[str, str | int | float | None]

FATES = ("good", "filtered", "quarantined", "duplicate")
NO_CONSENT = "no_consent"


def silver_query(place: Place, source: Source, measures: Measures, hours: Collection[str], silver_snapshot: int) -> str:
    """The query that measures Silver.

    Args:
        hours: arrival hours; there is one at least.
    """
    return render(
        "silver_measures",
        silver=Table(place.database, source.table("silver")),
        silver_snapshot=silver_snapshot,
        hours=sorted(hours),
        kind=Column(measures.kind) if measures.kind else "",
        names=measures.columns,
        texts=[TextOf(name) for name in measures.columns],
        values_of=measures.values_of,
    )


def bronze_rows(source: Source, fates: Answer, hours: Collection[str], volumes: Mapping[str, Volume]) -> list[Row]:
    """What became of Bronze's records.

    Args:
        fates: rows of `fates.sql`.
        hours: arrival hours; one that the rows do not name has no records.
        volumes: what usually arrives, by arrival hour.
    """
    by_fate: dict[str, Counter[str]] = {hour: Counter() for hour in hours}
    by_reason: dict[str, Counter[str]] = {hour: Counter() for hour in hours}
    for row in fates:
        if (hour := row["arrival_hour"] or "") in by_fate:
            by_fate[hour][row["fate"] or ""] += int(row["records"] or 0)
            if reason := row["reason"]:
                by_reason[hour][reason] += int(row["records"] or 0)
    rows: list[Row] = []
    for hour in sorted(hours):
        rows.append({**_span(hour), "about": "hour", "records": by_fate[hour].total(), **volumes[hour].told()})
    expected = (NO_CONSENT,) if source.events.consent else ()
    for about, counts, names in (("fate", by_fate, FATES), ("reason", by_reason, expected)):
        for span in (None, *sorted(hours)):
            within = [span] if span else hours
            records = sum(by_fate[hour].total() for hour in within)
            counted = sum((counts[hour] for hour in within), Counter[str]())
            for name in sorted({*names, *counted}):
                rows.append({**_span(span), "about": about, "name": name, **_share(counted[name], records)})
    return rows


def silver_rows(source: Source, measures: Measures, answer: Answer) -> list[Row]:
    """What Silver's records are like.

    Args:
        answer: to `silver_query`.
    """
    totals = {
        (row["arrival_hour"], row["name"]): int(row["records"] or 0) for row in answer if row["about"] == "column"
    }
    rows: list[Row] = []
    for row in answer:
        records = int(row["records"] or 0)
        told: Row = {**_span(row["arrival_hour"]), "about": row["about"], "name": row["name"]}
        if row["about"] == "value":
            told |= {"value": row["value"] or "", **_share(records, totals[row["arrival_hour"], row["name"]])}
        else:
            told |= {"kind": row["kind"], "records": records, **_column(row, records)}
        rows.append(told)
    return rows + _steps(source, measures, answer)


def schema_rows(declared: Mapping[str, Any], live: Mapping[str, Any] | None) -> list[Row]:
    """A table's columns as they are declared and as they are.

    Args:
        declared, live: settings of the table's resource; no live ones when there is no table.
    """
    sides = [
        {key.removeprefix("column "): kind for key, kind in settings.items() if key.startswith("column ")}
        for settings in (declared, live or {})
    ]
    return [
        {
            "about": "schema",
            "name": name,
            "declared": sides[0].get(name, "absent"),
            "found": sides[1].get(name, "absent"),
        }
        for name in sorted({*sides[0], *sides[1]})
    ]


def _steps(source: Source, measures: Measures, answer: Answer) -> list[Row]:
    """The steps of the funnel: events of each, against those of the step before."""
    if source.gold is None or source.gold.event_type != measures.kind:
        return []
    kinds = {row["kind"]: int(row["records"] or 0) for row in answer if row["about"] == "kind"}
    before, rows = sum(kinds.values()), list[Row]()
    for step in source.gold.funnel:
        events = sum(kinds.get(kind, 0) for kind in step.event_types)
        rows.append({**_span(None), "about": "step", "name": step.name, **_share(events, before)})
        before = events
    return rows


def _span(hour: str | None) -> Row:
    return {"span": "hour", "arrival_hour": hour} if hour else {"span": "window", "arrival_hour": "all"}


def _share(count: int, records: int) -> Row:
    return {"records": records, "count": count, "share": count / records if records else None}


def _column(row: Mapping[str, str | None], records: int) -> Row:
    filled, different = int(row["filled"] or 0), int(row["different"] or 0)
    return {
        "filled": filled / records,
        "different": different,
        "distinct": different / filled if filled else None,
        **{name: float(row[name] or 0) if row[name] is not None else None for name in ("lowest", "highest", "mean")},
    }
