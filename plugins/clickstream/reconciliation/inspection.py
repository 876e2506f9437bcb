"""The inspection: everything that is wrong before anything is written, all at once.

Inspect never repairs. An object that is gone or changed ends the run: reprocessing must never launder a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from clickstream.contract.bronze import read_bronze
from clickstream.lake.listing import StoredObject, list_bronze
from clickstream.lake.place import Place
from clickstream.lake.windows import hour_text, parse_hour
from clickstream.reconciliation.entry import PASSED, Entry
from clickstream.reconciliation.fates import HourFates
from clickstream.reconciliation.findings import Finding
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.manifest import CountedObject, Manifest, listing_digest, load_manifest
from clickstream.reconciliation.plan import Plan
from clickstream.sources.model import Delivery, Source


class Inspection(BaseModel):
    """What the inspection decided.

    Attributes:
        lost: objects gone or changed; when there are any, nothing is written.
        process: hours that the job works on.
        check: hours that are only checked again: they are not as the ledger has them, and only a person's forced
            run may rebuild them.
        differing: hours whose tables do not hold what their entry says, and which nobody asked to be rebuilt. They
            fail, and stay failed, until a person does.
        late: hours that had passed and have new objects now; part of `process`.
    """

    model_config = ConfigDict(frozen=True)

    lost: tuple[Finding, ...] = ()
    process: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


def inspect(
    place: Place,
    source: Source,
    plan: Plan,
    current: Mapping[datetime, Entry],
    before: Mapping[str, HourFates],
) -> Inspection:
    """Compare the live listings with the manifests, and the tables with the entries.

    Args:
        plan: the run's plan.
        current: the current entry of each hour.
        before: fates by arrival hour at the plan's snapshots.
    """
    hours = [parse_hour(text) for text in plan.hours]
    listings = list_bronze(place, source, hours)
    lost: list[Finding] = []
    process: set[datetime] = {parse_hour(text) for text in plan.unentered}
    late: set[datetime] = set()
    check: set[datetime] = set()
    asked_for = set(process)
    differing: set[datetime] = set()
    for hour in hours:
        entry = current.get(hour)
        if entry is None or entry.manifest is None:
            process.add(hour)
            continue
        changed = entry.listing != listing_digest(listings[hour])
        if changed or entry.state == "failed":
            manifest = load_manifest(place.s3, entry.manifest)
            lost += (missing := losses(place, source.delivery, manifest, listings[hour]))
            if not missing and has_grown(manifest, listings[hour]):
                process.add(hour)
                if entry.state in PASSED:
                    late.add(hour)
            elif changed or entry.state not in PASSED:
                check.add(hour)
        if hour_text(hour) in plan.window_hours and (plan.forced or plan.asks_for_other_contract(entry, source)):
            process.add(hour)
            asked_for.add(hour)
        elif entry.state not in PASSED:
            check.add(hour)
    for hour, entry in current.items():
        within = plan.first_hour <= entry.arrival_hour <= plan.last_hour
        # Beyond that only what somebody else may have changed; of an hour that is failed already people know.
        looked_for = within or (plan.known is not None and entry.state != "failed")
        # What others recorded since the plan speaks of later snapshots than the survey.
        surveyed = looked_for and entry.sequence <= plan.ledger_head
        if (
            surveyed
            and entry.manifest is not None
            and not before.get(entry.arrival_hour, HourFates()).agrees_with(entry)
        ):
            check.add(hour)
            differing.add(hour)
    return Inspection(
        lost=tuple(lost),
        process=tuple(map(hour_text, sorted(process))),
        check=tuple(map(hour_text, sorted(check - process))),
        differing=tuple(map(hour_text, sorted(differing - asked_for))),
        late=tuple(map(hour_text, sorted(late))),
    )


def losses(place: Place, delivery: Delivery, manifest: Manifest, listing: Sequence[StoredObject]) -> list[Finding]:
    """Objects of a manifest that are no longer there, or no longer hold what they held."""
    live = {stored.key: stored for stored in listing}
    found = []
    for counted in manifest.objects:
        stored = live.get(counted.key)
        if stored is None:
            found.append(
                Finding(
                    arrival_hour=manifest.arrival_hour,
                    code="object_missing",
                    object=counted.key,
                    records=counted.content.records,
                    expected=counted.content.records,
                    found=0,
                    text=f"{counted.key} held {counted.content.records} records and is gone",
                )
            )
        elif (stored.etag, stored.size) != (counted.etag, counted.size):
            now, whole = _content_as_far_as(place, delivery, counted)
            if now != counted.content or not (whole or counted.unreadable):
                found.append(
                    Finding(
                        arrival_hour=manifest.arrival_hour,
                        code="object_changed",
                        object=counted.key,
                        records=counted.content.records,
                        expected=counted.content.records,
                        found=now.records,
                        text=f"{counted.key} held {counted.content.records} records; "
                        f"what lies there now does not hold them ({now.records} records compared)",
                    )
                )
    return found


def count_object(place: Place, delivery: Delivery, key: str) -> CountedObject:
    """Read one object as far as it goes, and count it."""
    answer = place.s3.get_object(Bucket=place.lake, Key=key)
    data = answer["Body"].read()
    content = read_bronze(delivery, key, data)
    return CountedObject(
        key=key,
        etag=answer["ETag"].strip('"'),
        size=len(data),
        content=Fingerprint.of(record.raw_hash for record in content.records),
        unreadable=content.unreadable,
    )


def _content_as_far_as(place: Place, delivery: Delivery, counted: CountedObject) -> tuple[Fingerprint, bool]:
    """Fingerprint of an object's present content, and whether it can be read to its end.

    Of what follows an unreadable object only as many records as that had are compared.
    """
    data = place.s3.get_object(Bucket=place.lake, Key=counted.key)["Body"].read()
    content = read_bronze(delivery, counted.key, data)
    records = content.records[: counted.content.records] if counted.unreadable else content.records
    return Fingerprint.of(record.raw_hash for record in records), not content.unreadable


def has_grown(manifest: Manifest, listing: Sequence[StoredObject]) -> bool:
    """Whether there is anything that the manifest does not hold: a new object, or an unreadable one replaced."""
    known = {counted.key: counted for counted in manifest.objects}
    return any(
        stored.key not in known or (known[stored.key].unreadable and stored.etag != known[stored.key].etag)
        for stored in listing
    )
