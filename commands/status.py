"""`make status [SOURCE=] [JSON=1]`: what is proven, tier by tier, from the ledger and the live listings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from clickstream.lake.place import Place
from clickstream.quality.report import quality_report
from clickstream.reconciliation.ledger import LedgerBroken
from clickstream.reconciliation.report import source_report
from clickstream.sources.loader import load_sources
from commands.terminal import Failed, command

STYLES = {"verified": "green", "excepted": "yellow", "failed": "bold red", "late_change": "red"}
QUALITY_STYLES = {"warned": "yellow", "failed": "bold red"}
TIERS = ("producer", "stream", "delivery", "bronze", "silver")
WIDEST = 1000
FATES = ("good", "filtered", "quarantined", "duplicate")


def report(source: str | None) -> dict[str, Any]:
    """The standing of one source, or of all: the object that `JSON=1` prints.

    Raises:
        Failed: no such source, or a ledger whose chain does not hold.
    """
    sources, faults = load_sources()
    if source is not None and source not in sources:
        raise Failed(f"SOURCE is {source!r}; it may be {', '.join(sources)}" + (f"\n{faults}" if faults else ""))
    place = Place.of(boto3.Session())
    try:
        return {
            "sources": {
                name: source_report(place, declared) | {"quality": quality_report(place, declared)}
                for name, declared in sources.items()
                if source is None or name == source
            }
        }
    except LedgerBroken as broken:
        raise Failed(f"the ledger does not hold: {broken}", todo="docs/runbooks/ledger_broken.md") from broken


def show(told: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the reconciliation table of each source in a report."""
    console = console or Console()
    for name, standing in told["sources"].items():
        table = Table(title=f"{name}: verified through {standing['verified_through'] or 'nothing yet'}")
        table.add_column("arrival hour", no_wrap=True)
        for column in (*TIERS, *FATES[1:]):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("state", no_wrap=True)
        for hour in standing["hours"]:
            tiers, state = hour["tiers"], hour["state"]
            table.add_row(
                hour["arrival_hour"][:13].replace("T", " "),
                *("" if tiers[tier] is None else f"{tiers[tier]:,}" for tier in TIERS),
                *(f"{hour['fates'][fate]:,}" if hour["evidence"] else "" for fate in FATES[1:]),
                " ".join([state, *hour["causes"]]) if state == "failed" else state,
                style=STYLES.get(state),
            )
        table.add_section()
        table.add_row("all", *_totals(standing["hours"]), "")
        # A figure is never cut short: where the terminal is too narrow, or there is none, the line is longer.
        console.width = max(
            console.width, console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
        )
        console.print(table)
        _show_waivers(console, standing)
        _show_dates(console, standing)
        _show_quality(console, standing["quality"])


def _totals(hours: list[dict[str, Any]]) -> list[str]:
    counted = [[count for hour in hours if (count := hour["tiers"][tier]) is not None] for tier in TIERS]
    counted += [[hour["fates"][fate] for hour in hours] for fate in FATES[1:]]
    return [f"{sum(counts):,}" if counts else "" for counts in counted]


def _show_waivers(console: Console, standing: Mapping[str, Any]) -> None:
    for hour in standing["hours"]:
        for waiver in hour["waivers"]:
            losses = [
                f"{loss['code']} {loss['records']:,}" + (f" in {loss['object']}" if loss["object"] else "")
                for loss in waiver["losses"]
            ]
            if waiver["followed"]:
                losses.append(f"acknowledged records of a lost object {waiver['followed']:,}")
            console.print(
                f"  {hour['arrival_hour'][:13].replace('T', ' ')} verified with exception: {'; '.join(losses)}; "
                f"{waiver['waived_by']}, {waiver['waived_at'][:10]}: {waiver['reason']} ({hour['evidence']})",
                markup=False,
                soft_wrap=True,
            )


def _show_dates(console: Console, standing: Mapping[str, Any]) -> None:
    for date in standing["dates"]:
        gold = "".join(f", {table} {records:,}" for table, records in date["gold"].items())
        without = f", {date['without_session']:,} without a session" if date["without_session"] else ""
        console.print(f"  event date {date['event_date']}: silver {date['silver']:,}{gold}{without}, {date['state']}")


def _show_quality(console: Console, quality: Mapping[str, Any]) -> None:
    """The newest result of each tier, and failed windows that no newer result speaks of."""
    for result in [*quality["tiers"], *(each for each in quality["failed"] if each not in quality["tiers"])]:
        failed = [f"{name} ({severity})" for severity, names in result["failed"].items() for name in names]
        judged = result["expectations"] - len(result["unjudged"])
        console.print(
            f"  data quality of {result['tier']}, {result['window']}: {result['state']}, "
            f"{judged - len(failed)} of {judged} expectations hold"
            + (f", {len(result['unjudged'])} had too few records" if result["unjudged"] else "")
            + (f"; failed: {', '.join(failed)}" if failed else ""),
            style=QUALITY_STYLES.get(result["state"]),
            soft_wrap=True,
        )


def main() -> None:
    told = report(os.environ.get("SOURCE") or None)
    if os.environ.get("JSON"):
        print(json.dumps(told))
    else:
        show(told)


if __name__ == "__main__":
    command(main)
