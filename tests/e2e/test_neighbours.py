"""A live run and an on-call engineer's run, at once, over neighbouring hours that share sessions and a copy.

The two take turns at the source's tables, and leave what one run over both hours makes of the same Bronze.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.made_lake import MadeLake
from benchmarks.silver_to_gold import make_floor
from clickstream.lake.windows import HOUR, hour_text
from commands import airflow_stack
from commands.airflow_api import Airflow
from commands.dialects import DIALECTS
from tests.e2e.conftest import Stack, lake_of, until
from tests.integration.stack.proof import KINDS

pytestmark = pytest.mark.full

LIVE = datetime(2026, 11, 19, tzinfo=UTC)
"""The first hour that no run has looked at."""
BY_HAND = LIVE - HOUR
VISITS = 40
TURNS_WITHIN = 600
"""Seconds, for three Glue runs one after the other."""


def send(stack: Stack, source: str, folder: Path) -> dict[datetime, int]:
    """Let visits arrive that go on from the hour before into the live one, and there their first event once more.

    Returns:
        How many good events they have, by the hour in which they arrive.
    """
    rng, dialect = random.Random(9), DIALECTS[source]
    begun = [LIVE - timedelta(minutes=9 * rng.random()) for _ in range(VISITS)]
    moments = [moment for at in begun for moment in dialect.visit(rng, at) if moment.at < LIVE + HOUR]
    moments = [moment for moment in moments if not dialect.refused(moment.event)]
    hours: dict[datetime, list[Any]] = {BY_HAND: [], LIVE: []}
    for moment in sorted(moments, key=lambda moment: moment.at):
        hours[BY_HAND if moment.at < LIVE else LIVE].append(moment.event)
    good = {hour: len(events) for hour, events in hours.items()}
    hours[LIVE].append(hours[BY_HAND][0])
    for hour, events in hours.items():
        file = folder / f"{hour:%H}.ndjson"
        file.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
        stack.make("send", SOURCE=source, EVENTS=str(file), AT=hour_text(hour))
    return good


def window(start: datetime, end: datetime) -> dict[str, Any]:
    """Params of a run by hand."""
    return {"window": f"{hour_text(start)}/{hour_text(end)}", "force": True}


def newest(stack: Stack, source: str, hour: datetime) -> dict[str, Any]:
    """The hour's newest line of the ledger."""
    return [line for line in stack.ledger(source) if line.get("arrival_hour") == hour_text(hour)][-1]


@pytest.mark.parametrize("source", ["shop_clicks", "chart_affiliates"])
def test_a_live_run_and_one_by_hand_take_turns_and_leave_what_one_run_makes(
    source: str, stack: Stack, tmp_path: Path
) -> None:
    hourly, daily = f"{source}__hourly", f"{source}__daily"
    jobs = [f"{source}__bronze_to_silver", f"{source}__silver_to_gold"]
    glue = stack.client("glue")
    known = {run["Id"] for job in jobs for run in glue.get_job_runs(JobName=job)["JobRuns"]}
    before = newest(stack, source, BY_HAND)["fates"]
    good = send(stack, source, tmp_path)
    assert min(good.values()) > 20

    with Airflow(f"http://127.0.0.1:{stack.knobs['AIRFLOW_PORT']}", *airflow_stack.LOGIN) as airflow:

        def latest(dag: str) -> Any:
            answer = airflow._send("GET", f"/api/v2/dags/{dag}/dagRuns", params={"order_by": "-run_after"})
            return max(answer["dag_runs"], key=lambda run: run["queued_at"])

        # WHEN both are started at once
        airflow.unpause(hourly)
        airflow.run_interval(hourly, LIVE, LIVE + HOUR)
        airflow.trigger(daily, BY_HAND.date(), window(BY_HAND, LIVE))
        until(lambda: all(latest(dag)["state"] in {"success", "failed"} for dag in (hourly, daily)), TURNS_WITHIN)
        ended = [latest(dag) for dag in (hourly, daily)]
        assert [run["state"] for run in ended] == ["success", "success"]
        assert max(run["start_date"] for run in ended) < min(run["end_date"] for run in ended)

        # THEN no job of the source ran beside another
        runs = [run for job in jobs for run in glue.get_job_runs(JobName=job)["JobRuns"] if run["Id"] not in known]
        turns = sorted((run["StartedOn"], run["CompletedOn"]) for run in runs)
        assert len(turns) >= 3
        assert all(end <= start for (_, end), (start, _) in pairwise(turns))

        with lake_of(stack, source) as lake:
            made, versions = lake.rows(), lake.versions("silver")

            # AND one run over both hours makes the same of them, and proves it
            airflow.trigger(daily, BY_HAND.date(), window(BY_HAND, LIVE + HOUR))
            until(lambda: latest(daily)["state"] in {"success", "failed"}, TURNS_WITHIN)
            assert latest(daily)["state"] == "success"
            assert lake.versions("silver") != versions
            assert lake.rows() == made
            assert {*made} == {*KINDS}
            plain = make_floor(MadeLake(lake.place, lake.source))
    assert {newest(stack, source, hour)["state"] for hour in good} == {"verified"}
    gained = {fate: count - before[fate] for fate, count in newest(stack, source, BY_HAND)["fates"].items()}
    assert gained == {"good": good[BY_HAND], "duplicate": 0, "filtered": 0, "quarantined": 0}
    of_live = newest(stack, source, LIVE)["fates"]
    assert (of_live["good"], of_live["duplicate"], of_live["quarantined"]) == (good[LIVE], 1, 0)
    assert plain["differing"] == dict.fromkeys(lake.source.declared_gold.tables, 0)
    assert stack.pages() == []
