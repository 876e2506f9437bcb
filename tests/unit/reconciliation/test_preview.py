"""What a new contract would have done: every record of the proven hours, judged twice, and nothing else touched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from clickstream.contract.records import raw_hash
from clickstream.contract.schema import Schema, load_schema
from clickstream.contract.trial import Turn
from clickstream.lake.windows import Window
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.preview import (
    SAMPLES,
    BronzeObject,
    NothingProven,
    ObjectChanged,
    Preview,
    Reader,
    Sample,
    edited,
    preview,
    proven_entries,
)
from clickstream.sources.loader import INCLUDE
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.reconciliation.makers import at, counted, entry, key, manifest, place, put, source, text

NOW = load_schema(INCLUDE / "schemas", "retail_web", "1.0.0")
PINNED = {"1.0.0": NOW}


def changed(**properties: dict[str, Any]) -> Schema:
    """The present contract with some properties of its own."""
    return Schema("2.0.0", NOW.document | {"properties": NOW.document["properties"] | properties})


def click(identity: str, hour: int, **fields: Any) -> bytes:
    stamp = at(hour).strftime("%Y-%m-%dT%H:05:00Z")
    return orjson.dumps({"event_id": identity, "event_type": "click", "timestamp": stamp, **fields})


class Past:
    """Hours with their objects in Bronze, their manifests and their entries."""

    def __init__(self) -> None:
        self.s3 = MemoryS3()
        self.place = place(self.s3)
        self.source = source()

    def hour(self, hour: int, state: str = "verified", **objects: list[bytes]) -> None:
        for name, records in objects.items():
            put(self.s3, hour, name, *records)
        held = manifest(hour, *(counted(hour, name, *records) for name, records in objects.items()))
        uri = held.store(self.s3, self.place.evidence)
        made = entry(hour, state, run=f"r{hour}", manifest=uri, contract="1.0.0", contract_digest=NOW.digest)
        Ledger(self.s3, self.place.evidence, self.source.name).append([made])

    def try_out(self, new: Schema, days: int = 7, show: bool = False) -> Preview:
        entries = proven_entries(self.place, self.source, days)
        return preview(self.place, self.source, entries, PINNED, new, show=show, processes=1)


@pytest.fixture
def past() -> Past:
    return Past()


def test_each_kind_of_change_is_counted_by_day_and_reason(past: Past) -> None:
    past.hour(23, a=[click("a", 23, os="x"), click("b", 23, os=7), b"no json"])
    past.hour(24, b=[click("c", 24), click("d", 24, event_type="hover"), click("e", 24, os={}), b'{"canary": 1}'])
    for hour in range(23):
        past.hour(hour)
    new = changed(os={"type": ["integer", "null"]}, event_type={"enum": ["hover", "click"]})
    found = past.try_out(new)
    assert {at: (those.records, [s.raw_hash for s in those.samples]) for at, those in found.turned.items()} == {
        ("2026-11-17", Turn("newly_quarantined", None, "type:os")): (1, [raw_hash(click("a", 23, os="x"))]),
        ("2026-11-17", Turn("newly_good", "type:os", None)): (1, [raw_hash(click("b", 23, os=7))]),
        ("2026-11-18", Turn("newly_good", "enum:event_type", None)): (
            1,
            [raw_hash(click("d", 24, event_type="hover"))],
        ),
    }
    assert found.records == {"2026-11-17": 3, "2026-11-18": 4}
    kinds = ("newly_quarantined", "newly_good", "other_reason")
    assert [found.count(kind) for kind in kinds] == [1, 2, 0]  # type: ignore[arg-type]


def test_a_record_may_stay_in_quarantine_for_another_reason(past: Past) -> None:
    past.hour(0, a=[click("a", 0, os=7, browser=7)])
    (turned,) = past.try_out(changed(browser={"type": "integer"})).turned
    assert turned == ("2026-11-17", Turn("other_reason", "type:browser", "type:os"))


def test_what_a_contract_does_not_decide_stays_as_it_is(past: Past) -> None:
    heartbeat = b'{"canary": {"kind": "heartbeat", "id": "h"}}'
    past.hour(0, a=[click("a", 0, consent=False), heartbeat, b"no json"])
    found = past.try_out(Schema("2.0.0", {"type": "object", "required": ["never"]}))
    assert found.turned == {}
    assert found.records == {"2026-11-17": 3}


def test_samples_are_the_first_and_show_their_payload_only_when_asked(past: Past) -> None:
    old = {hour: [click(f"{hour}-{n}", hour, os="x") for n in range(4)] for hour in (0, 1)}
    for hour, records in old.items():
        past.hour(hour, a=records)
    new = changed(os={"type": "null"})
    for show in (False, True):
        (those,) = past.try_out(new, show=show).turned.values()
        assert those.records == 8
        assert (
            those.samples
            == [
                Sample(key(hour, "a"), raw_hash(record), record if show else None)
                for hour, records in old.items()
                for record in records
            ][:SAMPLES]
        )


def test_no_more_samples_are_kept_of_one_object(past: Past) -> None:
    records = [click(f"{n}", 0, os="x") for n in range(SAMPLES + 1)]
    past.hour(0, a=records)
    reader = Reader(past.s3, past.place.lake, past.source, PINNED, changed(os={"type": "null"}), show=False)
    _, turned = reader.look(BronzeObject(text(0), key(0, "a"), counted(0, "a", *records).etag, "1.0.0"))
    (those,) = turned.values()
    assert (those.records, len(those.samples)) == (SAMPLES + 1, SAMPLES)


def test_the_last_days_up_to_the_first_hour_that_is_not_verified_are_read(past: Past) -> None:
    for hour in range(30):
        past.hour(hour, a=[click(f"e-{hour}", hour)])
    past.hour(30, "failed", a=[click("e-30", 30)])
    past.hour(31, a=[click("e-31", 31)])
    assert past.try_out(NOW, days=1).window == Window(at(6), at(30))
    assert past.try_out(NOW, days=1).records.total() == 24
    assert past.try_out(NOW, days=2).window == Window(at(0), at(30))
    assert past.try_out(NOW).window.start == past.source.verify_from


def test_an_excepted_hour_is_read_as_far_as_it_is_there(past: Past) -> None:
    past.hour(0, "excepted", a=[click("a", 0)])
    assert past.try_out(NOW).records.total() == 1


def test_nothing_is_told_where_nothing_is_proven(past: Past) -> None:
    past.hour(1, a=[click("a", 1)])
    with pytest.raises(NothingProven, match="retail_web has no verified hour yet"):
        past.try_out(NOW)


def test_an_object_that_is_gone_or_another_one_is_named(past: Past) -> None:
    past.hour(0, a=[click("a", 0)], b=[click("b", 0)])
    put(past.s3, 0, "b", click("c", 0))
    with pytest.raises(
        ObjectChanged, match=r"hour=00/b\.gz of hour 2026-11-17T00:00:00Z is not the one that was counted"
    ):
        past.try_out(NOW)
    past.s3.delete_object(Bucket=past.place.lake, Key=key(0, "a"))
    with pytest.raises(
        ObjectChanged, match=rf"s3://{past.place.lake}/{key(0, 'a')} of hour 2026-11-17T00:00:00Z is gone"
    ):
        past.try_out(NOW)


def test_nothing_is_written(past: Past) -> None:
    past.hour(0, a=[click("a", 0)])
    before = list(past.s3.puts)
    past.try_out(changed(os={"type": "null"}), show=True)
    assert past.s3.puts == before


def test_a_version_that_was_edited_after_hours_were_judged_by_it_is_told() -> None:
    entries = [entry(0, contract="1.0.0", contract_digest=NOW.digest), entry(1)]
    assert edited(entries, PINNED) == []
    assert edited(entries, {"1.0.0": changed()}) == []
    assert edited(entries, {"1.0.0": changed(os={})}) == ["1.0.0"]


def test_an_event_s_age_is_held_against_its_own_hour(past: Past) -> None:
    oldest = (at(0) - timedelta(days=past.source.events.max_late_days)).isoformat()
    for hour in (0, 1):
        past.hour(hour, a=[orjson.dumps({"event_id": "e", "event_type": "click", "timestamp": oldest, "os": "x"})])
    assert set(past.try_out(changed(os={"type": "null"})).turned) == {
        ("2026-11-17", Turn("newly_quarantined", None, "type:os")),
        ("2026-11-17", Turn("other_reason", "timestamp_out_of_range", "type:os")),
    }
