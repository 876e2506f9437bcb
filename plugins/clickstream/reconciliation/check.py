"""The check: what the queries and listings say, hour by hour, as findings and a state.

Everything here is decided from evidence gathered by others; this module reads no service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clickstream.lake.listing import StoredObject
from clickstream.lake.place import Place
from clickstream.lake.queries import Table, render
from clickstream.lake.windows import HOUR, hour_text, parse_hour
from clickstream.reconciliation.bronze_records import bronze_records
from clickstream.reconciliation.entry import PASSED, Entry
from clickstream.reconciliation.fates import HourFates
from clickstream.reconciliation.findings import Finding
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.manifest import Manifest
from clickstream.reconciliation.plan import Plan
from clickstream.sources.model import Source

Row = Mapping[str, str | None]

_OFFENCES = {
    "winner_missing": "duplicates name a winner that Silver does not hold",
    "event_id_not_unique": "event ids stand more than once on one event date in Silver",
}


@dataclass(frozen=True)
class Evidence:
    """The answers to the check's queries, as rows.

    Attributes:
        before, after: fates by arrival hour at the snapshots before and after the run.
        identity: rows of `identity.sql`.
        witnesses: rows of `witnesses.sql`.
        receipts: rows of `receipts.sql`; none for a source without the producer tier.
        acknowledged: records that the producer was promised, by hour.
    """

    before: Mapping[str, HourFates]
    after: Mapping[str, HourFates]
    identity: Sequence[Row] = ()
    witnesses: Sequence[Row] = ()
    receipts: Sequence[Row] = ()
    acknowledged: Mapping[str, int] = field(default_factory=dict)


def fates_query(place: Place, source: Source, plan: Plan, silver_snapshot: int, rejects_snapshot: int) -> str:
    """The query that counts fates over the plan's span at two snapshots."""
    first_hour, last_hour = plan.counted
    return render(
        "fates",
        **_tables(place, source),
        silver_snapshot=silver_snapshot,
        rejects_snapshot=rejects_snapshot,
        first_hour=first_hour,
        last_hour=last_hour,
    )


def check_queries(
    place: Place,
    source: Source,
    hours: Sequence[str],
    unreadable: Sequence[str],
    unprocessed: Sequence[str],
    silver_snapshot: int,
    rejects_snapshot: int,
) -> dict[str, str]:
    """The queries that check some hours at two snapshots, by name.

    Args:
        hours: the hours to check.
        unreadable: keys of objects that Athena cannot read.
        unprocessed: those of `hours_before(hours)` that no run has processed.
    """
    at: dict[str, Any] = {"silver_snapshot": silver_snapshot, "rejects_snapshot": rejects_snapshot}
    tables = _tables(place, source)
    queries = {
        "identity": render(
            "identity",
            **tables,
            **at,
            hours=hours,
            bronze_records=bronze_records(place, source, hours, unreadable),
            asks_consent=int(bool(source.events.consent)) + int(source.events.explicit_consent),
        ),
        "witnesses": render("witnesses", **tables, **at, hours=hours),
    }
    if "producer" in source.tiers:
        queries["receipts"] = render(
            "receipts",
            **tables,
            **at,
            receipts=Table(place.database, source.table("receipts")),
            hours=hours,
            processed_hours=sorted({*hours, *hours_before(hours)} - {*unprocessed}),
            bronze_records=bronze_records(place, source, unprocessed, unreadable),
        )
    return queries


def hours_before(hours: Sequence[str]) -> list[str]:
    """The hours just before some hours that are not among these themselves."""
    return sorted({hour_text(parse_hour(hour) - HOUR) for hour in hours} - {*hours})


def provable(plan: Plan, current: Mapping[datetime, Entry], hours: Iterable[str]) -> list[str]:
    """Those of a run's hours that are proven: all of a final run, else those that were proven before."""
    return [hour for hour in hours if plan.final or _was_proven(current.get(parse_hour(hour)))]


def _was_proven(entry: Entry | None) -> bool:
    # An hour with a lost object cannot be counted as a whole: its rows may be in Silver still, or not.
    return entry is not None and (entry.state in PASSED or bool(entry.waivers))


def findings_by_hour(
    evidence: Evidence,
    manifests: Mapping[str, Manifest],
    proven: Collection[str],
    listings: Mapping[str, Sequence[StoredObject]],
) -> dict[str, list[Finding]]:
    """Everything that the evidence finds wrong with the checked hours.

    Args:
        manifests: by arrival hour, of every checked hour.
        proven: the hours that were asked for record by record; the others are counted.
        listings: the last listing of every checked hour, made after the queries' snapshots.
    """
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in (
        *_identity(evidence.identity, {hour: manifests[hour] for hour in proven if hour in manifests}, listings),
        *_counted(evidence.after, {hour: counted for hour, counted in manifests.items() if hour not in proven}),
        *_offences(evidence.witnesses),
        *_receipts(evidence.receipts, evidence.acknowledged),
        *_conflicts(evidence.after, manifests),
        *_unchecked(evidence.before, evidence.after, manifests),
    ):
        found[finding.arrival_hour].append(finding)
    return found


def _identity(
    rows: Iterable[Row], manifests: Mapping[str, Manifest], listings: Mapping[str, Sequence[StoredObject]]
) -> Iterable[Finding]:
    by_object = {(row["arrival_hour"], row["object_id"]): row for row in rows}
    for hour, manifest in manifests.items():
        for counted in manifest.objects:
            row = by_object.pop((hour, counted.key), {})
            if counted.unreadable:
                yield Finding(
                    arrival_hour=hour,
                    code="records_unknown",
                    object=counted.key,
                    records=counted.content.records,
                    found=counted.content.records,
                    text=f"{counted.key} breaks off after {counted.content.records} records: what followed is unknown",
                )
            in_bronze = counted.content if counted.unreadable else _held(row, "bronze")
            if not in_bronze == _held(row, "lake") == counted.content:
                yield _unaccounted(hour, counted.key, counted.content, row)
            elif row:
                yield from _differences(hour, counted.key, row)
        for counted in manifest.lost:
            # Its rows are in Silver and rejects until the hour is processed again: all of them or none.
            row = by_object.pop((hour, counted.key), {})
            if _held(row, "lake") not in (Fingerprint(), counted.content):
                yield _unaccounted(hour, counted.key, counted.content, row)
    listed = {(hour, stored.key) for hour, listing in listings.items() for stored in listing}
    for (at, key), row in by_object.items():
        # An object that came after the count is a late change; records of one that is nowhere listed are not.
        if _held(row, "lake").records or (at, key) not in listed:
            yield _unaccounted(at or "", key or "", Fingerprint(), row)


def _counted(after: Mapping[str, HourFates], manifests: Mapping[str, Manifest]) -> Iterable[Finding]:
    for hour, manifest in manifests.items():
        held = after.get(hour, HourFates())
        in_lake = held.silver.plus(held.rejects)
        if in_lake != manifest.content:
            yield Finding(
                arrival_hour=hour,
                code="records_unaccounted",
                records=abs(manifest.content.records - in_lake.records),
                text=f"{manifest.content.records} records in the manifest, "
                f"{in_lake.records} in Silver and rejects together",
            )


def _held(row: Row, side: str) -> Fingerprint:
    return Fingerprint(
        int(row.get(f"{side}_records") or 0), int(row.get(f"{side}_sum_1") or 0), int(row.get(f"{side}_sum_2") or 0)
    )


def _unaccounted(hour: str, key: str, expected: Fingerprint, row: Row) -> Finding:
    in_bronze, in_lake = _held(row, "bronze").records, _held(row, "lake").records
    return Finding(
        arrival_hour=hour,
        code="records_unaccounted",
        object=key,
        records=int(row.get("unaccounted") or 0) or expected.records,
        samples=_samples(row.get("unaccounted_ids")) or _samples(row.get("unaccounted_hashes")),
        text=f"{key}: {expected.records} records in the manifest, {in_bronze} in Bronze, "
        f"{in_lake} in Silver and rejects together",
    )


def _differences(hour: str, key: str, row: Row) -> Iterable[Finding]:
    for code, count, samples, text in (
        ("event_id_differs", "other_ids", "other_id_hashes", "records have another event id than SQL reads in Bronze"),
        ("consent_differs", "other_consents", "other_consent_hashes", "records were not filtered by their consent"),
    ):
        if records := int(row.get(count) or 0):
            yield Finding.model_validate(
                {
                    "arrival_hour": hour,
                    "code": code,
                    "object": key,
                    "records": records,
                    "samples": _samples(row.get(samples)),
                    "text": f"{key}: {records} {text}",
                }
            )


def _offences(rows: Iterable[Row]) -> Iterable[Finding]:
    for row in rows:
        offence, records = row["offence"] or "", int(row["records"] or 0)
        yield Finding.model_validate(
            {
                "arrival_hour": row["arrival_hour"],
                "code": offence,
                "records": records,
                "samples": _samples(row["event_ids"]),
                "text": f"{records} {_OFFENCES[offence]}",
            }
        )


def _receipts(rows: Iterable[Row], acknowledged: Mapping[str, int]) -> Iterable[Finding]:
    for row in rows:
        hour, records = row["arrival_hour"] or "", int(row["records"] or 0)
        promised = acknowledged.get(hour)
        yield Finding(
            arrival_hour=hour,
            code="acknowledged_missing",
            records=records,
            expected=promised,
            found=None if promised is None else promised - records,
            samples=_samples(row["raw_hashes"]),
            text=f"{records} records were acknowledged to the producer and are not in the lake",
        )


def _conflicts(after: Mapping[str, HourFates], manifests: Mapping[str, Manifest]) -> Iterable[Finding]:
    for hour in manifests:
        if records := after.get(hour, HourFates()).reasons["conflict"]:
            yield Finding(
                arrival_hour=hour,
                code="conflicting_copies",
                records=records,
                text=f"{records} copies differ from the event that was kept; the earliest was kept",
            )


def _unchecked(
    before: Mapping[str, HourFates], after: Mapping[str, HourFates], manifests: Mapping[str, Manifest]
) -> Iterable[Finding]:
    for hour in sorted({*before, *after} - {*manifests}):
        was, is_now = before.get(hour, HourFates()), after.get(hour, HourFates())
        if was != is_now:
            yield Finding(
                arrival_hour=hour,
                code="changed_unchecked",
                records=abs(is_now.silver.records - was.silver.records),
                text="the run changed this hour in Silver or rejects without naming it",
            )


def _samples(text: str | None) -> tuple[str, ...]:
    return tuple(text.split("\x1f")) if text else ()


def _tables(place: Place, source: Source) -> dict[str, Any]:
    return {kind: Table(place.database, source.table(kind)) for kind in ("silver", "rejects")}
