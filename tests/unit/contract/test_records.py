"""An object is cut into records by the rules of Athena's text reader."""

import gzip
import hashlib

import pytest

from clickstream.contract.records import BYTE_ORDER_MARK, fingerprint, raw_hash, read_object

LINES = b'{"a":1}\n{"b":2}\n{"c":3}\n'
MARK = BYTE_ORDER_MARK

CUT = {
    "LF": (b"a\nb\n", [b"a", b"b"]),
    "CR": (b"a\rb\r", [b"a", b"b"]),
    "CRLF": (b"a\r\nb\r\n", [b"a", b"b"]),
    "all three": (b"a\nb\rc\r\nd", [b"a", b"b", b"c", b"d"]),
    "no end": (b"a\nb", [b"a", b"b"]),
    "empty lines": (b"\n\na\n\r\n\rb\n\n", [b"a", b"b"]),
    "nothing": (b"", []),
    "only ends": (b"\n\r\r\n\n", []),
    "blanks are a record": (b"a\n \t\nb", [b"a", b" \t", b"b"]),
    "other line ends of Unicode are none": (
        "a\x0bb\x0cc\x1cd\x1ee\x85f\u2028g".encode(),
        ["a\x0bb\x0cc\x1cd\x1ee\x85f\u2028g".encode()],
    ),
    "mark at the start": (MARK + b"a\nb", [b"a", b"b"]),
    "mark at a later record": (b"a\n" + MARK + b"b", [b"a", b"b"]),
    "mark twice": (MARK + MARK + b"a", [b"a"]),
    "mark alone": (b"a\n" + MARK + b"\nb", [b"a", b"b"]),
    "mark within": (b"a" + MARK + b"b", [b"a" + MARK + b"b"]),
    "half a mark": (MARK[:2] + b"a", [MARK[:2] + b"a"]),
    "NUL": (b"a\x00b\n\x00\n", [b"a\x00b", b"\x00"]),
    "invalid UTF-8": (b"\xff\xfe\n\xc3(\n", [b"\xff\xfe", b"\xc3("]),
    "a megabyte": (b"x" * 2**20 + b"\ny", [b"x" * 2**20, b"y"]),
}


@pytest.mark.parametrize("case", CUT)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_records_are_what_lies_between_line_ends(case: str, compressed: bool) -> None:
    data, records = CUT[case]
    content = read_object("x.gz", gzip.compress(data)) if compressed else read_object("x", data)
    assert content.records == records
    assert not content.unreadable


def test_only_the_key_says_whether_an_object_is_compressed() -> None:
    packed = gzip.compress(LINES)
    assert read_object("x.json", packed).records == [line for line in packed.splitlines() if line]


def test_all_members_of_a_gzip_are_read_as_one_text() -> None:
    content = read_object(
        "x.gz", gzip.compress(b'{"a"') + gzip.compress(b":1}\n") + gzip.compress(b"") + gzip.compress(b"b")
    )
    assert content.records == [b'{"a":1}', b"b"]
    assert not content.unreadable


def test_an_empty_object_holds_nothing_and_is_readable() -> None:
    assert read_object("x.gz", b"").records == []
    assert not read_object("x.gz", b"").unreadable


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(LINES)[:5],
        gzip.compress(LINES)[:-8],
        gzip.compress(LINES)[:-1],
        gzip.compress(LINES) + b"garbage",
        gzip.compress(LINES) + gzip.compress(LINES)[:12],
        LINES,
        b"\x00",
    ],
    ids=["in its header", "before its trailer", "in its trailer", "garbage behind", "second member", "no gzip", "NUL"],
)
def test_a_gzip_that_breaks_off_or_holds_garbage_is_unreadable(data: bytes) -> None:
    assert read_object("x.gz", data).unreadable


@pytest.mark.parametrize("data", [gzip.compress(LINES)[:-8], gzip.compress(LINES) + b"garbage"])
def test_whole_lines_before_the_break_are_kept(data: bytes) -> None:
    assert read_object("x.gz", data).records == LINES.split()


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_every_cut_of_a_gzip_gives_a_beginning_of_its_records(end: bytes) -> None:
    # Hashes do not compress: the cuts fall everywhere in the text.
    lines = [hashlib.sha256(bytes([n % 256, n // 256])).hexdigest().encode() for n in range(2000)]
    packed = gzip.compress(end.join(lines) + end)
    lengths = set()
    for cut in range(0, len(packed), 1499):
        content = read_object("x.gz", packed[:cut])
        assert content.unreadable == (cut > 0)
        assert content.records == lines[: len(content.records)]
        lengths.add(len(content.records))
    assert len(lengths) > 10


def test_a_flipped_byte_is_noticed() -> None:
    packed = bytearray(gzip.compress(LINES))
    packed[-6] ^= 1  # the checksum
    assert read_object("x.gz", bytes(packed)).unreadable


def test_the_fingerprint_is_that_of_every_other_engine() -> None:
    vector = ["", "a", "é✓", "x\ty", '{"a":1}']
    pairs = [fingerprint(raw_hash(text.encode())) for text in vector]
    assert sum(first for first, _ in pairs) == 12164072789
    assert sum(second for _, second in pairs) == 15957857887
