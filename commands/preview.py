"""`make preview SOURCE= CONTRACT=1.1.0 [DAYS=7] [SHOW=1] [JSON=1]`: what a new contract would have done.

The new version lies in `include/schemas/<source>/<version>.json`; the YAML need not name it yet. Every record that
came in the last proven hours is judged by it and by the contract of its hour: docs/contract.md. Nothing is written.
Ends non-zero when a record that is good would be quarantined.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from clickstream.contract.changes import changes, fault_of_step
from clickstream.contract.schema import Schema, SchemaFault, load_schema, versions
from clickstream.contract.trial import Kind, Turn
from clickstream.lake.place import Place
from clickstream.reconciliation.ledger import LedgerBroken
from clickstream.reconciliation.preview import (
    NothingProven,
    ObjectChanged,
    Preview,
    Turned,
    edited,
    preview,
    proven_entries,
)
from clickstream.sources.loader import INCLUDE, InvalidSources, load_source, load_sources
from clickstream.sources.model import Source
from commands.terminal import Failed, command

DAYS = 7
SCHEMAS = INCLUDE / "schemas"
WIDEST = 1000
KINDS: dict[Kind, str] = {
    "newly_quarantined": "newly quarantined",
    "newly_good": "newly good",
    "other_reason": "another reason",
}
STYLES: dict[str, str] = {"newly_quarantined": "bold red", "newly_good": "green"}


def report(source: Source, version: str, days: int, *, show: bool = False) -> dict[str, Any]:
    """What a version would have done, and what is to be said of it: the object that `JSON=1` prints.

    Args:
        days: of the last proven hours.
        show: name the samples with their payloads.

    Raises:
        Failed: there is no such version, the source cannot be read with it, nothing is proven yet, or Bronze is not as
            the ledger has it.
    """
    if version not in (held := versions(SCHEMAS, source.name)):
        raise Failed(f"CONTRACT is {version!r}; include/schemas/{source.name}/ holds {', '.join(held)}")
    new, before = _schema(source, version), _before(source, version)
    found = changes(before, new)
    declaration = _faults_of_declaration(source, version)
    place = Place.of(boto3.Session())
    try:
        entries = proven_entries(place, source, days)
        judged_by = sorted({entry.contract for entry in entries.values() if entry.contract})
        pinned = {each: _schema(source, each, "hours are judged by it: bring it back as it was") for each in judged_by}
        step = fault_of_step(before, new, found) if before.version != version else None
        faults = [step, *map(_edited, edited(entries.values(), pinned))]
        tried = preview(place, source, entries, pinned, new, show=show)
    except LedgerBroken as broken:
        raise Failed(f"the ledger does not hold: {broken}", todo="docs/runbooks/ledger_broken.md") from broken
    except NothingProven as nothing:
        raise Failed(str(nothing), todo=f"make prove SOURCE={source.name} DATE=…") from nothing
    except ObjectChanged as changed:
        raise Failed(
            f"{changed}: what came cannot be judged",
            todo=f"make status SOURCE={source.name}, and docs/runbooks/object_missing.md or object_changed.md",
        ) from changed
    return {
        "source": source.name,
        "contract": version,
        "compared_with": before.version,
        "changes": [{"path": each.path, "weight": each.weight, "text": each.text} for each in found],
        "faults": [fault for fault in faults if fault],
        "declaration": declaration,
        "window": str(tried.window),
        "records": tried.records.total(),
        **{kind: tried.count(kind) for kind in KINDS},
        "turned": [
            _turned(date, turn, those, tried.records[date])
            for (date, turn), those in sorted(tried.turned.items(), key=_order)
        ],
        "expect": expectation(tried, version),
    }


def expectation(tried: Preview, version: str) -> str:
    """What to expect of a version, in plain words."""
    bad, good, other = (tried.count(kind) for kind in KINDS)
    records = tried.records.total()
    if not records:
        return f"Nothing came in these hours: {version} was tried on no record."
    told = [f"{bad:,} of {records:,} records that are good would be quarantined ({_share(bad, records)})"]
    if not bad:
        told = ["nothing that is good would be quarantined"]
    if good:
        told.append(f"out of quarantine: {good:,}")
    if other:
        told.append(f"in quarantine for another reason: {other:,}")
    return f"With {version}: {'; '.join(told)}."


def show(told: Mapping[str, Any], console: Console | None = None) -> None:
    """Print a report for a reader."""
    console = console or Console()
    version = told["contract"]

    def say(line: str, style: str | None = None) -> None:
        console.print(line, style=style, markup=False, soft_wrap=True)

    say(f"{told['source']}: contract {version}, compared with {told['compared_with']}")
    for change in told["changes"]:
        say(f"  {change['weight']}: {change['path']}: {change['text']}")
    if not told["changes"]:
        say("  no record is judged otherwise by what the two say")
    for fault in told["faults"]:
        say(f"  fault: {fault}", "bold red")
    for fault in told["declaration"]:
        say(f"  with {version} the YAML must change: {fault}", "yellow")
    if told["turned"]:
        console.print(_table(told, console))
        for group in told["turned"]:
            say(f"  {group['date']} {KINDS[group['kind']]}, {_reason(group)}:")
            for sample in group["samples"]:
                payload = f" {sample['payload']}" if "payload" in sample else ""
                say(f"    {sample['object']} {sample['raw_hash']}{payload}")
    say(f"{told['records']:,} records of {told['window']} were judged by both.")
    say(told["expect"], STYLES["newly_quarantined"] if told["newly_quarantined"] else None)


def _table(told: Mapping[str, Any], console: Console) -> Table:
    table = Table(title=f"{told['source']}: what {told['contract']} would have changed")
    for column in ("arrival date", "change", "reason"):
        table.add_column(column, no_wrap=True)
    for column in ("records", "share"):
        table.add_column(column, justify="right", no_wrap=True)
    for group in told["turned"]:
        share = _share(group["records"], group["of"])
        cells = (group["date"], KINDS[group["kind"]], _reason(group), f"{group['records']:,}", share)
        table.add_row(*cells, style=STYLES.get(group["kind"]))
    console.width = max(console.width, console.measure(table, options=console.options.update(max_width=WIDEST)).maximum)
    return table


def _turned(date: str, turn: Turn, those: Turned, of: int) -> dict[str, Any]:
    samples = [
        {"object": sample.object, "raw_hash": sample.raw_hash}
        | ({} if sample.payload is None else {"payload": sample.payload.decode(errors="backslashreplace")})
        for sample in those.samples
    ]
    reasons = {"before": turn.before, "after": turn.after}
    return {"date": date, "kind": turn.kind, **reasons, "records": those.records, "of": of, "samples": samples}


def _order(counted: tuple[tuple[str, Turn], Turned]) -> tuple[str, int, int, str, str]:
    """By day; what is worst first, and of it what is most."""
    (date, turn), those = counted
    return date, [*KINDS].index(turn.kind), -those.records, turn.before or "", turn.after or ""


def _reason(group: Mapping[str, Any]) -> str:
    return " -> ".join(reason for reason in (group["before"], group["after"]) if reason)


def _share(records: int, of: int) -> str:
    """Part of the traffic in per cent; what there is little of is not rounded to nothing."""
    share = 100 * records / of
    return f"{share:.2f} %" if share >= 0.01 else "< 0.01 %"


def _edited(version: str) -> str:
    return f"{version} is not what hours were judged by: a version is never edited, give the change a number of its own"


def _before(source: Source, version: str) -> Schema:
    """What a version is compared with: the one that the YAML names, or where it names this one, the one before it."""
    named = source.events.contract
    older = versions(SCHEMAS, source.name, until=version)[:-1]
    return _schema(source, older[-1] if named == version and older else named)


def _schema(source: Source, version: str, todo: str | None = None) -> Schema:
    try:
        return load_schema(SCHEMAS, source.name, version)
    except SchemaFault as fault:
        raise Failed(str(fault), todo=todo) from fault


def _faults_of_declaration(source: Source, version: str) -> list[str]:
    """What the source's YAML could not keep if it named the version.

    Raises:
        Failed: a field that every record is judged by is among it.
    """
    try:
        load_source(INCLUDE / "sources" / f"{source.name}.yaml", SCHEMAS, version)
    except InvalidSources as invalid:
        if grave := [fault for fault in invalid.faults if fault.field.startswith("events.")]:
            raise Failed("no record can be judged by it:\n" + "\n".join(map(str, grave))) from invalid
        return list(map(str, invalid.faults))
    return []


def main() -> None:
    sources, faults = load_sources()
    name, version, days = os.environ.get("SOURCE", ""), os.environ.get("CONTRACT", ""), os.environ.get("DAYS") or DAYS
    if name not in sources:
        raise Failed(f"SOURCE is {name!r}; it may be {', '.join(sources)}" + (f"\n{faults}" if faults else ""))
    if not str(days).isdecimal() or not int(days):
        raise Failed(f"DAYS is {days!r}; it must be a number of days, 1 or more")
    told = report(sources[name], version, int(days), show=bool(os.environ.get("SHOW")))
    if os.environ.get("JSON"):
        print(json.dumps(told))
    else:
        show(told)
    sys.exit(1 if told["newly_quarantined"] else 0)


if __name__ == "__main__":
    command(main)
