"""Counting Bronze: the manifests of the hours that a run processes, and the plan file that its job reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from clickstream.contract.schema import Schema
from clickstream.lake.listing import StoredObject
from clickstream.lake.objects import split_uri
from clickstream.lake.place import Place
from clickstream.lake.queries import render
from clickstream.lake.windows import hour_text
from clickstream.reconciliation.bronze_records import bronze_records
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.manifest import CountedObject, Manifest
from clickstream.reconciliation.plan import Plan
from clickstream.sources.model import Source

_OBJECT = re.compile(r"s3://[^\s,;'\"\])]+")


def manifest_query(place: Place, source: Source, hours: Iterable[str], unreadable: Iterable[str]) -> str:
    """The one query that counts Bronze.

    Args:
        hours: arrival hours.
        unreadable: keys of objects to leave out; each is counted on its own.
    """
    return render("bronze_manifest", bronze_records=bronze_records(place, source, hours, unreadable))


def named_object(place: Place, failure: str) -> str | None:
    """The key of the object of this lake that Athena's failure names; None when it names none."""
    for uri in _OBJECT.findall(failure):
        bucket, key = split_uri(uri)
        if bucket == place.lake:
            return key
    return None


def make_manifests(
    place: Place,
    source: Source,
    listings: Mapping[str, Sequence[StoredObject]],
    rows: Iterable[Mapping[str, str | None]],
    unreadable: Mapping[str, CountedObject],
    contracts: Mapping[str, str],
) -> list[Manifest]:
    """The manifests of some hours: what was listed, each object with what Athena counted in it.

    Args:
        listings: objects by arrival hour. One without a row holds no record.
        rows: the answer to `manifest_query`.
        unreadable: the objects that Athena could not read, by key, counted as far as they go.
        contracts: contract version by arrival hour.
    """
    prefix = f"s3://{place.lake}/"
    counted = {
        (row["path"] or "").removeprefix(prefix): Fingerprint(
            int(row["records"] or 0), int(row["sum_1"] or 0), int(row["sum_2"] or 0)
        )
        for row in rows
    }
    return [
        Manifest(
            source=source.name,
            arrival_hour=hour,
            contract=contracts[hour],
            objects=tuple(
                unreadable.get(stored.key)
                or CountedObject(
                    key=stored.key,
                    etag=stored.etag,
                    size=stored.size,
                    content=counted.get(stored.key, Fingerprint()),
                )
                for stored in listing
            ),
        )
        for hour, listing in sorted(listings.items())
    ]


def contract_versions(
    source: Source, plan: Plan, current: Mapping[datetime, Entry], hours: Iterable[str]
) -> dict[str, str]:
    """The contract that judges each hour: the pinned one, unless the run asks for the latest."""
    pinned = {hour_text(hour): entry.contract for hour, entry in current.items() if entry.contract}
    if plan.contract == "latest":
        pinned = {hour: version for hour, version in pinned.items() if hour not in plan.window_hours}
    return {hour: pinned.get(hour, source.events.contract) for hour in hours}


def job_plan(
    place: Place,
    source: Source,
    plan: Plan,
    manifests: Iterable[Manifest],
    known: Mapping[str, str],
    schemas: Mapping[str, Schema],
) -> dict[str, Any]:
    """The plan file of the job that turns these hours into Silver.

    Args:
        manifests: of the hours to process.
        known: manifest uris of the other hours, which may have to join.
        schemas: contracts by version.
    """
    hours = [
        {
            "arrival_hour": manifest.arrival_hour,
            "contract": manifest.contract,
            "objects": [o.model_dump(include={"key", "etag", "size"}) for o in manifest.objects],
        }
        for manifest in manifests
    ]
    processed = {hour["arrival_hour"] for hour in hours}
    return {
        "run_id": plan.run,
        "source": source.model_dump(mode="json"),
        "schemas": {version: schema.document for version, schema in schemas.items()},
        "lake": place.lake,
        "hours": hours,
        "manifests": {hour: uri for hour, uri in known.items() if hour not in processed},
        "result": place.run_uri(source.name, plan.run, "result"),
    }
