"""From a run's evidence to the lines that it leaves in the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from clickstream.contract.schema import Schema
from clickstream.lake.listing import StoredObject, list_bronze, list_hour
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, hour_text, parse_hour
from clickstream.reconciliation.check import Evidence, findings_by_hour
from clickstream.reconciliation.entry import Entry, State, Tiers
from clickstream.reconciliation.fates import HourFates
from clickstream.reconciliation.findings import ACCEPTED, Finding, failing, store_findings
from clickstream.reconciliation.inspection import Inspection, has_grown, losses
from clickstream.reconciliation.manifest import Manifest, load_manifest
from clickstream.reconciliation.plan import Plan
from clickstream.reconciliation.upstream import HourFlow, upstream_counts, upstream_deficits
from clickstream.reconciliation.waiver import Waiver, weigh
from clickstream.sources.model import Source


def entries_of_losses(
    place: Place, plan: Plan, inspection: Inspection, current: Mapping[datetime, Entry]
) -> list[Entry]:
    """The failed entries of a run that found objects gone or changed: what was known stays known."""
    by_hour: dict[str, list[Finding]] = {}
    for finding in inspection.lost:
        by_hour.setdefault(finding.arrival_hour, []).append(finding)
    return [
        _rewritten(place, plan, current[parse_hour(hour)], "failed", findings)
        for hour, findings in sorted(by_hour.items())
    ]


def entries_of_late_changes(
    place: Place, plan: Plan, inspection: Inspection, current: Mapping[datetime, Entry]
) -> list[Entry]:
    """The `late_change` entries of hours that had passed and have new objects: their pass no longer stands."""
    return [_rewritten(place, plan, current[parse_hour(hour)], "late_change", []) for hour in inspection.late]


def entries_of_check(
    place: Place,
    source: Source,
    plan: Plan,
    inspection: Inspection,
    evidence: Evidence,
    manifests: Mapping[str, Manifest],
    current: Mapping[datetime, Entry],
    *,
    proven: Collection[str],
    rebuilt: Collection[str],
    receipts: Mapping[str, tuple[int, int]],
    schemas: Mapping[str, Schema],
    silver_snapshot: int | None,
    rejects_snapshot: int | None,
    code_digest: str,
) -> list[Entry]:
    """One entry for each checked hour, and one for each hour that changed although nobody named it.

    Args:
        manifests: of the checked hours.
        current: current entries, from before this run.
        proven: the checked hours that were asked for record by record; the others were counted.
        rebuilt: the hours that this run's job replaced.
        receipts: acknowledged and unknown records by hour.
        schemas: contracts by version.
    """
    hours = [parse_hour(text) for text in manifests]
    live = list_bronze(place, source, hours)
    listings = {text: live[parse_hour(text)] for text in manifests}
    findings = findings_by_hour(evidence, manifests, proven, listings)
    kept: dict[str, Entry] = {}
    changed: set[str] = set()
    for text, manifest in manifests.items():
        findings[text] += losses(place, source.delivery, manifest, listings[text])
        if (entry := current.get(parse_hour(text))) and entry.manifest:
            # What was lost while this run went on is missing in its own manifest already.
            lost = losses(place, source.delivery, load_manifest(place.s3, entry.manifest), listings[text])
            findings[text] += [finding for finding in lost if finding not in findings[text]]
            untouched = text not in rebuilt and not evidence.after.get(text, HourFates()).agrees_with(entry)
            if untouched or text in inspection.differing:
                changed.add(text)
            if lost or text in changed:
                kept[text] = entry
    for text in sorted(changed):
        findings[text].append(
            Finding(
                arrival_hour=text,
                code="tables_changed",
                text="Silver or rejects do not hold what they held when the hour was checked",
            )
        )

    counted = upstream_counts(place.cloudwatch, source, hours) if hours else {}
    flows = _flows(place, source, current, manifests, counted.get("stream", {})) if "stream" in source.tiers else {}
    for deficit in upstream_deficits(flows, hours):
        findings[deficit.arrival_hour].append(deficit)

    now = datetime.now(UTC)
    entries = []
    waivers = {hour_text(hour): entry.waivers for hour, entry in current.items()}
    for text, manifest in sorted(manifests.items()):
        findings[text], waivers[text] = weigh(
            findings[text],
            waivers.get(text, ()),
            lost={counted.key for counted in manifest.lost},
            rebuilt=text in rebuilt,
            before=waivers.get(hour_text(parse_hour(text) - HOUR), ()),
            after=waivers.get(hour_text(parse_hour(text) + HOUR), ()),
        )
        if text in kept:
            # The old figures stay: against them the hour is compared until it is as it was, or rebuilt.
            entries.append(_rewritten(place, plan, kept[text], "failed", findings[text]))
            continue
        hour = parse_hour(text)
        held = evidence.after.get(text, HourFates())
        acknowledged, unknown = receipts.get(text, (0, 0))
        seen = manifest if failing(findings[text]) else refreshed(manifest, listings[text])
        tiers: dict[str, int] = {
            "producer": acknowledged,
            **{carrier: counts[hour] for carrier, counts in counted.items()},
            "bronze": manifest.arrived,
            "silver": held.fates["good"],
        }
        entries.append(
            Entry(
                source=source.name,
                arrival_hour=text,
                state=_state(
                    findings[text],
                    manifest,
                    listings[text],
                    waivers[text],
                    "verified" if text in proven else "provisional",
                ),
                tiers=Tiers(**{tier: count for tier, count in tiers.items() if tier in source.tiers}),
                producer_unknown=unknown,
                fates={fate: held.fates[fate] for fate in ("good", "filtered", "quarantined", "duplicate")},
                reasons=dict(sorted(held.reasons.items())),
                event_dates=dict(sorted(held.event_dates.items())),
                bronze=manifest.content,
                silver=held.silver,
                rejects=held.rejects,
                largest_object=max((o.content.records for o in manifest.objects), default=0),
                manifest=seen.store(place.s3, place.evidence),
                listing=seen.listing,
                silver_snapshot=silver_snapshot,
                rejects_snapshot=rejects_snapshot,
                contract=manifest.contract,
                contract_digest=schemas[manifest.contract].digest,
                code_digest=code_digest,
                waivers=waivers[text],
                **_found(place, plan, findings[text]),
                run=plan.run,
                triggered_by=plan.triggered_by,
                checked_at=now.isoformat(timespec="milliseconds"),
            )
        )
    for text in findings.keys() - manifests.keys():
        if findings[text] and parse_hour(text) in current:
            entries.append(_rewritten(place, plan, current[parse_hour(text)], "failed", findings[text]))
    return sorted(entries, key=lambda entry: entry.arrival_hour)


def _state(
    findings: Sequence[Finding],
    manifest: Manifest,
    listing: Sequence[StoredObject],
    waivers: Sequence[Waiver],
    passed: State,
) -> State:
    if failing(findings):
        return "failed"
    if has_grown(manifest, listing):
        return "late_change"
    return "excepted" if waivers else passed


def refreshed(manifest: Manifest, listing: Sequence[StoredObject]) -> Manifest:
    """The manifest with the live etag and size of each object that is still itself: a restored copy has new ones."""
    live = {stored.key: stored for stored in listing}
    return manifest.model_copy(
        update={
            "objects": tuple(
                counted.model_copy(update={"etag": stored.etag, "size": stored.size})
                if (stored := live.get(counted.key)) and not counted.unreadable
                else counted
                for counted in manifest.objects
            )
        }
    )


def _flows(
    place: Place,
    source: Source,
    current: Mapping[datetime, Entry],
    manifests: Mapping[str, Manifest],
    stream: Mapping[datetime, int],
) -> dict[datetime, HourFlow]:
    """What each hour's stream took and its Bronze holds: of earlier hours as the ledger has it."""
    flows = {
        hour: HourFlow(entry.tiers.stream, entry.tiers.bronze, entry.largest_object)
        for hour, entry in current.items()
        if entry.tiers.stream is not None and entry.tiers.bronze is not None
    }
    for text, manifest in manifests.items():
        hour = parse_hour(text)
        largest = max((o.content.records for o in manifest.objects), default=0)
        flows[hour] = HourFlow(stream[hour], manifest.arrived, largest)
    before = source.verify_from - HOUR
    if not list_hour(place.s3, place.lake, source.delivery.bronze.values(), before):
        # Nothing lies before the first proven hour: there is nothing that could have been carried into it.
        flows[before] = HourFlow(0, 0, 0)
    return flows


def _rewritten(place: Place, plan: Plan, entry: Entry, state: State, findings: Sequence[Finding]) -> Entry:
    """An hour's entry once more, in another state and by this run."""
    return entry.model_copy(
        update={
            "state": state,
            **_found(place, plan, findings),
            "run": plan.run,
            "triggered_by": plan.triggered_by,
            "checked_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
    )


def _found(place: Place, plan: Plan, findings: Sequence[Finding]) -> dict[str, Any]:
    causes = tuple(sorted({finding.code for finding in findings} - ACCEPTED))
    uri = store_findings(place.s3, place.lake, plan.source, plan.run, findings) if findings else None
    return {"causes": causes, "findings": uri}
