"""A log of another origin as a source by its YAML and its contract alone: proven from the producer to Gold.

Everything that it is held against is plain Python over the log's own lines.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import orjson
import pytest

from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.reconciliation import steps
from clickstream.sources.loader import load_sources
from commands.cloud_clock import CloudClock
from commands.settings import ROOT
from tests.integration.stack.online_retail import SHA_256, Line, fetched
from tests.integration.stack.proof import Lake, Outcome, lake_on

FOREIGN = Path(__file__).parent / "foreign"
"""All that is declared of the log; a folder like `include/`."""
FILES_OF_AN_HOUR = 4
LINES, GOOD, MEMBERS = 17_706, 11_263, 457
REASONS = {"minLength:CustomerID": 6_235, "pattern:StockCode": 45, "exact": 163}
"""What docs/sources.md says of the log."""


@dataclass(frozen=True)
class Sale:
    """A line that is good, as the log tells it."""

    line: Line

    @property
    def id(self) -> str:
        names = ("InvoiceNo", "StockCode", "InvoiceDate", "Quantity", "UnitPrice")
        return hashlib.md5("\x1f".join(self.line[name] for name in names).encode()).hexdigest()

    @property
    def time(self) -> str:
        """As Athena writes it."""
        return self.line["InvoiceDate"].replace("T", " ").replace("+00:00", ".000")


@dataclass(frozen=True)
class Told:
    """What should become of the log.

    Attributes:
        sales: the good lines.
        rejects: raw hash, fate and reason of each other line, with how many such there are.
    """

    sales: list[Sale]
    rejects: Counter[tuple[str, str, str]]


def told(lines: Iterable[Line]) -> Told:
    sales, rejects = dict[str, Sale](), Counter[tuple[str, str, str]]()
    for line in lines:
        raw_hash, sale = hashlib.md5(raw(line)).hexdigest(), Sale(line)
        if not line["CustomerID"]:
            rejects[raw_hash, "quarantined", "minLength:CustomerID"] += 1
        elif not re.match("[0-9]{5}", line["StockCode"]):
            rejects[raw_hash, "quarantined", "pattern:StockCode"] += 1
        elif sale.id in sales:
            rejects[raw_hash, "duplicate", "exact" if sales[sale.id].line == line else "conflict"] += 1
        else:
            sales[sale.id] = sale
    return Told(list(sales.values()), rejects)


def raw(line: Line) -> bytes:
    return orjson.dumps(line)


def arrival(line: Line) -> datetime:
    """The end of the quarter of an hour in which the shop sold it."""
    sold = datetime.fromisoformat(line["InvoiceDate"])
    quarter = HOUR / FILES_OF_AN_HOUR
    hour = sold.replace(minute=0)
    return hour + ((sold - hour) // quarter + 1) * quarter - timedelta(minutes=1)


def send(lake: Lake, lines: Iterable[Line]) -> None:
    """Let the log arrive in its order, at the times that are in it."""
    clock, producer = CloudClock(lake.control), Producer(open_sink(lake.source))
    with Receipt(lake.place.s3, lake.place.evidence, lake.source.name, "send") as receipt:
        for moment, together in groupby(lines, arrival):
            clock.set(moment)
            producer.send(map(raw, together), receipt)
    clock.set_real()
    assert receipt.acknowledged.total() == LINES


@dataclass(frozen=True)
class Proven:
    """The lake that holds the log, what its proof said, and what plain Python says."""

    lake: Lake
    outcome: Outcome
    told: Told

    @property
    def days(self) -> Window:
        return self.lake.days(0, len(SHA_256) - 1)


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    lines = fetched()
    source = load_sources(FOREIGN)[0]["online_retail"]
    with lake_on(tmp_path_factory.mktemp("state"), source) as lake, pytest.MonkeyPatch.context() as patched:
        patched.setattr(steps, "INCLUDE", FOREIGN)
        send(lake, lines)
        yield Proven(lake, lake.settle(lake.days(0, len(SHA_256) - 1)), told(lines))


def test_the_documentation_shows_what_is_declared() -> None:
    declared = (FOREIGN / "sources" / "online_retail.yaml").read_text()
    assert f"```yaml\n{declared}```" in (ROOT / "docs" / "sources.md").read_text()


@pytest.mark.full
def test_every_hour_and_every_date_is_verified(proven: Proven) -> None:
    outcome = proven.outcome
    assert outcome.verdict.failed == []
    hours = Counter(hour_text(arrival(sale.line).replace(minute=0)) for sale in proven.told.sales)
    assert set(outcome.states.values()) == {"verified"}
    assert {each["arrival_hour"]: each["tiers"]["silver"] for each in outcome.report["hours"]} == {
        hour: hours[hour] for hour in outcome.states
    }
    assert {each["tiers"]["producer"] == each["tiers"]["bronze"] for each in outcome.report["hours"]} == {True}
    assert outcome.report["verified_through"] == hour_text(proven.days.end - HOUR)
    dates = Counter(sale.time[:10] for sale in proven.told.sales)
    assert {each["event_date"]: (each["state"], each["silver"]) for each in outcome.report["dates"]} == {
        date: ("verified", events) for date, events in dates.items()
    }


@pytest.mark.full
def test_each_line_has_its_fate(proven: Proven) -> None:
    lake, told = proven.lake, proven.told
    reasons = Counter[str]()
    for (_, _, reason), lines in told.rejects.items():
        reasons[reason] += lines
    assert (len(told.sales), reasons) == (GOOD, REASONS)
    rejected = lake.select(f"SELECT raw_hash, fate, reason FROM {lake.table('rejects')}")
    assert Counter(tuple(row.values()) for row in rejected) == told.rejects
    held = lake.select(f"SELECT raw_hash FROM {lake.table('silver')}")
    assert sorted(str(row["raw_hash"]) for row in held) == sorted(
        hashlib.md5(raw(sale.line)).hexdigest() for sale in told.sales
    )


@pytest.mark.full
def test_the_facts_are_the_good_lines(proven: Proven) -> None:
    names = "click_id, event_date, user_id, session_id, event_timestamp, product_id, description, quantity, unit_price"
    found = proven.lake.select(f"SELECT {names} FROM {proven.lake.table('fact_clicks')}")
    expected = Counter(
        (
            sale.id,
            sale.time[:10],
            sale.line["CustomerID"],
            sale.line["InvoiceNo"],
            sale.time,
            *(sale.line[name] or None for name in ("StockCode", "Description", "Quantity", "UnitPrice")),
        )
        for sale in proven.told.sales
    )
    assert Counter(tuple(row.values()) for row in found) == expected


@pytest.mark.full
def test_the_users_are_those_of_the_good_lines(proven: Proven) -> None:
    of_user = defaultdict[str, list[Sale]](list)
    for sale in proven.told.sales:
        of_user[sale.line["CustomerID"]].append(sale)
    expected = {
        user: (
            min(sale.time for sale in sales),
            max(sale.time for sale in sales),
            str(len(sales)),
            *(max((sale.time, sale.line[name]) for sale in sales)[1] for name in ("Country", "StockCode")),
        )
        for user, sales in of_user.items()
    }
    names = "user_id, first_seen, last_seen, event_count, country, last_product_id"
    rows = proven.lake.select(f"SELECT {names} FROM {proven.lake.table('dim_users')}")
    assert len(rows) == len(expected) == MEMBERS
    assert {row["user_id"]: tuple(row.values())[1:] for row in rows} == expected
