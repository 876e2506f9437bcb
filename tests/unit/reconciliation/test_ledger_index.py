"""The index says what the ledger says, sooner; whatever is done to it, it never says anything else."""

import gzip
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger, LedgerBroken
from clickstream.reconciliation.ledger_index import LedgerIndex
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.reconciliation.makers import entry

EVIDENCE, LAKE = "evidence", "lake"
DAY, NEXT_DAY = "2026-11-18T05:00:00+00:00", "2026-11-19T05:00:00+00:00"


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def ledger(s3: MemoryS3) -> Ledger:
    return Ledger(s3, EVIDENCE, "retail_web")


@pytest.fixture
def index(ledger: Ledger) -> LedgerIndex:
    """Of five runs, written when there were four."""
    index = LedgerIndex(ledger, LAKE)
    for run in range(4):
        write(ledger, run)
    index.renew()
    write(ledger, 4)
    return index


def write(ledger: Ledger, run: int, checked_at: str = DAY) -> None:
    ledger.append([entry(hour, run=f"r{run}", checked_at=checked_at) for hour in range(2)])


def read(index: LedgerIndex) -> tuple[list[Entry], list[int]]:
    """The entries, and which objects of the ledger were read for them."""
    gets: list[str] = index.ledger.s3.gets
    gets.clear()
    entries = index.read()
    return entries, sorted(int(key.split("/")[-1][:12]) for key in gets if key.startswith("ledger/"))


def change(s3: MemoryS3, index: LedgerIndex, how: Callable[[Any], object]) -> None:
    """Change the index's document in place."""
    document = orjson.loads(gzip.decompress(s3.objects[LAKE, index.key]))
    how(document)
    s3.put_object(Bucket=LAKE, Key=index.key, Body=gzip.compress(orjson.dumps(document)))


def test_it_tells_what_the_ledger_tells_and_reads_what_is_newer(index: LedgerIndex) -> None:
    entries, reads = read(index)
    assert (entries, reads) == (index.ledger.read(), [4])
    write(index.ledger, 5)
    entries, reads = read(index)
    assert (entries, reads) == (index.ledger.read(), [4, 5])


def test_the_newest_object_is_read_itself_although_there_is_a_copy(s3: MemoryS3, ledger: Ledger) -> None:
    """Only what lies under lock can vouch for the copies: the last line of the chain."""
    index = LedgerIndex(ledger, LAKE)
    write(ledger, 0)
    index.renew()
    assert read(index) == (ledger.read(), [0])
    forged = entry(0, state="failed").linked(0, "")
    change(s3, index, lambda document: document["objects"][ledger.key(0)].__setitem__(1, forged.line().decode() + "\n"))
    assert index.read() == ledger.read()


def test_without_an_index_the_ledger_is_read(ledger: Ledger) -> None:
    assert LedgerIndex(ledger, LAKE).read() == []
    write(ledger, 0)
    write(ledger, 1)
    assert read(LedgerIndex(ledger, LAKE)) == (ledger.read(), [0, 1])


def test_an_index_of_more_than_there_is_adds_nothing(s3: MemoryS3, index: LedgerIndex) -> None:
    for sequence in range(5):
        del s3.versions[EVIDENCE, index.ledger.key(sequence)]
    assert index.read() == index.ledger.read() == []
    write(index.ledger, 7)
    assert read(index) == (index.ledger.read(), [0])


@pytest.mark.parametrize("forged", [False, True], ids=["a byte", "a line with a fresh hash"])
@pytest.mark.parametrize("sequence", [0, 3])
def test_a_changed_copy_is_noticed_and_the_ledger_read(
    s3: MemoryS3, index: LedgerIndex, sequence: int, forged: bool
) -> None:
    def tamper(document: Any) -> None:
        copy = document["objects"][index.ledger.key(sequence)]
        lines = copy[1].splitlines()
        if forged:
            last = Entry.model_validate_json(lines[-1])
            lines[-1] = last.model_copy(update={"state": "failed"}).linked(sequence, last.previous).line().decode()
        else:
            lines[0] = lines[0].replace("verified", "verifiee")
        copy[1] = "".join(line + "\n" for line in lines)

    change(s3, index, tamper)
    entries, reads = read(index)
    assert entries == index.ledger.read()
    assert set(reads) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{}")[:-9],
        *(gzip.compress(text) for text in (b"{", b"[]", b"{}", b'{"day": 1, "objects": {"a": 1}}')),
        gzip.compress(b'{"day": "", "objects": {"a": ["b", 1]}}'),
    ],
)
def test_what_is_no_index_is_ignored(s3: MemoryS3, index: LedgerIndex, body: bytes) -> None:
    s3.put_object(Bucket=LAKE, Key=index.key, Body=body)
    assert read(index) == (index.ledger.read(), [0, 1, 2, 3, 4])


@pytest.mark.parametrize("sequence", range(5))
def test_a_changed_object_of_the_ledger_is_found_behind_its_copy_as_well(
    s3: MemoryS3, index: LedgerIndex, sequence: int
) -> None:
    body = s3.objects[EVIDENCE, index.ledger.key(sequence)]
    s3.put_object(Bucket=EVIDENCE, Key=index.ledger.key(sequence), Body=body.replace(b"verified", b"verifiee", 1))
    for attempt in (index.read, index.renew):
        with pytest.raises(LedgerBroken, match=rf"{sequence:012d}\.ndjson line 1"):
            attempt()
    s3.put_object(Bucket=EVIDENCE, Key=index.ledger.key(sequence), Body=body)
    assert read(index) == (index.ledger.read(), sorted({sequence, 4}))


@pytest.mark.parametrize("sequence", range(5))
@pytest.mark.parametrize("deed", ["hidden", "gone"])
def test_an_object_that_is_not_there_is_missed(s3: MemoryS3, index: LedgerIndex, sequence: int, deed: str) -> None:
    write(index.ledger, 5)
    if deed == "hidden":
        s3.delete_object(Bucket=EVIDENCE, Key=index.ledger.key(sequence))
    else:
        del s3.versions[EVIDENCE, index.ledger.key(sequence)]
    with pytest.raises(LedgerBroken, match=rf"{sequence:012d}\.ndjson"):
        index.read()


def test_it_is_written_once_a_day(s3: MemoryS3, index: LedgerIndex) -> None:
    index.renew()
    assert s3.puts.count(index.key) == 1
    write(index.ledger, 5, NEXT_DAY)
    index.renew()
    index.renew()
    assert s3.puts.count(index.key) == 2
    assert read(index) == (index.ledger.read(), [5])


def test_a_tampered_index_is_mended_by_the_next_one(s3: MemoryS3, index: LedgerIndex) -> None:
    change(s3, index, lambda document: document["objects"][index.ledger.key(1)].__setitem__(1, "{}\n"))
    write(index.ledger, 5, NEXT_DAY)
    index.renew()
    assert read(index) == (index.ledger.read(), [5])


def test_nothing_is_written_of_an_empty_ledger(s3: MemoryS3, ledger: Ledger) -> None:
    LedgerIndex(ledger, LAKE).renew()
    assert s3.puts == []
