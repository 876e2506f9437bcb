"""What a run is asked for, and each way in which its Params contradict."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.lake.windows import Window
from clickstream.reconciliation.request import Contradiction, Occasion, Request, read_request
from tests.unit.reconciliation.makers import at, source, text

WHY = "no version of it is left"
WINDOW = f"{text(30)}/{text(32)}"
HOURS = Window(at(30), at(32))
DAY = Window(at(24), at(48))


def read(kind: str = "manual", *, cleared: bool = False, **params: Any) -> Request:
    given = {"window": None, "force": False, "contract": "pinned", "waive": None, **params}
    return read_request(given, Occasion(kind, cleared, (DAY.start, DAY.end), at(60)), source())


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (read("scheduled"), Request(DAY)),
        (read("backfill"), Request(DAY, forced=True)),
        (read("scheduled", cleared=True), Request(DAY, forced=True)),
        (read("backfill", contract="latest"), Request(DAY, forced=True, contract="latest")),
        (read(window=WINDOW), Request(HOURS)),
        (read(window=WINDOW, force=True), Request(HOURS, forced=True)),
        (read(window=WINDOW, cleared=True), Request(HOURS, forced=True)),
        (read(window=WINDOW, contract="latest"), Request(HOURS, contract="latest")),
        (read(window=WINDOW, waive=f"  {WHY} \n"), Request(HOURS, waive=WHY)),
        # A waiver that is asked for again forces nothing: people accept what is there.
        (read(window=WINDOW, waive=WHY, cleared=True), Request(HOURS, waive=WHY)),
        # Hours before the source is proven are left out, later.
        (read(window=f"{text(-2)}/{text(1)}"), Request(Window(at(-2), at(1)))),
        (read(window=f"{text(59)}/{text(60)}"), Request(Window(at(59), at(60)))),
    ],
    ids=lambda value: "" if isinstance(value, Request) else None,
)
def test_what_is_asked_for(asked: Request, wanted: Request) -> None:
    assert asked == wanted


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        ("manual", {}, ["params.window = None: a run by hand needs START/END"]),
        ("manual", {"window": ""}, ["params.window = '': a run by hand needs START/END"]),
        ("asset_triggered", {}, ["params.window = None: a run by hand needs START/END"]),
        ("scheduled", {"window": WINDOW}, [f"params.window = '{WINDOW}': a scheduled run has a day of its own"]),
        ("backfill", {"window": WINDOW}, [f"params.window = '{WINDOW}': a backfill run has a day of its own"]),
        ("manual", {"window": text(30)}, [f"params.window = '{text(30)}': '{text(30)}' is no window"]),
        ("manual", {"window": f"{text(32)}/{text(30)}"}, ["params.window = ", "is empty: its start must lie before"]),
        ("manual", {"window": f"{text(30)}/{text(30)}"}, ["params.window = ", "is empty"]),
        ("manual", {"window": WINDOW.replace(":00:00Z/", ":30:00Z/")}, ["params.window = ", "is not a whole hour"]),
        ("manual", {"window": WINDOW.replace("Z", "+01:00")}, ["params.window = ", "is not a time in UTC"]),
        ("manual", {"window": WINDOW.replace("11-18", "02-30")}, ["params.window = ", "day is out of range"]),
        ("manual", {"window": f"{text(-9)}/{text(0)}"}, ["params.window = ", "2026-11-17T00:00:00Z (verify_from)"]),
        (
            "manual",
            {"window": f"{text(59)}/{text(61)}"},
            ["params.window = ", "has not ended, it is 2026-11-19T12:00Z"],
        ),
        ("manual", {"waive": WHY}, ["params.window = None", f"params.waive = '{WHY}': without params.window"]),
        ("scheduled", {"waive": WHY}, [f"params.waive = '{WHY}': on a scheduled run"]),
        ("backfill", {"waive": WHY}, [f"params.waive = '{WHY}': on a backfill run"]),
        ("manual", {"window": WINDOW, "waive": "gone      "}, ["params.waive = 'gone      ': write why"]),
        ("manual", {"window": WINDOW, "waive": ""}, ["params.waive = '': write why"]),
        (
            "manual",
            {"window": WINDOW, "waive": WHY, "force": True},
            [f"params.waive = '{WHY}': with params.force = True; force first"],
        ),
        (
            "manual",
            {"window": WINDOW, "waive": WHY, "contract": "latest"},
            [f"params.waive = '{WHY}': with params.contract = 'latest'; replay first"],
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_name_and_value(
    kind: str, params: dict[str, Any], told: list[str]
) -> None:
    with pytest.raises(Contradiction) as refused:
        read(kind, **params)
    for part in told:
        assert part in str(refused.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Contradiction) as refused:
        read("backfill", window="tomorrow", waive="x", force=True, contract="latest")
    assert str(refused.value).count("params.window = ") == 2
    assert str(refused.value).count("params.waive = ") == 4
