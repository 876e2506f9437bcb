"""The steps of one run over a window, each leaving one document for the next.

A step can be repeated at any time: it reads what earlier steps left, and overwrites what it left itself.
Steps that ask Athena have three parts, so that nobody waits for an answer in a worker: the queries, what to do when
one fails, and what to make of the answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Protocol

from botocore.exceptions import ClientError

from clickstream.contract.schema import Schema, load_schema
from clickstream.lake.listing import StoredObject, list_bronze, list_hours
from clickstream.lake.objects import read_json, write_json
from clickstream.lake.partitions import Repair, repair_partitions
from clickstream.lake.place import Place
from clickstream.lake.snapshots import Snapshot, history
from clickstream.lake.windows import HOUR, hour_text, parse_hour
from clickstream.producer.receipt import receipts
from clickstream.reconciliation.check import Evidence, check_queries, fates_query, hours_before, provable
from clickstream.reconciliation.count import contract_versions, job_plan, make_manifests, manifest_query, named_object
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.fates import HourFates, fold_fates
from clickstream.reconciliation.inspection import Inspection, count_object, inspect
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.ledger_index import LedgerIndex
from clickstream.reconciliation.manifest import CountedObject, Manifest, load_manifest
from clickstream.reconciliation.outcome import entries_of_check, entries_of_late_changes, entries_of_losses
from clickstream.reconciliation.plan import Plan
from clickstream.reconciliation.progress import current_entries, failing_causes, judged_entries
from clickstream.reconciliation.proposal import Answer, Proposal, except_entries, propose
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Source

Rows = Sequence[Mapping[str, str | None]]
Next = Literal["process", "check", "record"]


@dataclass(frozen=True)
class Run:
    """One run of one source: where it works, and the documents that it has left so far.

    Args:
        run: the run's identity, part of its documents' keys.
    """

    place: Place
    source: Source
    run: str

    def write(self, step: str, document: Any) -> None:
        """Leave a step's document."""
        write_json(self.place.s3, self.place.run_uri(self.source.name, self.run, step), document)

    def read(self, step: str) -> Any:
        """A step's document; None when the step was not run."""
        try:
            return read_json(self.place.s3, self.place.run_uri(self.source.name, self.run, step))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise

    @cached_property
    def plan(self) -> Plan:
        """The plan that the run began with."""
        return Plan.model_validate(self.read("plan"))

    @cached_property
    def current(self) -> dict[datetime, Entry]:
        """The current entry of each hour, the chain checked."""
        return current_entries(self.ledger.read())

    @property
    def ledger(self) -> Ledger:
        """The source's ledger."""
        return Ledger(self.place.s3, self.place.evidence, self.source.name)

    def schemas(self, versions: set[str]) -> dict[str, Schema]:
        """Contracts by version."""
        return {version: load_schema(INCLUDE / "schemas", self.source.name, version) for version in versions}


class QueryStep(Protocol):
    """A step that asks Athena."""

    def queries(self, run: Run) -> dict[str, str]:
        """SQL by name; an empty answer means that there is nothing to ask."""

    def recover(self, run: Run, failure: str) -> bool:
        """Whether the queries can be asked again, differently, after one failed with this reason."""

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        """Leave the step's document."""


class Survey:
    """What Silver and rejects hold when the run begins."""

    def queries(self, run: Run) -> dict[str, str]:
        plan = run.plan
        if plan.silver_snapshot is None or plan.rejects_snapshot is None:
            return {}
        return {"fates": fates_query(run.place, run.source, plan, plan.silver_snapshot, plan.rejects_snapshot)}

    def recover(self, run: Run, failure: str) -> bool:
        return False

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        run.write("survey", answers)


def inspect_run(run: Run) -> Next:
    """Compare live state with the ledger, leave what was found, and say what comes next."""
    before = fold_fates(run.read("survey").get("fates", ()))
    inspection = inspect(run.place, run.source, run.plan, run.current, before)
    run.write("inspection", inspection.model_dump(mode="json"))
    if inspection.lost:
        return "record"
    if late := entries_of_late_changes(run.place, run.plan, inspection, run.current):
        run.ledger.append(late)
    if inspection.process:
        return "process"
    return "check" if inspection.check else "record"


def repair_run(run: Run) -> Repair:
    """List the hours to process once more, now that they are closed, and register their partitions."""
    inspection = _inspection(run)
    run.write("unreadable", {})
    hours = [parse_hour(text) for text in inspection.process]
    listings = list_bronze(run.place, run.source, hours)
    run.write(
        "listing",
        {hour_text(hour): [[o.key, o.etag, o.size] for o in objects] for hour, objects in listings.items()},
    )
    never_filled = [hour for hour in hours if hour not in run.current or not run.current[hour].bronze.records]
    return _register_bronze(run, listings, empty=[hour for hour in never_filled if not listings[hour]])


class CountBronze:
    """The manifests of the hours to process, and the job's plan file."""

    def queries(self, run: Run) -> dict[str, str]:
        unreadable = run.read("unreadable")
        return {"manifest": manifest_query(run.place, run.source, run.read("listing"), unreadable)}

    def recover(self, run: Run, failure: str) -> bool:
        """Count the object that Athena names on its own, as far as it goes, and leave it out from then on."""
        return _leave_out(run, failure)

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        listings = {
            hour: [StoredObject(*stored) for stored in listing] for hour, listing in run.read("listing").items()
        }
        unreadable = {key: CountedObject.model_validate(counted) for key, counted in (run.read("unreadable")).items()}
        known = {hour_text(hour): entry.manifest for hour, entry in run.current.items() if entry.manifest}
        contracts = contract_versions(run.source, run.plan, run.current, listings)
        manifests = make_manifests(run.place, run.source, listings, answers["manifest"], unreadable, contracts)
        manifests = [_with_lost(run, manifest) for manifest in manifests]
        versions = {*contracts.values(), *(e.contract for e in run.current.values() if e.contract)}
        run.write("manifests", {m.arrival_hour: m.store(run.place.s3, run.place.evidence) for m in manifests})
        run.write("job", job_plan(run.place, run.source, run.plan, manifests, known, run.schemas(versions)))


class Check:
    """The final check, pinned to the snapshots that the job left, or to the present ones when no job ran."""

    def queries(self, run: Run) -> dict[str, str]:
        place, source, plan = run.place, run.source, run.plan
        inspection, result = _inspection(run), _result(run)
        lineages = {
            kind: history(place.glue, place.s3, place.database, source.table(kind)) for kind in ("silver", "rejects")
        }
        pinned = {
            kind: result[f"{kind}_snapshot"] if result else next((s.id for s in lineage), None)
            for kind, lineage in lineages.items()
        }
        # Of all attempts at the run's job: what a killed one published, a later one finds done and does not name.
        ours = [snapshot for lineage in lineages.values() for snapshot in lineage if snapshot.run_id == plan.run]
        rebuilt = {*inspection.process, *itertools.chain.from_iterable(snapshot.hours for snapshot in ours)}
        hours = sorted({*rebuilt, *inspection.check})
        counted = run.read("manifests") if inspection.process else {}
        uris = {hour: counted.get(hour) or run.current[parse_hour(hour)].manifest for hour in hours}
        proven = provable(plan, run.current, hours)
        run.write("pinned", {**pinned, "manifests": uris, "proven": proven, "rebuilt": sorted(rebuilt)})
        if "producer" in source.tiers:
            _register_receipts(run, map(parse_hour, proven))
        unprocessed = [hour for hour in hours_before(proven) if parse_hour(hour) not in run.current]
        before = list_bronze(place, source, map(parse_hour, unprocessed))
        _register_bronze(run, before)
        if pinned["silver"] is None or pinned["rejects"] is None:
            return {}
        unreadable = sorted(
            {
                *(run.read("unreadable") or ()),
                *(o.key for manifest in _manifests(run).values() for o in manifest.objects if o.unreadable),
            }
        )
        queries = {"after": fates_query(place, source, plan, pinned["silver"], pinned["rejects"])}
        if proven:
            at = pinned["silver"], pinned["rejects"]
            queries |= check_queries(place, source, proven, unreadable, unprocessed, *at)
        found = {kind: _before(lineage, pinned[kind], plan.run) for kind, lineage in lineages.items()}
        if result and found["silver"] and found["rejects"]:
            queries["before"] = fates_query(place, source, plan, found["silver"], found["rejects"])
        return queries

    def recover(self, run: Run, failure: str) -> bool:
        """An object of an hour before, which no run has counted yet, may be unreadable as well."""
        return _leave_out(run, failure)

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        run.write("answers", answers)


def reconcile_run(run: Run) -> dict[str, int]:
    """Decide each checked hour's state, leave the entries, and count them by state."""
    pinned, answers = run.read("pinned"), run.read("answers")
    after = fold_fates(answers.get("after", ()))
    unchanged: Mapping[str, HourFates] = {} if _result(run) else after
    hours = [parse_hour(hour) for hour in pinned["manifests"]]
    acknowledged = (
        receipts(run.place.s3, run.place.evidence, run.source.name, min(hours), max(hours) + HOUR)
        if "producer" in run.source.tiers
        else {}
    )
    evidence = Evidence(
        before=fold_fates(answers["before"]) if "before" in answers else unchanged,
        after=after,
        identity=answers.get("identity", ()),
        witnesses=answers.get("witnesses", ()),
        receipts=answers.get("receipts", ()),
        acknowledged={hour: records for hour, (records, _) in acknowledged.items()},
    )
    inspection = _inspection(run)
    overtaken = _overtaken(run, run.current, pinned["silver"])
    manifests = {hour: manifest for hour, manifest in _manifests(run).items() if hour not in overtaken}
    entries = entries_of_check(
        run.place,
        run.source,
        run.plan,
        inspection,
        evidence,
        manifests,
        run.current,
        proven=pinned["proven"],
        rebuilt=pinned["rebuilt"],
        receipts=acknowledged,
        schemas=run.schemas({manifest.contract for manifest in manifests.values()}),
        silver_snapshot=pinned["silver"],
        rejects_snapshot=pinned["rejects"],
        code_digest=code_digest(run, "bronze_to_silver"),
    )
    run.write("entries", [entry.model_dump(mode="json") for entry in entries])
    states = [entry.state for entry in entries]
    return {state: states.count(state) for state in sorted(set(states))}


@dataclass(frozen=True)
class Verdict:
    """What a run leaves: the failed ones of the hours that it looked at, and what they are failed for."""

    failed: list[str]
    causes: list[str]


def propose_waiver(run: Run) -> Proposal:
    """What people are asked to accept of what this run found, were it recorded now."""
    return propose(run.place, run.source, run.plan, _lines(run, current_entries(_of_others(run))))


def record_run(run: Run, answer: Answer | None = None) -> Verdict:
    """Append the run's entries to the ledger: first the evidence, then the verdict.

    Args:
        answer: the approval of a waiver. When what it was given for is not what is found now, nothing is excepted.
    """
    others = _of_others(run)
    known = current_entries(others)
    entries = _lines(run, known)
    if answer:
        proposal = propose(run.place, run.source, run.plan, entries)
        if proposal.digest == answer.digest:
            entries = except_entries(run.place, entries, proposal, answer, judged_entries(others))
    if entries:
        run.ledger.append(entries)
        LedgerIndex(run.ledger, run.place.lake).renew()
    now = known | {parse_hour(entry.arrival_hour): entry for entry in entries}
    concerned = {*run.plan.window_hours, *(entry.arrival_hour for entry in entries)}
    looked_at = {hour: now[hour] for hour in sorted(map(parse_hour, concerned)) if hour in now}
    failed = [hour_text(hour) for hour, entry in looked_at.items() if entry.state == "failed"]
    return Verdict(failed, sorted(failing_causes(looked_at)))


def _of_others(run: Run) -> list[Entry]:
    """The ledger but for this run's own lines."""
    return [entry for entry in run.ledger.read() if entry.run != run.run]


def _lines(run: Run, known: Mapping[datetime, Entry]) -> list[Entry]:
    """What the run has to say, by what its steps left."""
    inspection = _inspection(run)
    if inspection.lost:
        return entries_of_losses(run.place, run.plan, inspection, known)
    if not inspection.process and not inspection.check:
        return []
    overtaken = _overtaken(run, known, run.read("pinned")["silver"])
    checked = [Entry.model_validate(line) for line in run.read("entries")]
    return [entry for entry in checked if entry.arrival_hour not in overtaken]


def _with_lost(run: Run, manifest: Manifest) -> Manifest:
    """A new manifest with what people accepted as lost of its hour and is not back."""
    entry = run.current.get(parse_hour(manifest.arrival_hour))
    if entry is None or entry.manifest is None or not entry.waivers:
        return manifest
    return manifest.still_without(load_manifest(run.place.s3, entry.manifest).lost)


def _leave_out(run: Run, failure: str) -> bool:
    unreadable = run.read("unreadable") or {}
    key = named_object(run.place, failure)
    if key is None or key in unreadable:
        return False
    counted = count_object(run.place, run.source.delivery, key)
    if not counted.unreadable:
        return False
    run.write("unreadable", unreadable | {key: counted.model_dump(mode="json")})
    return True


def code_digest(run: Run, job_name: str) -> str:
    """Digest of the code that a job of the source runs: the folder that its script lies in."""
    job = run.place.glue.get_job(JobName=f"{run.source.name}__{job_name}")["Job"]
    location: str = job["Command"]["ScriptLocation"]
    return location.split("/")[-2]


def _register_bronze(
    run: Run, listings: Mapping[datetime, Sequence[StoredObject]], empty: Iterable[datetime] = ()
) -> Repair:
    """Make the hours visible to Athena in each table of Bronze that has objects of them."""
    never_filled = list(empty)
    repairs = [
        repair_partitions(
            run.place.glue,
            database=run.place.database,
            table=run.source.table(kind),
            location=f"s3://{run.place.lake}/{prefix}",
            filled=[hour for hour, objects in listings.items() if any(o.key.startswith(prefix) for o in objects)],
            empty=never_filled,
        )
        for kind, prefix in run.source.delivery.bronze.items()
    ]
    return Repair(
        sorted({hour for repair in repairs for hour in repair.added}),
        sorted({hour for repair in repairs for hour in repair.dropped}),
    )


def _register_receipts(run: Run, hours: Iterable[datetime]) -> None:
    """Make the receipts of some hours visible to Athena; they are stored without asking the catalog."""
    prefix = f"receipts/{run.source.name}/hashes/"
    listings = list_hours(run.place.s3, run.place.evidence, [prefix], hours)
    repair_partitions(
        run.place.glue,
        database=run.place.database,
        table=run.source.table("receipts"),
        location=f"s3://{run.place.evidence}/{prefix}",
        filled=[hour for hour, objects in listings.items() if objects],
    )


def _inspection(run: Run) -> Inspection:
    return Inspection.model_validate(run.read("inspection"))


def _manifests(run: Run) -> dict[str, Manifest]:
    uris: Mapping[str, str] = run.read("pinned")["manifests"]
    return {hour: load_manifest(run.place.s3, uri) for hour, uri in uris.items()}


def _result(run: Run) -> Any:
    """What the run's job left; None when this run had nothing to process."""
    return run.read("result") if _inspection(run).process else None


def _before(lineage: Sequence[Snapshot], pinned: int | None, run: str) -> int | None:
    """The snapshot that a run found: a job that was killed and started again left more than one."""
    older = itertools.dropwhile(lambda snapshot: snapshot.id != pinned, lineage)
    return next((snapshot.id for snapshot in older if snapshot.run_id != run), None)


def _overtaken(run: Run, known: Mapping[datetime, Entry], pinned: int | None) -> set[str]:
    """The hours that another run has checked meanwhile, on a later snapshot than this run is pinned to."""
    lineage = history(run.place.glue, run.place.s3, run.place.database, run.source.table("silver"))
    later = {s.id for s in itertools.takewhile(lambda snapshot: snapshot.id != pinned, lineage)}
    return {entry.arrival_hour for entry in known.values() if entry.silver_snapshot in later}
