"""Every cause that people can be paged for has its runbook, and every runbook its cause."""

from __future__ import annotations

import pytest

from clickstream.paging.causes import CAUSES
from commands.settings import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"


def test_causes_and_runbooks_are_the_same() -> None:
    assert {file.name for file in RUNBOOKS.iterdir()} == {f"{cause}.md" for cause in CAUSES}


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_a_runbook_names_its_cause_and_says_what_it_means_where_to_look_and_what_to_do(cause: str) -> None:
    lines = (RUNBOOKS / f"{cause}.md").read_text().splitlines()
    assert lines[0] == f"# {cause}"
    for part in ("**What it says.** ", "**Look.** ", "**Do.** "):
        assert any(line.startswith(part) for line in lines), part
