"""The lines that Athena sees in an object, and the fingerprint of their bytes."""

import gzip
import hashlib

import pytest

from tests.integration.local.athena_queries import Athena
from tests.integration.local.conftest import Cloud

BOM = b"\xef\xbb\xbf"
LAST = "\U0010ffff".encode()
MEGABYTE = b'{"a":"' + b"x" * 1_000_000 + b'"}'

CASES: dict[str, tuple[bytes, list[bytes]]] = {
    "lf": (b"a\nbc\n", [b"a", b"bc"]),
    "cr": (b"a\rbc\r", [b"a", b"bc"]),
    "crlf": (b"a\r\nbc\r\n", [b"a", b"bc"]),
    "mixed": (b"a\rb\nc\r\nd", [b"a", b"b", b"c", b"d"]),
    "lf_before_cr": (b"a\n\rb\n", [b"a", b"", b"b"]),
    "cr_cr_lf": (b"a\r\r\nb", [b"a", b"", b"b"]),
    "cr_within_a_record": (b'{"a":"x\ry"}\n', [b'{"a":"x', b'y"}']),
    "no_final_line_end": (b"a\nbc", [b"a", b"bc"]),
    "empty_lines": (b"\na\n\n\nb\n", [b"", b"a", b"", b"", b"b"]),
    "only_line_ends": (b"\n\n", [b"", b""]),
    "bom_at_the_start": (BOM + b"a\nb\n", [b"a", b"b"]),
    "bom_alone_on_the_first_line": (BOM + b"\nb\n", [b"", b"b"]),
    "bom_twice": (BOM + BOM + b"a\n", [BOM + b"a"]),
    "bom_in_the_middle": (b"a\n" + BOM + b"b\nc" + BOM + b"\n", [b"a", BOM + b"b", b"c" + BOM]),
    "nul": (b"a\x00b\n\x00\n", [b"a\x00b", b"\x00"]),
    "invalid_utf8": (b"\xff\nx\xc3\ny\xe2\x82z\n\xed\xa0\x80\n", [b"\xff", b"x\xc3", b"y\xe2\x82z", b"\xed\xa0\x80"]),
    "last_code_point": (LAST + b"\nx" + LAST + b"\xff\n" + LAST[:2], [LAST, b"x" + LAST + b"\xff", LAST[:2]]),
    "replacement_character": ("\ufffd\n".encode(), ["\ufffd".encode()]),
    "other_unicode_line_ends": ("a\u2028b\x0bc\x0cd\x85e\x1cf\n".encode(), ["a\u2028b\x0bc\x0cd\x85e\x1cf".encode()]),
    "tab_and_hive_delimiter": (b"a\tb\x01c\n", [b"a\tb\x01c"]),
    "hive_null": (b"\\N\nx\\N\n", [b"x\\N"]),
    "one_megabyte": (MEGABYTE + b"\n" + MEGABYTE, [MEGABYTE, MEGABYTE]),
    "empty_object": (b"", []),
}


def fingerprint(lines: list[bytes]) -> tuple[str, str, str]:
    digests = [hashlib.md5(line).hexdigest() for line in lines]
    return (
        str(len(lines)),
        str(sum(int(digest[:8], 16) for digest in digests)),
        str(sum(int(digest[8:16], 16) for digest in digests)),
    )


def sql_hash(text: str) -> str:
    return f"lower(to_hex(md5(to_utf8({text}))))"


def sql_fingerprint(text: str) -> str:
    sums = ", ".join(f"sum(from_base(substr({sql_hash(text)}, {start}, 8), 16))" for start in (1, 9))
    return f"count({text}), {sums}"


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    return Athena(common_cloud)


def check(athena: Athena, objects: dict[str, bytes], expected: dict[str, list[bytes]]) -> None:
    """Each object is the one of a partition of its own; the fingerprints of all come from one query."""
    athena.create_text_table("raw", ("name",))
    for key, content in objects.items():
        name = key.partition(".")[0]
        athena.put(f"raw/{name}/{key}", content)
        athena.register("raw", name, folder=f"raw/{name}/")
    found = athena.rows(f"SELECT name, {sql_fingerprint('line')} FROM raw GROUP BY name")
    assert {name: tuple(rest) for name, *rest in found} == {
        name: fingerprint(lines) for name, lines in expected.items() if lines
    }


def test_lines_of_plain_objects(athena: Athena) -> None:
    check(
        athena,
        {name: content for name, (content, _) in CASES.items()},
        {name: lines for name, (_, lines) in CASES.items()},
    )


def test_lines_of_gzip_objects(athena: Athena) -> None:
    check(
        athena,
        {f"{name}.gz": gzip.compress(content) for name, (content, _) in CASES.items()}
        | {
            "two_members.gz": gzip.compress(b"a\nb") + gzip.compress(b"c\nd\n"),
            "an_empty_member.gz": gzip.compress(b"a\n") + gzip.compress(b"") + gzip.compress(b"b\n"),
            "crlf_across_members.gz": gzip.compress(b"a\r") + gzip.compress(b"\nb"),
            "padded_with_zeros.gz": gzip.compress(b"a\n") + bytes(512),
            "no_bytes_at_all.gz": b"",
        },
        {name: lines for name, (_, lines) in CASES.items()}
        | {
            "two_members": [b"a", b"bc", b"d"],
            "an_empty_member": [b"a", b"b"],
            "crlf_across_members": [b"a", b"b"],
            "padded_with_zeros": [b"a"],
        },
    )


def _truncated() -> bytes:
    return gzip.compress(b"".join(b"%d some line\n" % number for number in range(10_000)))[:-100]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_truncated(), id="truncated"),
        pytest.param(gzip.compress(b"a\n")[:-4], id="without its length"),
        pytest.param(gzip.compress(b"a\n") + gzip.compress(b"b\n")[:-9], id="truncated second member"),
        pytest.param(gzip.compress(b"a\n")[:-8] + bytes(8), id="wrong checksum"),
        pytest.param(b"plain text\n", id="not gzip"),
    ],
)
def test_a_broken_gzip_fails_the_query_and_is_named(athena: Athena, content: bytes) -> None:
    athena.create_text_table("raw")
    athena.register("raw", "01", folder="raw/01/")
    athena.put("raw/01/good.gz", gzip.compress(b"a\n"))
    path = athena.put("raw/01/broken.gz", content)
    assert athena.reason("SELECT count(*) FROM raw") == f"HIVE_CURSOR_ERROR: Failed to read file: {path}"
    assert athena.value("SELECT count(*) FROM raw WHERE hour = '02'") == "0"


def test_bytes_survive_joins_groups_and_expressions(athena: Athena) -> None:
    lines = [b"x\xff", b"x\xfe", b"x\xff", "x\ufffd".encode()]
    athena.create_text_table("raw")
    athena.register("raw", "01", folder="raw/01/")
    athena.put("raw/01/a", b"\n".join(lines))
    sql = f"""
        WITH grouped AS (SELECT line, count(*) AS copies FROM raw GROUP BY line),
             joined AS (SELECT DISTINCT g.line, copies FROM grouped g JOIN raw r ON g.line = r.line)
        SELECT {sql_hash("concat(line, '!')")}, copies FROM joined
    """
    expected = {(hashlib.md5(line + b"!").hexdigest(), str(lines.count(line))) for line in lines}
    assert set(athena.rows(sql)) == expected


def test_text_shows_what_is_not_utf8_as_replacement_characters(athena: Athena) -> None:
    athena.create_text_table("raw")
    athena.register("raw", "01", folder="raw/01/")
    athena.put("raw/01/a", b'{"a":"x\xffy"}\n')
    assert athena.rows("SELECT line, json_extract_scalar(line, '$.a') FROM raw") == [('{"a":"x\ufffdy"}', "x\ufffdy")]


def test_the_fingerprint_of_the_test_vector(athena: Athena) -> None:
    values = "(''), ('a'), ('é✓'), ('x\ty'), (NULL), ('{\"a\":1}')"
    assert athena.rows(f"SELECT {sql_fingerprint('v')} FROM (VALUES {values}) AS t (v)") == [
        ("5", "12164072789", "15957857887")
    ]
