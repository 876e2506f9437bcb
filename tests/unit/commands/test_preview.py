"""What `make preview` says of a new contract, and with which exit code it ends."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from clickstream.contract.records import raw_hash
from clickstream.sources.loader import INCLUDE
from commands import preview
from commands.terminal import Failed
from tests.unit.reconciliation.makers import key, put, source
from tests.unit.reconciliation.test_preview import Past, click

DOCUMENT: dict[str, Any] = orjson.loads((INCLUDE / "schemas/retail_web/1.0.0.json").read_bytes())
BROWSER = {"type": ["string", "null"]}
Release = Callable[..., None]
GOOD, BAD = click("a", 0, os="x"), click("b", 0, os=7)


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> Past:
    past = Past()
    past.hour(0, a=[GOOD, BAD, click("c", 0)])
    monkeypatch.setattr(preview.Place, "of", lambda session: past.place)
    monkeypatch.setattr(preview.boto3, "Session", lambda: None)
    return past


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Release:
    """Writes a version: the shipped contract with some properties of its own, or without those set to None."""
    monkeypatch.setattr(preview, "SCHEMAS", tmp_path)
    (tmp_path / "retail_web").mkdir()

    def write(version: str, **properties: Any) -> None:
        declared = {name: node for name, node in (DOCUMENT["properties"] | properties).items() if node is not None}
        (tmp_path / "retail_web" / f"{version}.json").write_bytes(orjson.dumps(DOCUMENT | {"properties": declared}))

    write("1.0.0")
    return write


def told(past: Past, version: str, *, show: bool = False) -> dict[str, Any]:
    return preview.report(past.source, version, 7, show=show)


def printed(report: dict[str, Any]) -> list[str]:
    out = io.StringIO()
    preview.show(report, Console(file=out, width=60))
    return out.getvalue().splitlines()


def test_a_contract_that_harms_nothing_says_so(past: Past, release: Release) -> None:
    release("1.1.0", os={"type": ["string", "integer", "null"]}, coupon={"type": "string"})
    report = told(past, "1.1.0")
    assert (report["faults"], report["declaration"], report["newly_quarantined"]) == ([], [], 0)
    lines = printed(report)
    assert lines[0] == "retail_web: contract 1.1.0, compared with 1.0.0"
    assert lines[1:3] == [
        "  minor: os: type integer or null or string, was null or string",
        "  minor: coupon: new optional field",
    ]
    assert [line.split("│")[1:-1] for line in lines if "newly good" in line and "│" in line] == [
        [" 2026-11-17   ", " newly good ", " type:os ", "       1 ", " 33.33 % "]
    ]
    assert f"    {key(0, 'a')} {raw_hash(BAD)}" in lines
    assert lines[-2:] == [
        "3 records of 2026-11-17T00:00:00Z/2026-11-17T01:00:00Z were judged by both.",
        "With 1.1.0: nothing that is good would be quarantined; out of quarantine: 1.",
    ]


def test_a_breaking_change_in_a_minor_version_is_a_fault_and_its_harm_is_counted(past: Past, release: Release) -> None:
    release("1.1.0", os={"type": ["integer", "null"]})
    lines = printed(told(past, "1.1.0"))
    assert "  breaking: os: type integer or null, was null or string" in lines
    assert "  fault: 1.1.0 has breaking changes: after 1.0.0 it must be 2.0.0" in lines
    assert lines[-1] == (
        "With 1.1.0: 1 of 3 records that are good would be quarantined (33.33 %); out of quarantine: 1."
    )


def test_what_the_yaml_must_change_is_told(past: Past, release: Release) -> None:
    release("2.0.0", os=None)
    report = told(past, "2.0.0")
    assert report["declaration"] == [
        "sources/retail_web.yaml: silver.os.path = 'os': a field that the contract declares"
    ]
    assert any(line.startswith("  with 2.0.0 the YAML must change: ") for line in printed(report))


def test_a_contract_without_what_the_proof_stands_on_is_refused(past: Past, release: Release) -> None:
    release("2.0.0", timestamp=None)
    with pytest.raises(Failed, match=r"events\.timestamp = 'timestamp': a field that the contract declares"):
        told(past, "2.0.0")


def test_payloads_are_printed_when_they_are_asked_for_and_not_else(past: Past, release: Release) -> None:
    release("2.0.0", os={"type": "null"})
    assert not any("event_id" in line for line in printed(told(past, "2.0.0")))
    assert f"    {key(0, 'a')} {raw_hash(GOOD)} {GOOD.decode()}" in printed(told(past, "2.0.0", show=True))


def test_an_edited_version_is_a_fault(past: Past, release: Release) -> None:
    release("1.0.0", os={"type": "null"})
    release("1.1.0", os={"type": "null"})
    (fault,) = told(past, "1.1.0")["faults"]
    assert fault.startswith("1.0.0 is not what hours were judged by: a version is never edited")


def test_a_version_that_the_yaml_names_already_is_compared_with_the_one_before(past: Past, release: Release) -> None:
    release("1.1.0", coupon=BROWSER)
    named = past.source.model_copy(update={"events": past.source.events.model_copy(update={"contract": "1.1.0"})})
    report = preview.report(named, "1.1.0", 7)
    assert (report["compared_with"], report["faults"]) == ("1.0.0", [])
    assert [change["path"] for change in report["changes"]] == ["coupon"]


def test_the_only_version_can_be_tried_on_itself(past: Past, release: Release) -> None:
    report = told(past, "1.0.0")
    assert (report["changes"], report["faults"], report["turned"]) == ([], [], [])


@pytest.mark.parametrize("version", ["1.2.0", "", "../retail_web/1.0.0"])
def test_a_version_that_is_not_there_is_told_with_those_that_are(past: Past, release: Release, version: str) -> None:
    with pytest.raises(Failed, match=r"include/schemas/retail_web/ holds 1\.0\.0"):
        told(past, version)


def test_a_version_that_hours_are_pinned_to_must_be_there(past: Past, release: Release) -> None:
    release("1.1.0")
    (preview.SCHEMAS / "retail_web" / "1.0.0.json").unlink()
    named = past.source.model_copy(update={"events": past.source.events.model_copy(update={"contract": "1.1.0"})})
    with pytest.raises(Failed, match=r"no file schemas/retail_web/1\.0\.0\.json") as failed:
        preview.report(named, "1.1.0", 7)
    assert failed.value.todo == "hours are judged by it: bring it back as it was"


def test_an_object_that_is_not_as_it_was_counted_ends_it(past: Past, release: Release) -> None:
    put(past.s3, 0, "a", GOOD)
    with pytest.raises(Failed, match=r"hour=00/a\.gz of hour 2026-11-17T00:00:00Z is not the one that was counted"):
        told(past, "1.0.0")


@pytest.mark.parametrize(
    ("kinds", "code"), [({"type": "null"}, 1), ({"type": ["string", "integer", "null"]}, 0)], ids=["harm", "no harm"]
)
def test_the_exit_code_says_whether_anything_good_would_be_quarantined(
    past: Past,
    release: Release,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kinds: dict[str, Any],
    code: int,
) -> None:
    release("2.0.0", os=kinds)
    for name, value in {"SOURCE": "retail_web", "CONTRACT": "2.0.0", "JSON": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(preview, "load_sources", lambda: ({"retail_web": source()}, None))
    with pytest.raises(SystemExit) as ended:
        preview.main()
    assert ended.value.code == code
    assert json.loads(capsys.readouterr().out)["contract"] == "2.0.0"


@pytest.mark.parametrize(("name", "value"), [("SOURCE", "shop"), ("DAYS", "0"), ("DAYS", "a week")])
def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for knob, given in {"SOURCE": "retail_web", "CONTRACT": "1.0.0", name: value}.items():
        monkeypatch.setenv(knob, given)
    with pytest.raises(Failed, match=f"{name} is '{value}'"):
        preview.main()
