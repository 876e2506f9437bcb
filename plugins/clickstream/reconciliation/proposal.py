"""What people are asked to accept, and what becomes of the hours when they do.

A proposal is made twice: before people are asked, and when their answer is carried out. Its digest covers every finding
and every listing, so an approval of anything but the present state is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from clickstream.lake.listing import StoredObject, list_bronze
from clickstream.lake.place import Place
from clickstream.lake.windows import parse_hour
from clickstream.reconciliation.entry import PASSED, Entry, State
from clickstream.reconciliation.findings import OBJECT_LOSSES, WAIVABLE, Finding, failing, load_findings
from clickstream.reconciliation.inspection import has_grown, losses
from clickstream.reconciliation.manifest import Manifest, listing_digest, load_manifest
from clickstream.reconciliation.outcome import refreshed
from clickstream.reconciliation.plan import Plan
from clickstream.reconciliation.waiver import Loss, Waiver, accepted_of
from clickstream.sources.model import Source

_HEADINGS = ("hour", "finding", "where", "expected", "found", "lost records")
_WITHOUT_OBJECT = {"upstream_deficit": "the stream", "acknowledged_missing": "the producer's receipts"}
_CONSEQUENCES = """\
- Approve: the hours are excepted in your name. Who, when, why and these numbers stay in the ledger. Silver keeps the \
rows of a lost object until its hour is processed again, and no longer.
- Reject, or no answer within a day: they stay failed."""


@dataclass(frozen=True)
class ProposedHour:
    """One failed hour, all of whose failing findings may be accepted.

    Attributes:
        findings: the failing ones.
        manifest: of the hour, as its entry names it.
        listing: what lies in Bronze.
    """

    findings: Sequence[Finding]
    manifest: Manifest
    listing: Sequence[StoredObject]


@dataclass(frozen=True)
class Proposal:
    """What a waiver would accept.

    Attributes:
        reason: why, in the words of the person who asks.
        hours: the hours that would be excepted.
        left: why other failed hours of the window stay failed.
    """

    reason: str
    hours: Mapping[str, ProposedHour]
    left: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Identity of the reason, the findings and the listings, 12 hex digits: what an approval is bound to."""
        told = [
            [text, listing_digest(hour.listing), [finding.model_dump(mode="json") for finding in hour.findings]]
            for text, hour in self.hours.items()
        ]
        return hashlib.sha256(orjson.dumps([self.reason, told])).hexdigest()[:12]

    def as_markdown(self) -> str:
        """What people see before they answer."""
        rows = [_HEADINGS, ("---",) * len(_HEADINGS), *map(_row, (f for h in self.hours.values() for f in h.findings))]
        lines = [f"Reason: {self.reason}", ""]
        lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
        lines += ["", _CONSEQUENCES, *(f"- {hour} stays failed: {why}" for hour, why in self.left.items())]
        return "\n".join(lines)


@dataclass(frozen=True)
class Answer:
    """A person's approval of a proposal.

    Attributes:
        by: the user, as Airflow names them.
        at: when, in UTC.
        digest: of the proposal that was approved.
    """

    by: str
    at: str
    digest: str


def propose(place: Place, source: Source, plan: Plan, entries: Iterable[Entry]) -> Proposal:
    """What may be accepted of the lines that a run leaves in the ledger: failed hours of the plan's window."""
    window = {*plan.window_hours}
    failed = [entry for entry in entries if entry.state == "failed" and entry.arrival_hour in window]
    live = list_bronze(place, source, [parse_hour(entry.arrival_hour) for entry in failed])
    hours, left = {}, {}
    for entry in failed:
        if others := sorted({*entry.causes} - WAIVABLE):
            left[entry.arrival_hour] = f"{', '.join(others)}: run with `force` rebuilds it from Bronze"
        elif entry.manifest and entry.findings:
            hour = ProposedHour(
                failing(load_findings(place.s3, entry.findings)),
                load_manifest(place.s3, entry.manifest),
                live[parse_hour(entry.arrival_hour)],
            )
            if _objects(hour.findings) == _objects(losses(place, source.delivery, hour.manifest, hour.listing)):
                hours[entry.arrival_hour] = hour
            else:
                left[entry.arrival_hour] = "Bronze has changed since it was looked at: run once more"
    return Proposal(plan.waive, hours, left)


def except_entries(
    place: Place,
    entries: Iterable[Entry],
    proposal: Proposal,
    answer: Answer,
    judged: Mapping[datetime, Entry],
) -> list[Entry]:
    """A run's lines once its proposal was approved; lines that it does not name stay as they are.

    Args:
        judged: see `judged_entries`.
    """
    excepted = []
    for entry in entries:
        if hour := proposal.hours.get(entry.arrival_hour):
            before = judged.get(parse_hour(entry.arrival_hour))
            excepted.append(_excepted(place, entry, hour, proposal.reason, answer, before))
        else:
            excepted.append(entry)
    return excepted


def _excepted(
    place: Place, entry: Entry, hour: ProposedHour, reason: str, answer: Answer, before: Entry | None
) -> Entry:
    lost = {finding.object for finding in hour.findings if finding.code in OBJECT_LOSSES and finding.object}
    manifest = refreshed(hour.manifest.without(lost), hour.listing)
    waiver = Waiver(
        waived_by=answer.by,
        waived_at=answer.at,
        reason=reason,
        run=entry.run,
        losses=tuple(_loss(finding, entry.waivers) for finding in hour.findings),
    )
    # Where objects were lost, this run has looked at nothing else. What lies where one was overwritten is new.
    proven = not lost or (before is not None and before.state in PASSED)
    state: State = "excepted" if proven else "provisional"
    return entry.model_copy(
        update={
            "state": "late_change" if has_grown(manifest, hour.listing) else state,
            "causes": (),
            "waivers": (*entry.waivers, waiver),
            "manifest": manifest.store(place.s3, place.evidence),
            "listing": manifest.listing,
        }
    )


def _loss(finding: Finding, waivers: Sequence[Waiver]) -> Loss:
    known = 0 if finding.code in OBJECT_LOSSES else max(accepted_of(finding.code, finding.object, waivers), 0)
    return Loss(code=finding.code, object=finding.object, records=finding.records - known)


def _objects(findings: Iterable[Finding]) -> set[tuple[str, str | None, int]]:
    return {(each.code, each.object, each.records) for each in findings if each.code in OBJECT_LOSSES}


def _row(finding: Finding) -> tuple[str, ...]:
    lost = {"records_unknown": "unknown", "object_changed": f"up to {finding.records:,}"}
    return (
        finding.arrival_hour,
        finding.code,
        finding.object or _WITHOUT_OBJECT[finding.code],
        "unknown" if finding.expected is None else f"{finding.expected:,}",
        "unknown" if finding.found is None else f"{finding.found:,}",
        lost.get(finding.code, f"{finding.records:,}"),
    )
