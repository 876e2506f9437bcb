"""A contract in its second and third version, on one lake: a field more, then another shape.

One story, because each part costs a run of Spark; what is true after each is a test of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import orjson
import pytest

from clickstream.contract.records import raw_hash
from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation import steps
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.progress import current_entries
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Column, Source
from commands import preview
from commands.cloud_clock import CloudClock
from commands.setup import set_up
from tests.integration.stack.proof import JobFailed, Lake, Outcome, lake_on

pytestmark = pytest.mark.full

EVENTS = 8
OLD, LATE, SECOND, BROKEN = "old", "late", "second", "broken"
"""What the ids of events begin with: of the first day, arrived late in it, of the second day, of the new shape."""
PAGE = Column(path="page_url.path", earlier=("page_url",), type="string")
COUPON = Column(path="coupon", type="string")


def events(prefix: str, hour: datetime, **fields: Any) -> list[bytes]:
    stamp = hour_text(hour + timedelta(minutes=3))
    event = {"event_type": "page_view", "timestamp": stamp, "page_url": "/a", **fields}
    return [orjson.dumps({"event_id": f"{prefix}-{hour:%d%H}-{n}", **event}) for n in range(EVENTS)]


def documents() -> dict[str, dict[str, Any]]:
    """The contract's versions: with a new optional field, and with an object where a text was."""
    first: dict[str, Any] = orjson.loads((INCLUDE / "schemas/retail_web/1.0.0.json").read_bytes())
    fields = first["properties"] | {"coupon": {"type": ["string", "null"]}}
    page = {"type": ["object", "null"], "properties": {"path": {"type": "string"}, "query": {"type": "string"}}}
    return {
        "1.0.0": first,
        "1.1.0": first | {"properties": fields},
        "2.0.0": first | {"properties": fields | {"page_url": page}},
    }


@dataclass
class Story:
    """The lake, and what was seen of it on the way."""

    lake: Lake
    refused: str = ""
    files: tuple[dict[str, int], ...] = ()
    """Data files of Silver with their records: before the column, with it, with the second day."""
    second_day: Outcome | None = None
    kept: Sequence[str | None] = ()
    """Payloads in quarantine after the second day."""
    previewed: tuple[dict[str, Any], ...] = ()
    before_replay: Sequence[str] = ()
    replayed: Outcome | None = None

    @property
    def first(self) -> datetime:
        return self.lake.source.verify_from

    @property
    def second(self) -> datetime:
        return self.first + timedelta(days=1)

    def send(self, hour: datetime, records: list[bytes], minute: int = 5) -> None:
        place, clock = self.lake.place, CloudClock(self.lake.control)
        clock.set(hour + timedelta(minutes=minute))
        with Receipt(place.s3, place.evidence, self.lake.source.name, "send") as receipt:
            Producer(open_sink(self.lake.source)).send(records, receipt)
        clock.set_real()

    def declare(self, contract: str, **columns: Column) -> None:
        """Let the source name a version, with columns more, or otherwise taken."""
        source: Source = self.lake.source
        events = source.events.model_copy(update={"contract": contract})
        silver = source.silver | columns
        self.lake = replace(self.lake, source=source.model_copy(update={"events": events, "silver": silver}))

    def data_files(self) -> dict[str, int]:
        table = self.lake.source.table("silver")
        rows = self.lake.select(f'SELECT file_path, record_count FROM "{self.lake.place.database}"."{table}$files"')
        return {row["file_path"] or "": int(row["record_count"] or 0) for row in rows}

    def silver(self, prefix: str) -> list[dict[str, str | None]]:
        """Some columns of the events whose ids begin with a prefix."""
        return [
            dict(row)
            for row in self.lake.select(
                "SELECT event_id, page_url, coupon, extra, contract, arrival_hour "
                f"FROM {self.lake.table('silver')} WHERE event_id LIKE '{prefix}-%' ORDER BY event_id"
            )
        ]

    def quarantined(self) -> list[str | None]:
        rejects = self.lake.table("rejects")
        rows = self.lake.select(
            f"SELECT from_utf8(payload) AS payload FROM {rejects} WHERE fate = 'quarantined' ORDER BY raw_hash"
        )
        return [row["payload"] for row in rows]

    def contracts(self) -> dict[str, str | None]:
        """Version by arrival hour, as the ledger has it."""
        place = self.lake.place
        entries = current_entries(Ledger(place.s3, place.evidence, self.lake.source.name).read())
        return {hour_text(hour): entry.contract for hour, entry in entries.items()}


def with_new_field(story: Story) -> None:
    """The second day comes with a new field, some late records of the first day, and an hour of another shape."""
    first, second = story.first, story.second
    story.send(first, events(LATE, first, coupon=5), minute=50)
    story.send(second, events(SECOND, second, coupon="ten"))
    story.send(second + HOUR, events(BROKEN, second + HOUR, page_url={"path": "/b", "query": "?q"}))
    before = story.data_files()
    story.declare("1.1.0", coupon=COUPON)
    run, following = story.lake.begin(story.lake.days(1, 1))
    with pytest.raises(JobFailed) as refused:
        story.lake.run_job(run)
    story.refused = str(refused.value)
    set_up([story.lake.source], Cloud.of(boto3.Session()))
    provisioned = story.data_files()
    story.lake.run_job(run)
    story.second_day = story.lake.conclude(run, following)
    story.files = before, provisioned, story.data_files()
    story.kept = story.quarantined()


def with_other_shape(story: Story) -> None:
    """What the new shape's contract would do is looked at; then it is declared, and that hour is replayed."""
    story.previewed = tuple(preview.report(story.lake.source, version, 7) for version in ("1.1.0", "2.0.0"))
    story.before_replay = story.lake.rows_of("silver")
    story.send(story.second, events(LATE, story.second, coupon="late"), minute=50)
    story.declare("2.0.0", page_url=PAGE)
    hour = story.second + HOUR
    story.replayed = story.lake.prove(Window(hour, hour + HOUR), latest=True)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    include = tmp_path_factory.mktemp("include")
    schemas = include / "schemas" / "retail_web"
    schemas.mkdir(parents=True)
    for version, document in documents().items():
        (schemas / f"{version}.json").write_bytes(orjson.dumps(document))
    with lake_on(tmp_path_factory.mktemp("evolution")) as lake, pytest.MonkeyPatch.context() as patched:
        patched.setattr(steps, "INCLUDE", include)
        patched.setattr(preview, "SCHEMAS", include / "schemas")
        story = Story(lake)
        for number in range(2):
            hour = story.first + number * HOUR
            story.send(hour, events(OLD, hour))
        assert lake.prove(lake.days(0, 0)).verdict.failed == []
        with_new_field(story)
        with_other_shape(story)
        yield story


def test_a_job_whose_column_was_not_provisioned_fails_with_table_and_column(story: Story) -> None:
    assert "clickstream.retail_web_silver is not as declared: it has no column coupon string" in story.refused
    assert "Run retail_web__provision first" in story.refused


def test_a_new_column_rewrites_no_file(story: Story) -> None:
    before, provisioned, after = story.files
    assert provisioned == before
    untouched = f"arrival_hour={hour_text(story.first + HOUR)}".replace(":", "%3A")
    kept = {path for path in before if untouched in path or untouched.replace("%3A", ":") in path}
    assert kept
    assert kept <= after.keys()


def test_old_rows_read_null_and_new_ones_have_values(story: Story) -> None:
    old = story.silver(OLD)
    assert len(old) == 2 * EVENTS
    assert {(row["coupon"], row["contract"], row["page_url"]) for row in old} == {(None, "1.0.0", "/a")}
    new = story.silver(SECOND)
    assert len(new) == EVENTS
    assert {(row["coupon"], row["contract"], row["extra"]) for row in new} == {("ten", "1.1.0", None)}


def test_an_hour_that_is_reprocessed_stays_judged_by_its_contract(story: Story) -> None:
    late = Counter((row["contract"], row["coupon"], row["extra"], row["page_url"]) for row in story.silver(LATE))
    assert late == {
        ("1.0.0", None, '{"coupon":5}', "/a"): EVENTS,
        ("1.1.0", "late", None, "/a"): EVENTS,
    }


def test_another_shape_is_quarantined_whole_and_its_hour_is_verified(story: Story) -> None:
    assert story.second_day is not None
    hour = hour_text(story.second + HOUR)
    assert story.second_day.verdict.failed == []
    assert story.second_day.states[hour] == "verified"
    (told,) = (told for told in story.second_day.report["hours"] if told["arrival_hour"] == hour)
    assert told["reasons"] == {"type:page_url": EVENTS}
    sent = events(BROKEN, story.second + HOUR, page_url={"path": "/b", "query": "?q"})
    assert story.kept == sorted((record.decode() for record in sent), key=lambda text: raw_hash(text.encode()))


def test_the_preview_says_what_a_version_would_do_to_what_came(story: Story) -> None:
    minor, major = story.previewed
    first, second = f"{story.first:%Y-%m-%d}", f"{story.second:%Y-%m-%d}"
    # No version had promised anything of a coupon: what came late in an hour of the first one had a number in it.
    assert turned(minor) == [(first, "newly_quarantined", None, "type:coupon", EVENTS)]
    assert turned(major) == [
        (first, "newly_quarantined", None, "type:page_url", 2 * EVENTS),
        (first, "newly_quarantined", None, "type:coupon", EVENTS),
        (second, "newly_quarantined", None, "type:page_url", EVENTS),
        (second, "newly_good", "type:page_url", None, EVENTS),
    ]
    assert [(told["compared_with"], told["faults"]) for told in (minor, major)] == [("1.0.0", []), ("1.1.0", [])]
    assert {change["weight"] for change in minor["changes"]} == {"minor"}
    assert "breaking" in {change["weight"] for change in major["changes"]}


def turned(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a preview counted."""
    return [tuple(group[name] for name in ("date", "kind", "before", "after", "records")) for group in told["turned"]]


def test_a_replay_by_the_new_version_empties_the_quarantine_and_loses_nothing(story: Story) -> None:
    assert story.replayed is not None
    assert story.replayed.verdict.failed == []
    assert story.quarantined() == []
    broken = story.silver(BROKEN)
    assert len(broken) == EVENTS
    assert {(row["page_url"], row["contract"], row["extra"]) for row in broken} == {("/b", "2.0.0", None)}
    assert not set(story.before_replay) - set(story.lake.rows_of("silver"))
    first, second = (hour_text(day) for day in (story.first, story.second))
    assert {
        story.replayed.states[hour_text(day + n * HOUR)] for day in (story.first, story.second) for n in (0, 1)
    } == {"verified"}
    contracts = story.contracts()
    assert (contracts[first], contracts[second], contracts[hour_text(story.second + HOUR)]) == (
        "1.0.0",
        "1.1.0",
        "2.0.0",
    )
