"""Faults are made where they can be: of single lines only where Bronze has lines."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.manifest import CountedObject
from clickstream.sources.loader import load_sources
from commands import break_
from commands.break_ import FAULTS, OF_LINES, Scene
from commands.terminal import Failed


def scene(source: str, key: str = "landing/hour=05/a-1.parquet") -> Scene:
    hit = CountedObject(key=key, etag="e", size=1, content=Fingerprint(1, 2, 3))
    return Scene(MagicMock(lake="lake"), load_sources()[0][source], Mock(), hit)


@pytest.mark.parametrize("extension", ["gz", "parquet"])
def test_an_object_that_is_delivered_again_lies_beside_the_first_and_is_read_as_it(extension: str) -> None:
    made = scene("retail_web", f"landing/hour=05/a-1.{extension}")
    FAULTS["doubled-object"][0](made)
    put: Any = made.place.s3.put_object
    assert put.call_args.kwargs["Key"] == f"landing/hour=05/a-1-again.{extension}"


@pytest.mark.parametrize("what", OF_LINES)
def test_a_bronze_of_rows_has_no_lines_to_break(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHAT", what)
    monkeypatch.setattr(break_, "_scene", lambda: scene("chart_affiliates"))
    with pytest.raises(Failed, match=f"{what} is made of lines, and the Bronze of chart_affiliates holds rows"):
        break_.main()


def test_without_a_source_one_is_hit_that_every_fault_can_be_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE", raising=False)
    monkeypatch.setattr(break_, "Place", Mock())
    monkeypatch.setattr(break_, "boto3", Mock())
    monkeypatch.setattr(break_, "Ledger", Mock())
    monkeypatch.setattr(break_, "current_entries", lambda entries: {})
    with pytest.raises(Failed, match="retail_web has no verified hour"):
        break_._scene()
