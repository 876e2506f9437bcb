"""The ledger's chain, under everything that may be done to it."""

import orjson
import pytest
from botocore.exceptions import ClientError

from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger, LedgerBroken, LedgerBusy
from tests.unit.lake.memory_s3 import MemoryS3, refused
from tests.unit.reconciliation.makers import entry, text

BUCKET = "evidence"


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def ledger(s3: MemoryS3) -> Ledger:
    return Ledger(s3, BUCKET, "retail_web")


def write(ledger: Ledger, runs: int, hours: int = 2) -> None:
    for run in range(runs):
        ledger.append([entry(hour, run=f"r{run}") for hour in range(hours)])


def stored(s3: MemoryS3, ledger: Ledger, sequence: int) -> bytes:
    return s3.objects[BUCKET, ledger.key(sequence)]


def overwrite(s3: MemoryS3, ledger: Ledger, sequence: int, body: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=ledger.key(sequence), Body=body)


def test_an_entry_s_hash_covers_its_content_and_its_place() -> None:
    made = entry(1).linked(3, "before")
    assert (made.sequence, made.previous) == (3, "before")
    others = [
        entry(2).linked(3, "before"),
        entry(1, state="failed").linked(3, "before"),
        entry(1).linked(4, "before"),
        entry(1).linked(3, "other"),
    ]
    assert len({made.hash, *(other.hash for other in others)}) == 5
    assert made.linked(3, "before") == made
    assert entry(1).linked(3, "before").line() == made.line()


def test_a_line_is_json_with_sorted_keys_that_reads_back_as_the_entry() -> None:
    made = entry(1).linked(0, "")
    document = orjson.loads(made.line())
    assert list(document) == sorted(document)
    assert b"\n" not in made.line()
    assert Entry.model_validate(document) == made


def test_an_empty_ledger_reads_as_nothing(ledger: Ledger) -> None:
    assert ledger.read() == []


def test_each_run_is_one_object_each_hour_a_line_and_the_lines_are_one_chain(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=5, hours=3)
    assert sorted(key for _, key in s3.objects) == [f"ledger/retail_web/{n:012d}.ndjson" for n in range(5)]
    entries = ledger.read()
    assert [(e.sequence, e.run, e.arrival_hour) for e in entries] == [
        (run, f"r{run}", text(hour)) for run in range(5) for hour in range(3)
    ]
    assert [e.previous for e in entries] == ["", *(e.hash for e in entries[:-1])]


def test_the_ledgers_of_two_sources_do_not_meet(s3: MemoryS3, ledger: Ledger) -> None:
    other = Ledger(s3, BUCKET, "retail_web_2")
    write(ledger, runs=2)
    write(other, runs=1)
    assert (len(ledger.read()), len(other.read())) == (4, 2)


def test_who_finds_the_place_taken_links_behind_the_one_who_was_quicker(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=1)
    s3.before_put = lambda: (ledger.append([entry(7, run="quicker")]), None)[1]
    assert ledger.append([entry(8, run="slower")]) == ledger.key(2)
    assert [e.run for e in ledger.read()] == ["r0", "r0", "quicker", "slower"]


def test_who_is_always_too_late_gives_up_and_has_written_nothing(s3: MemoryS3, ledger: Ledger) -> None:
    rivals = iter(range(1000))

    def rival() -> None:
        ledger.append([entry(7, run=f"rival {next(rivals)}")])
        s3.before_put = rival

    s3.before_put = rival
    with pytest.raises(LedgerBusy):
        ledger.append([entry(8, run="slower")])
    s3.before_put = None
    assert "slower" not in {e.run for e in ledger.read()}


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_both_answers_of_s3_to_a_taken_place_are_understood(s3: MemoryS3, ledger: Ledger, code: str) -> None:
    def refuse() -> None:
        raise refused("PutObject", code, 412)

    s3.before_put = refuse
    assert ledger.append([entry(1)]) == ledger.key(0)


def test_any_other_refusal_is_raised(s3: MemoryS3, ledger: Ledger) -> None:
    def refuse() -> None:
        raise refused("PutObject", "AccessDenied", 403)

    s3.before_put = refuse
    with pytest.raises(ClientError, match="AccessDenied"):
        ledger.append([entry(1)])


def test_a_put_whose_answer_was_lost_is_not_made_twice(s3: MemoryS3, ledger: Ledger) -> None:
    # botocore sends the put again; it finds its own object there.
    s3.before_put = lambda: (ledger.append([entry(1, run="r1")]), None)[1]
    assert ledger.append([entry(1, run="r1")]) == ledger.key(0)
    assert len(ledger.read()) == 1


def test_a_retry_appends_once_also_behind_other_runs(ledger: Ledger) -> None:
    first = ledger.append([entry(1, run="r1", checked_at="10:00"), entry(2, run="r1", checked_at="10:00")])
    ledger.append([entry(1, run="r2")])
    again = ledger.append([entry(1, run="r1", checked_at="10:05"), entry(2, run="r1", checked_at="10:05")])
    assert again == first
    assert len(ledger.read()) == 3


def test_the_same_run_may_say_two_things_of_an_hour(ledger: Ledger) -> None:
    ledger.append([entry(1, "late_change", run="r1")])
    ledger.append([entry(1, "verified", run="r1")])
    assert [e.state for e in ledger.read()] == ["late_change", "verified"]


def test_every_changed_byte_is_found_and_named(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=3)
    sound = stored(s3, ledger, 1)
    second_line = sound.index(b"\n") + 1
    for position in range(0, len(sound) - 1, 7):
        body = bytearray(sound)
        body[position] ^= 1
        overwrite(s3, ledger, 1, bytes(body))
        with pytest.raises(LedgerBroken, match=r"000000000001\.ndjson line \d") as raised:
            ledger.read()
        if body.count(b"\n") == sound.count(b"\n"):
            assert f"line {1 if position < second_line else 2}" in str(raised.value)
    overwrite(s3, ledger, 1, sound)
    assert len(ledger.read()) == 6


def test_a_forged_line_with_a_fresh_hash_breaks_the_line_behind_it(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=2, hours=1)
    forged = entry(0, state="failed", run="r0").linked(0, "")
    overwrite(s3, ledger, 0, forged.line() + b"\n")
    with pytest.raises(LedgerBroken, match=r"000000000001\.ndjson line 1: it does not follow"):
        ledger.read()


def test_a_missing_object_is_named(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=3)
    del s3.versions[BUCKET, ledger.key(1)]
    with pytest.raises(LedgerBroken, match=r"000000000001\.ndjson: missing"):
        ledger.read()


@pytest.mark.parametrize("sequence", [0, 1, 2])
def test_an_object_hidden_by_a_delete_marker_is_named(s3: MemoryS3, ledger: Ledger, sequence: int) -> None:
    """Also the last one, which no later line links to: nobody may write in its place."""
    write(ledger, runs=3)
    s3.delete_object(Bucket=BUCKET, Key=ledger.key(sequence))
    for attempt in (ledger.read, lambda: ledger.append([entry(5)])):
        with pytest.raises(LedgerBroken, match=rf"{sequence:012d}\.ndjson"):
            attempt()


def test_only_the_newest_version_of_an_object_counts(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=2)
    sound = stored(s3, ledger, 0)
    overwrite(s3, ledger, 0, b"changed\n")
    overwrite(s3, ledger, 0, sound)
    assert len(ledger.read()) == 4


@pytest.mark.parametrize("change", ["removed", "twice", "swapped"])
def test_lines_may_not_be_removed_repeated_or_swapped(s3: MemoryS3, ledger: Ledger, change: str) -> None:
    write(ledger, runs=2)
    first, second = stored(s3, ledger, 0).splitlines(keepends=True)
    lines = {"removed": first, "twice": first + second + second, "swapped": second + first}
    overwrite(s3, ledger, 0, lines[change])
    with pytest.raises(LedgerBroken):
        ledger.read()


def test_objects_may_not_change_places(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=3, hours=1)
    one, two = stored(s3, ledger, 1), stored(s3, ledger, 2)
    overwrite(s3, ledger, 1, two)
    overwrite(s3, ledger, 2, one)
    with pytest.raises(LedgerBroken):
        ledger.read()


def test_nothing_is_appended_to_a_broken_chain(s3: MemoryS3, ledger: Ledger) -> None:
    write(ledger, runs=2)
    overwrite(s3, ledger, 0, b"{}\n")
    with pytest.raises(LedgerBroken):
        ledger.append([entry(3)])
    assert (BUCKET, ledger.key(2)) not in s3.objects
