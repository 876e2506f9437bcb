"""The sample's own books: they add up, and the product's contract comes to the same figures."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import orjson
import pytest

from clickstream.contract.judge import Judge
from clickstream.contract.records import raw_hash, read_object
from clickstream.contract.schema import load_schema
from clickstream.lake.windows import parse_hour
from clickstream.sources.loader import INCLUDE, load_sources
from commands import chart_visits, dialects, moments, sample_day, shop_visits
from commands.dialects import DIALECTS
from commands.sample import EVENTS, SEED
from commands.sample_day import BATCH, EXPECTED, file_name, write_sample

DAY = datetime(2026, 11, 18, tzinfo=UTC)
SHOPS = ("retail_web", "shop_clicks")
"""What the others send is converted before it is judged: tests/integration/local/test_chart_sample.py."""
EVENT_TYPES = {
    *("page_view", "product_view", "add_to_cart", "remove_from_cart"),
    *("checkout_start", "purchase", "search", "click"),
}


COPIES = ("copy_same_object", "copy_same_hour", "copy_later_hour")


def _write(folder: Path, events: int = 6000, seed: int = 1, source: str = "retail_web") -> dict[str, Any]:
    folder.mkdir()
    write_sample(folder, source=source, day=DAY, events=events, seed=seed)
    return _read(folder)


def _read(folder: Path) -> dict[str, Any]:
    expected: dict[str, Any] = orjson.loads((folder / EXPECTED).read_bytes())
    return expected


@pytest.fixture(scope="module", params=DIALECTS)
def source(request: pytest.FixtureRequest) -> str:
    """Of each source that has a sample."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, source: str) -> Path:
    return tmp_path_factory.mktemp("sample") / source


@pytest.fixture(scope="module")
def expected(folder: Path, source: str) -> dict[str, Any]:
    return _write(folder, source=source)


def _records(folder: Path, hour: str) -> list[bytes]:
    file = folder / file_name(parse_hour(hour))
    return read_object(file.name, file.read_bytes()).records


def test_there_is_a_file_for_each_hour_of_the_day(folder: Path, expected: dict[str, Any]) -> None:
    hours = [DAY + n * timedelta(hours=1) for n in range(24)]
    assert sorted(map(parse_hour, expected["hours"])) == hours
    assert sorted(path.name for path in folder.iterdir()) == sorted([EXPECTED, *map(file_name, hours)])


def test_every_hours_fates_add_up_to_its_records(folder: Path, expected: dict[str, Any]) -> None:
    for hour, figures in expected["hours"].items():
        rest = Counter(figures["filtered"]) + Counter(figures["quarantined"]) + Counter(figures["duplicate"])
        assert figures["raw"] == figures["good"] + rest.total() == len(_records(folder, hour))
        assert figures["good"] == sum(figures["good_by_event_date"].values())
    by_date = sum((Counter(f["good_by_event_date"]) for f in expected["hours"].values()), Counter[str]())
    assert by_date == expected["good_by_event_date"]


@pytest.mark.parametrize("source", SHOPS, scope="module")
def test_the_products_contract_comes_to_the_same_figures(folder: Path, expected: dict[str, Any], source: str) -> None:
    declared = load_sources()[0][source]
    judge = Judge(declared, load_schema(INCLUDE / "schemas", source, declared.events.contract))
    winners: dict[tuple[object, object], str] = {}
    for hour in sorted(expected["hours"]):
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for record in _records(folder, hour):
            verdict = judge(record, parse_hour(hour))
            if verdict.fate != "good":
                found[verdict.fate][str(verdict.reason)] += 1
                continue
            record_hash, event = raw_hash(record), (f"{verdict.event_time:%Y-%m-%d}", verdict.event_id)
            if event in winners:
                found["duplicate"]["exact" if winners[event] == record_hash else "conflict"] += 1
            else:
                winners[event] = record_hash
                found["good_by_event_date"][f"{verdict.event_time:%Y-%m-%d}"] += 1
        for fate in ("filtered", "quarantined", "duplicate", "good_by_event_date"):
            assert found[fate] == expected["hours"][hour][fate], (hour, fate)


def test_every_hour_of_the_day_has_every_planted_kind(expected: dict[str, Any], source: str) -> None:
    hours = dict(sorted(expected["hours"].items()))
    for hour, figures in list(hours.items())[1:-1]:
        assert set(DIALECTS[source].planted) - {"copy_later_hour", "conflict_later_hour"} <= set(figures["planted"]), (
            hour
        )
    planted = sum((Counter(figures["planted"]) for figures in hours.values()), Counter[str]())
    assert planted["copy_later_hour"] and planted["conflict_later_hour"]


def _side_by_side(records: list[bytes]) -> int:
    """Equal records next to each other in one batch."""
    batches = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]
    return sum(first == second for batch in batches for first, second in pairwise(batch))


@pytest.mark.parametrize("source", SHOPS, scope="module")
def test_visitors_do_what_visitors_do(folder: Path, expected: dict[str, Any]) -> None:
    types: Counter[str] = Counter()
    by_session: dict[str, list[str]] = defaultdict(list)
    for hour in sorted(expected["hours"]):
        for record in _records(folder, hour):
            try:
                event = orjson.loads(record)
            except orjson.JSONDecodeError:
                continue
            types[event.get("event_type", "")] += 1
            by_session[event.get("session_id", "")].append(event.get("event_type", ""))
    assert set(types) >= EVENT_TYPES
    assert types["product_view"] > types["add_to_cart"] > types["checkout_start"] > types["purchase"] > 0
    assert len(by_session) > 300
    counts = [figures["raw"] for _, figures in sorted(expected["hours"].items())]
    assert counts[20] > 3 * counts[8]  # evening and night


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path: Path) -> None:
    for name, seed in {"one": 7, "same": 7, "other": 8}.items():
        _write(tmp_path / name, events=1200, seed=seed)
    one, same, other = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "same", "other"))
    assert one == same
    assert all(one[name] != other[name] for name in one)


@pytest.mark.full
def test_the_default_day_is_as_large_as_promised(tmp_path: Path) -> None:
    expected = _write(tmp_path / "whole", EVENTS, SEED)
    assert sum(figures["raw"] for figures in expected["hours"].values()) >= 200_000
    for hour, figures in expected["hours"].items():
        assert _side_by_side(_records(tmp_path / "whole", hour)) >= figures["planted"].get("copy_same_object", 0)


def test_a_sample_may_have_fewer_events_in_an_hour_than_kinds_of_copies(tmp_path: Path, source: str) -> None:
    expected = _write(tmp_path / "small", events=60, source=source)
    assert all(figures["good"] > 0 for figures in expected["hours"].values())


def test_a_copy_in_another_order_is_another_text_and_the_same_row(folder: Path, source: str) -> None:
    spellings = defaultdict(set)
    for file in folder.glob("*.gz"):
        for record in read_object(file.name, file.read_bytes()).records:
            with suppress(orjson.JSONDecodeError):
                event = orjson.loads(record)
                spellings[orjson.dumps(event, option=orjson.OPT_SORT_KEYS)].add(record)
    reordered = sum(len(records) > 1 for records in spellings.values())
    exact = sum(figures["duplicate"].get("exact", 0) for figures in _read(folder)["hours"].values())
    equal = sum(figures["planted"].get(kind, 0) for figures in _read(folder)["hours"].values() for kind in COPIES)
    assert reordered > 10
    assert exact == equal + (reordered if source == "chart_affiliates" else 0)


def test_the_default_day_of_the_charts_is_small_and_begins_with_sessions_from_before_midnight(tmp_path: Path) -> None:
    expected = _write(tmp_path / "whole", ceil(EVENTS * DIALECTS["chart_affiliates"].share), SEED, "chart_affiliates")
    assert 20_000 <= sum(figures["raw"] for figures in expected["hours"].values()) <= 22_500
    times = defaultdict(list)
    for record in _records(tmp_path / "whole", f"{DAY:%Y-%m-%dT%H:%M:%SZ}"):
        with suppress(orjson.JSONDecodeError, KeyError, TypeError):
            event = orjson.loads(record)
            times[event["session"]["session_id"]].append(datetime.fromisoformat(event["ts"]))
    pairs = [pair for of_session in times.values() for pair in pairwise(sorted(of_session))]
    assert any(first < DAY <= second < first + timedelta(minutes=30) for first, second in pairs)


@pytest.mark.parametrize("place", [0, BATCH - 2, BATCH - 1, BATCH, 2 * BATCH - 1])
def test_a_copy_planted_beside_its_event_is_in_its_batch(place: int) -> None:
    hour = sample_day._Hour(DAY)
    lines = [hour.add_good(float(n), {"n": n}, DAY) for n in range(3 * BATCH)]
    hour.add_duplicate(0, lines[place].raw, "exact", beside=lines[place])
    records = hour.ordered()
    assert _side_by_side(records) == 1
    assert len(records) == 3 * BATCH + 1


@pytest.mark.parametrize("module", [sample_day, moments, shop_visits, chart_visits, dialects])
def test_the_generator_shares_no_code_with_the_product(module: Any) -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert not [name for name in imported if name.startswith("clickstream")]
