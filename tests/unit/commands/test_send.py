"""`make send`: what it refuses before anything is sent, and in which words."""

from __future__ import annotations

import gzip
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import send
from commands.pacing import Load

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'{"event_id":"1"}\n\n  \nnot json\r\n{"event_id":"2"}')
    return file


def _refusal(source: str, events: Path, at: str | None) -> str:
    with pytest.raises(send.Refused) as refusal:
        send.take_order(source, events, at, NOW)
    return str(refusal.value)


def test_a_file_is_measured_by_its_raw_records(events: Path) -> None:
    order = send.take_order("retail_web", events, "2026-11-18T13:00:00Z", NOW)
    assert order.load == Load(4, 16 + 2 + 8 + 16, 4)
    assert order.source.name == "retail_web"
    assert order.at == order.start == datetime(2026, 11, 18, 13, tzinfo=UTC)
    assert order.until == datetime(2026, 11, 18, 13, 54, tzinfo=UTC)


def test_a_gzipped_file_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson.gz"
    file.write_bytes(gzip.compress(b"{}\n{}\n"))
    assert send.take_order("retail_web", file, None, NOW).load.records == 2


@pytest.mark.parametrize(
    ("at", "start"),
    [
        ("2026-11-18T13:05:30Z", datetime(2026, 11, 18, 13, 5, 30, tzinfo=UTC)),
        ("2026-11-18T13:05Z", datetime(2026, 11, 18, 13, 5, tzinfo=UTC)),
        ("2026-11-18T13:05:30.250+00:00", datetime(2026, 11, 18, 13, 5, 30, 250_000, tzinfo=UTC)),
        ("2026-11-18T00:00:00Z", datetime(2026, 11, 18, tzinfo=UTC)),
        ("2026-11-20T09:30:00Z", NOW),
    ],
)
def test_times_that_are_taken(at: str, start: datetime, events: Path) -> None:
    assert send.take_order("retail_web", events, at, NOW).at == start


def test_an_hour_that_has_not_ended_is_used_up_to_now(events: Path) -> None:
    order = send.take_order("retail_web", events, "2026-11-20T09:00:00Z", NOW)
    assert order.until == datetime(2026, 11, 20, 9, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    "at", ["", "2026-11-18", "13:00", "2026-11-18T13", "2026-11-18T13:00:00", "2026-11-18T13:00:00+01:00",
           "2026-02-31T13:00:00Z", "yesterday", "2026-11-18 13:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_in_utc_is_refused(at: str, events: Path) -> None:
    assert _refusal("retail_web", events, at) == f"AT={at} is no time in UTC, such as 2026-11-18T13:00:00Z"


def test_the_future_is_refused(events: Path) -> None:
    assert _refusal("retail_web", events, "2026-11-20T09:30:01Z") == (
        "AT=2026-11-20T09:30:01Z lies in the future: it is 2026-11-20T09:30:00Z"
    )


def test_hours_before_the_first_proven_one_are_refused(events: Path) -> None:
    assert _refusal("retail_web", events, "2026-11-17T23:59:59Z") == (
        "AT=2026-11-17T23:59:59Z lies before 2026-11-18T00:00:00Z, from when retail_web is proven (verify_from)"
    )


def test_an_unknown_source_is_refused_with_the_known_ones(events: Path) -> None:
    assert (
        _refusal("retail", events, None)
        == "there is no source 'retail'; there are: chart_affiliates, retail_web, shop_clicks"
    )


@pytest.mark.parametrize("name", ["absent.ndjson", "folder", "no.gz", "half.gz", "spoilt.gz", "garbled.gz"])
def test_a_file_that_cannot_be_read_to_its_end_is_refused(name: str, tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b"{}\n" * 1000 + bytes(range(256)) * 50))
    (tmp_path / "folder").mkdir()
    (tmp_path / "no.gz").write_bytes(b"{}\n")
    (tmp_path / "half.gz").write_bytes(whole[: len(whole) // 2])
    whole[-8] ^= 255  # of the checksum
    (tmp_path / "spoilt.gz").write_bytes(whole)
    whole[10] = 255  # no kind of block
    (tmp_path / "garbled.gz").write_bytes(whole)
    assert _refusal("retail_web", tmp_path / name, None).startswith(f"EVENTS={tmp_path / name} cannot be read: ")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"AT": "2099-01-01T00:00:00Z"}, "make send: AT=2099-01-01T00:00:00Z lies in the future"),
        ({"SOURCE": ""}, "make send: name both: make send SOURCE="),
        ({"EVENTS": ""}, "make send: name both: make send SOURCE="),
    ],
)
def test_a_refusal_ends_with_2_and_says_why_on_stderr(
    changed: dict[str, str],
    said: str,
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for knob, value in {"SOURCE": "retail_web", "EVENTS": str(events), "AT": "", **changed}.items():
        monkeypatch.setenv(knob, value)
    with pytest.raises(SystemExit) as end:
        send.main()
    assert end.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(said)


def test_without_the_local_cloud_nothing_is_tried(
    events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    knobs = {"SOURCE": "retail_web", "EVENTS": str(events), "AT": "", "STATE": str(tmp_path), "CLOUD_PORT": str(port)}
    for knob, value in {**knobs, "AIRFLOW_PORT": "1", "AIRFLOW_LOG_PORT": "2"}.items():
        monkeypatch.setenv(knob, value)
    with pytest.raises(SystemExit) as end:
        send.main()
    assert end.value.code == 2
    assert "does not answer" in capsys.readouterr().err
