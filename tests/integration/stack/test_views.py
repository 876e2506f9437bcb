"""The views: those of the shop's clicks against plain Python over the same clicks."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from clickstream.provisioning.apply import apply_all
from clickstream.provisioning.iceberg_tables import GoldTable
from clickstream.provisioning.plan import plan
from clickstream.provisioning.resource import Cloud
from clickstream.provisioning.view import View
from clickstream.sources.loader import load_sources
from tests.integration.stack.clouds import running_cloud

START = datetime.fromisoformat("2026-11-18")
PAGES = ["/", "/deals", "/cart", "/o'clock", None]
TYPES = ["page_view", "product_view", "click", "purchase"]


class Click(NamedTuple):
    at: datetime
    user: str
    session: str
    type: str
    page: str | None


def make_clicks() -> list[Click]:
    """Of forty sessions over two dates, some across midnight, with views at the same time and of the same page."""
    rng, clicks = random.Random(5), []
    for session in range(40):
        at = START + timedelta(hours=rng.uniform(0, 44))
        for _ in range(rng.randrange(1, 12)):
            clicks.append(Click(at, f"u{session % 7}", f"s{session}", rng.choice(TYPES), rng.choice(PAGES)))
            at += timedelta(seconds=rng.choice([0, 5, 700, 4000]))
    return clicks


CLICKS = make_clicks()


def viewed() -> Iterator[Click]:
    return (click for click in CLICKS if click.type in ("page_view", "product_view") and click.page is not None)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The clicks in the facts, and the views over them."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as variables, pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        account = Cloud.of(boto3.Session())
        source = load_sources()[0]["shop_clicks"]
        tables = GoldTable.all_of(source, account)
        list(apply_all([*tables, *View.all_of(source, account)]))
        rows = ", ".join(
            f"(DATE '{click.at:%Y-%m-%d}', 'c{number}', '{click.user}', '{click.session}', '{click.type}', "
            f"TIMESTAMP '{click.at}', {_text(click.page)})"
            for number, click in enumerate(CLICKS)
        )
        columns = "event_date, click_id, user_id, session_id, event_type, event_timestamp, page_url"
        ask(account, f"INSERT INTO clickstream.shop_clicks_fact_clicks ({columns}) VALUES {rows}")
        yield account


def _text(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def ask(cloud: Cloud, sql: str) -> list[tuple[Any, ...]]:
    athena = cloud.client("athena")
    execution = athena.start_query_execution(QueryString=sql, WorkGroup=cloud.names.workgroup)["QueryExecutionId"]
    while (state := _status(athena, execution)["State"]) in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    assert state == "SUCCEEDED", _status(athena, execution)
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution)
    rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
    return [tuple(cell.get("VarCharValue") for cell in row) for row in rows[1:]]


def _status(athena: Any, execution: str) -> dict[str, Any]:
    status: dict[str, Any] = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
    return status


def test_a_second_plan_is_empty_and_another_query_is_an_update(cloud: Cloud, tmp_path: Path) -> None:
    views = View.all_of(load_sources()[0]["shop_clicks"], cloud)
    assert [view.name for view in views] == [
        f"shop_clicks_{name}" for name in ("conversion_by_hour", "hot_paths", "top_pages")
    ]
    assert {plan(view).action for view in views} == {"none"}
    edited = tmp_path / "top_pages.sql"
    edited.write_text(views[-1].file.read_text().replace("'page_view', ", ""))
    changed = View(views[-1].source, cloud, edited)
    assert plan(changed).action == "update"
    list(apply_all([changed]))
    assert plan(changed).action == "none"
    list(apply_all(views))
    assert plan(views[-1]).action == "none"


def test_the_charts_views_stand_on_the_tables_that_are_made_for_them(cloud: Cloud) -> None:
    """What they say is tested beside the local Athena: tests/integration/local/test_chart_views.py."""
    source = load_sources()[0]["chart_affiliates"]
    views = View.all_of(source, cloud)
    list(apply_all([*GoldTable.all_of(source, cloud), *views]))
    for view in views:
        assert plan(view).action == "none"
        assert ask(cloud, f"SELECT count(*) AS found FROM clickstream.{view.name}") == [("0",)]


def test_top_pages(cloud: Cloud) -> None:
    views: Counter[tuple[date, str | None]] = Counter()
    users = defaultdict(set)
    for click in viewed():
        views[click.at.date(), click.page] += 1
        users[click.at.date(), click.page].add(click.user)
    expected = {
        (
            str(day),
            page,
            str(count),
            str(len(users[day, page])),
            str(1 + sum(c > count for (d, _), c in views.items() if d == day)),
        )
        for (day, page), count in views.items()
    }
    found = ask(cloud, "SELECT event_date, page_url, views, users, place FROM clickstream.shop_clicks_top_pages")
    assert len(found) == len(expected)
    assert {*found} == expected


def test_conversion_by_hour(cloud: Cloud) -> None:
    sessions = defaultdict(list)
    for click in CLICKS:
        sessions[click.at.date(), click.session].append(click)
    begun: Counter[tuple[date, int]] = Counter()
    bought: Counter[tuple[date, int]] = Counter()
    for (day, _), clicks in sessions.items():
        began = day, min(click.at for click in clicks).hour
        begun[began] += 1
        bought[began] += any(click.type == "purchase" for click in clicks)
    columns = "event_date, began_in_hour, sessions, sessions_with_purchase, conversion"
    found = ask(cloud, f"SELECT {columns} FROM clickstream.shop_clicks_conversion_by_hour")
    assert {(day, int(hour), int(s), int(b), float(c)) for day, hour, s, b, c in found} == {
        (str(day), hour, count, bought[day, hour], bought[day, hour] / count) for (day, hour), count in begun.items()
    }
    assert len(found) == len(begun)


def test_hot_paths(cloud: Cloud) -> None:
    pages = defaultdict(list)
    for click in sorted(viewed(), key=lambda click: (click.at, click.page or "")):
        pages[click.at.date(), click.session].append(click.page)
    times: Counter[tuple[Any, ...]] = Counter()
    sessions = defaultdict(set)
    for (day, session), of_session in pages.items():
        steps = [page for page, _ in itertools.groupby(of_session)]
        for path in zip(steps, steps[1:], steps[2:], strict=False):
            times[str(day), *path] += 1
            sessions[str(day), *path].add(session)
    columns = "event_date, first_page, second_page, third_page, times, sessions"
    found = ask(cloud, f"SELECT {columns} FROM clickstream.shop_clicks_hot_paths")
    assert {*found} == {(*path, str(count), str(len(sessions[path]))) for path, count in times.items()}
    assert len(found) == len(times) > 10
