"""Facts that are corrected later: Silver of made-up orders, and what plain Python makes of it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from clickstream.lake.windows import hour_text
from clickstream.sources.gold import Corrections, Daily, Facts
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from tests.integration.spark.gold_lake import START, GoldLake
from tests.integration.spark.gold_reference import Row

DAYS = 7
WITHIN_DAYS = 2
CORRECTING = ("refund", "surcharge")
_COLUMNS = "event_id string, event_date date, event_time timestamp_ntz, event_type string, order_id string, \
total_amount double, arrival_hour string, raw_hash string"


class Told(NamedTuple):
    """An event: of an order, of what it should have been worth, or of something else."""

    id: str
    at: datetime
    """UTC, without a zone."""
    kind: str = "purchase"
    amount: float | None = None
    refers: str | None = None

    @property
    def date(self) -> date:
        return self.at.date()


def source_with_corrections(name: str, *, beside: bool = False) -> Source:
    """A source whose only table are its orders.

    Args:
        beside: have a daily table beside them, published after them.
    """
    orders = Facts(
        kind="facts",
        key="order_no",
        event_types=("purchase",),
        columns={"at": "event_time", "amount": "total_amount"},
        corrections=Corrections(event_types=CORRECTING, refers="order_id", column="amount", within_days=WITHIN_DAYS),
    )
    figures = {"figures": Daily(kind="daily", dimensions=("event_type",))} if beside else {}
    source = load_sources()[0]["retail_web"]
    gold = source.declared_gold.model_copy(update={"tables": {"orders": orders, **figures}})
    return source.model_copy(update={"name": name, "gold": gold})


def make_told(seed: int) -> list[Told]:
    """Orders with none to three corrections, in reach or not, at equal times too; and what corrects nothing."""
    rng = random.Random(seed)
    told = [each for number in range(40) for each in _order(rng, f"order-{number}")]
    (order, *_) = told
    twin = order._replace(at=order.at + timedelta(days=1), amount=0.5)
    views = [Told(f"view-{number}", _time(rng), "page_view", 1.0, order.id) for number in range(10)]
    strays = [
        Told("of-a-view", views[0].at, "refund", 2.0, views[0].id),
        Told("of-a-stray", views[0].at, "refund", 2.0, "of-a-view"),
        Told("of-nothing", views[1].at, "refund", 2.0, None),
    ]
    edge = START + timedelta(days=DAYS // 2)
    reached = [
        Told("edge", edge, amount=8.0),
        Told("in-reach", edge + timedelta(days=WITHIN_DAYS), "refund", 1.0, "edge"),
        Told("out-of-reach", edge + timedelta(days=WITHIN_DAYS + 1), "refund", 2.0, "edge"),
    ]
    return [*told, twin, *views, *strays, *reached]


def _order(rng: random.Random, order: str) -> Iterator[Told]:
    at = _time(rng)
    yield Told(order, at, amount=rng.choice([None, 10.0, 12.5]))
    for number in range(rng.choice([0, 0, 1, 2, 3])):
        at += timedelta(hours=rng.choice([-30, -1, 0, 0, 5, 20, 40]))
        kind = rng.choice(CORRECTING)
        yield Told(f"{order}-{rng.random()}-{number}", at, kind, rng.choice([None, 1.25, 3.0]), order)


def _time(rng: random.Random) -> datetime:
    return START + timedelta(days=1 + rng.random() * (DAYS - 4))


def expected_orders(told: Iterable[Told]) -> list[Row]:
    """Rows of the orders, sorted: date, order, time, amount, corrected by, corrected at."""
    all_told = list(told)
    pairs = in_reach(all_told)
    rows: list[Row] = []
    for order in (each for each in all_told if each.kind == "purchase"):
        reaching = [correction for corrected, correction in pairs if corrected == order]
        latest = max(reaching, key=lambda each: (each.at, each.id), default=None)
        corrected = (latest.amount, latest.id, latest.at) if latest else (order.amount, None, None)
        rows.append((order.date, order.id, order.at, *corrected))
    return sorted(rows, key=repr)


def in_reach(told: Iterable[Told]) -> list[tuple[Told, Told]]:
    """Each order with each of its corrections."""
    all_told = list(told)
    orders = [each for each in all_told if each.kind == "purchase"]
    corrections = [each for each in all_told if each.kind in CORRECTING]
    return [
        (order, correction)
        for order in orders
        for correction in corrections
        if correction.refers == order.id and 0 <= (correction.date - order.date).days <= WITHIN_DAYS
    ]


@dataclass
class CorrectedLake(GoldLake):
    """Tables of a source with corrections."""

    told: list[Told] = field(default_factory=list)
    """What Silver holds."""

    def hear(self, told: Iterable[Told]) -> set[date]:
        """Put events into Silver; the dates that they are of."""
        new, hour = list(told), hour_text(START.replace(tzinfo=UTC))
        self.append(
            ((*(each.id, each.date, each.at, each.kind, each.refers, each.amount, hour), _hash(each)) for each in new),
            _COLUMNS,
        )
        self.told += new
        return {each.date for each in new}

    def forget(self, gone: Iterable[Told]) -> set[date]:
        """Take events out of Silver again; the dates that they were of."""
        lost = list(gone)
        ids = ", ".join(f"'{each.id}'" for each in lost)
        silver = f"glue_catalog.clickstream.{self.source.table('silver')}"
        self.session.sql(f"delete from {silver} where event_id in ({ids})")
        self.told = [each for each in self.told if each not in lost]
        return {each.date for each in lost}

    @property
    def corrected(self) -> list[tuple[Told, Told]]:
        """Each order with each of its corrections."""
        return in_reach(self.told)

    def unmatched(self, day: date) -> int:
        """Corrections of a date that have no order."""
        with_order = {correction for _, correction in self.corrected}
        return sum(each.kind in CORRECTING and each.date == day and each not in with_order for each in self.told)

    def rows(self) -> dict[str, list[Row]]:
        return {"orders": self._select("orders", "event_date, order_no, at, amount, corrected_by, corrected_at")}

    def wanted(self) -> dict[str, list[Row]]:
        return {"orders": expected_orders(self.told)}


def _hash(told: Told) -> str:
    return hashlib.md5(repr(told).encode()).hexdigest()
