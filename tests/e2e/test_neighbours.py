"""A live run and an on-call engineer's run, at once, over neighbouring hours that share sessions and a copy.

The two take turns at the source's tables, and leave what one run over the whole day makes of the same Bronze.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from clickstream.lake.windows import HOUR, hour_text
from commands import airflow_stack
from commands.airflow_api import Airflow
from commands.dialects import DIALECTS
from tests.e2e.conftest import Stack, lake_of, until
from tests.integration.stack.proof import KINDS

pytestmark = pytest.mark.full

LIVE = datetime(2026, 11, 18, 20, tzinfo=UTC)
BY_HAND = LIVE + HOUR
VISITS = 40


def send(stack: Stack, source: str, folder: Path) -> dict[datetime, int]:
    """Let visits arrive that go on from the live hour into the next, and there the first event once more.

    Returns:
        How many good events they have, by the hour in which they arrive.
    """
    rng, dialect = random.Random(9), DIALECTS[source]
    begun = [LIVE + timedelta(minutes=50 + 9 * rng.random()) for _ in range(VISITS)]
    moments = [moment for at in begun for moment in dialect.visit(rng, at) if not dialect.refused(moment.event)]
    hours: dict[datetime, list[Any]] = {LIVE: [], BY_HAND: []}
    for moment in sorted(moments, key=lambda moment: moment.at):
        hours[LIVE if moment.at < BY_HAND else BY_HAND].append(moment.event)
    good = {hour: len(events) for hour, events in hours.items()}
    hours[BY_HAND].append(hours[LIVE][0])
    for hour, events in hours.items():
        file = folder / f"{hour:%H}.ndjson"
        file.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
        stack.make("send", SOURCE=source, EVENTS=str(file), AT=hour_text(hour))
    return good


def fates(stack: Stack, source: str, hour: datetime) -> dict[str, int]:
    told = next(each for each in stack.status(source)["hours"] if each["arrival_hour"] == hour_text(hour))
    counted: dict[str, int] = told["fates"]
    return counted


@pytest.mark.parametrize("source", ["shop_clicks", "chart_affiliates"])
def test_a_live_run_and_one_by_hand_take_turns_and_leave_what_one_run_makes(
    source: str, stack: Stack, tmp_path: Path
) -> None:
    before = {hour: fates(stack, source, hour) for hour in (LIVE, BY_HAND)}
    jobs = [f"{source}__bronze_to_silver", f"{source}__silver_to_gold"]
    glue = stack.client("glue")
    known = {run["Id"] for job in jobs for run in glue.get_job_runs(JobName=job)["JobRuns"]}
    good = send(stack, source, tmp_path)
    assert min(good.values()) > 20

    # WHEN both are started at once
    dags = {f"{source}__hourly": "", f"{source}__daily": ""}
    with Airflow(f"http://127.0.0.1:{stack.knobs['AIRFLOW_PORT']}", *airflow_stack.LOGIN) as airflow:
        airflow.unpause(f"{source}__hourly")
        window = f"{hour_text(BY_HAND)}/{hour_text(BY_HAND + HOUR)}"
        for dag, conf in zip(dags, ({}, {"window": window, "force": True}), strict=True):
            dags[dag] = airflow.trigger(dag, LIVE.date(), conf).id

        def run_of(dag: str) -> Any:
            return airflow._send("GET", f"/api/v2/dags/{dag}/dagRuns/{dags[dag]}")

        until(lambda: all(run_of(dag)["state"] in {"success", "failed"} for dag in dags))
        ended = [run_of(dag) for dag in dags]
    assert [run["state"] for run in ended] == ["success", "success"]
    assert max(run["start_date"] for run in ended) < min(run["end_date"] for run in ended)

    # THEN no job of the source ran beside another
    runs = [run for job in jobs for run in glue.get_job_runs(JobName=job)["JobRuns"] if run["Id"] not in known]
    turns = sorted((run["StartedOn"], run["CompletedOn"]) for run in runs)
    assert len(turns) >= 3
    assert all(end <= start for (_, end), (start, _) in pairwise(turns))

    # AND all is proven, the copy in the later hour
    stack.make("prove", SOURCE=source, DATE=f"{LIVE:%Y-%m-%d}")
    gained = {
        hour: {fate: count - was[fate] for fate, count in fates(stack, source, hour).items()}
        for hour, was in before.items()
    }
    none = {"filtered": 0, "quarantined": 0}
    assert gained == {
        LIVE: {"good": good[LIVE], "duplicate": 0, **none},
        BY_HAND: {"good": good[BY_HAND], "duplicate": 1, **none},
    }
    told = stack.status(source)
    assert {each["state"] for each in told["hours"] + told["dates"]} == {"verified"}

    # AND one run over the whole day makes the same of it
    with lake_of(stack, source) as lake:
        tables = (*KINDS, *lake.source.declared_gold.stored)
        made, versions = {table: lake.rows_of(table) for table in tables}, lake.versions("silver")
        stack.make("backfill", SOURCE=source, FROM=f"{LIVE:%Y-%m-%d}", TO=f"{LIVE:%Y-%m-%d}")
        assert lake.versions("silver") != versions
        assert {table: lake.rows_of(table) for table in tables} == made
    assert stack.pages() == []
