"""What `make status` prints of hours that were accepted with a loss."""

from __future__ import annotations

import io

from rich.console import Console

from clickstream.reconciliation.report import source_report
from commands import status
from tests.unit.reconciliation.makers import at, key, source
from tests.unit.reconciliation.stage import Stage


def test_an_exception_is_told_with_who_why_what_and_where_it_stands() -> None:
    stage = Stage(source(verify_until=at(2)))
    stage.put(0, "x", b"a click")
    stage.put(1, "x", b"b click", b"c click")
    stage.prove(0, 1, "r0")
    stage.lose(1, "x")
    stage.prove(1, 1, "w", waive="[urgent] no version of it is left")
    printed = io.StringIO()
    quality = {"tiers": [], "failed": []}
    told = {"sources": {"retail_web": source_report(stage.place, stage.source) | {"quality": quality}}}
    status.show(told, Console(file=printed, width=80))
    lines = printed.getvalue().splitlines()
    assert (
        f"  2026-11-17 01 verified with exception: object_missing 2 in {key(1, 'x')}; maria, 2026-11-21: "
        "[urgent] no version of it is left (ledger/retail_web/000000000001.ndjson)"
    ) in lines
    assert [line.strip("│ ").split()[-1] for line in lines if line.startswith("│ 2026-11-17 01")] == ["excepted"]
    assert sum("verified with exception" in line for line in lines) == 1
