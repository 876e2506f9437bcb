"""json_extract_scalar over records that are not what they should be, as Trino reads them."""

import json

import pytest

from local.athena.json_text import BrokenJson, tokens
from tests.integration.local.athena_queries import Athena
from tests.integration.local.conftest import Cloud

LINES: dict[bytes, str | None] = {
    # The value of "a", by the line.
    b'{"a":"x"}': "x",
    b'{ "b" : {"a":"inner"} , "a" : "x" }': "x",
    b'{"a":""}': "",
    b'{"a":1}': "1",
    b'{"a":-0}': "-0",
    b'{"a":1.10}': "1.10",
    b'{"a":1e5}': "1e5",
    b'{"a":12345678901234567890123}': "12345678901234567890123",
    b'{"a":true}': "true",
    b'{"a":false}': "false",
    b'{"a":null}': None,
    b'{"a":{"b":1}}': None,
    b'{"a":[1]}': None,
    b'{"b":1}': None,
    b"{}": None,
    b"[]": None,
    b'"a"': None,
    b'{"a":"\\u00e9\\n"}': "é\n",
    b'{"\\u0061":"x"}': "x",
    b'{"a":1,"a":2}': "1",
    # Broken: the value counts when it stands before the break.
    b'{"a":"x"} behind': "x",
    b'{"a":"x"}{"a":"y"}': "x",
    b'{"a":"x","b":': "x",
    b'{"a":"x",}': "x",
    b'{"a":"x': None,
    b'{"b":NaN,"a":"x"}': None,
    b'{"b":[1,],"a":"x"}': None,
    b'{"b":"\x00","a":"x"}': None,
    b"{'a':'x'}": None,
    b'{"b":01,"a":"x"}': None,
    b'\xef\xbb\xbf{"a":"x"}': None,
    b"": None,
    b"not json": None,
    # Bytes that are not UTF-8
    b'{"a":"x\xffy"}': "x\ufffdy",
    b'{"b":"\xff","a":"x"}': "x",
    # Deep
    b'{"b":' + b"[" * 3000 + b"]" * 3000 + b',"a":"x"}': "x",
}


def is_strict_json(line: bytes) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(line.decode("utf-8", "replace"), parse_constant=refuse)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


@pytest.fixture
def athena(common_cloud: Cloud) -> Athena:
    athena = Athena(common_cloud)
    athena.create_text_table("raw", ("at",))
    for at, line in enumerate(LINES):
        # After a first line, so that a byte order mark is no object's start.
        athena.put(f"raw/{at}/a", b"first\n" + line + b"\n")
        athena.register("raw", str(at), folder=f"raw/{at}/")
    return athena


def test_scalars_of_good_and_broken_records(athena: Athena) -> None:
    found = athena.rows(
        """SELECT CAST(at AS integer), json_extract_scalar(line, '$.a'), TRY(json_parse(line)) IS NOT NULL
           FROM raw WHERE line <> 'first' ORDER BY 1"""
    )
    assert [value for _, value, _ in found] == list(LINES.values())
    assert [parsed == "true" for _, _, parsed in found] == [is_strict_json(line) for line in LINES]


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('{"a":[1,-2.5e+3,true,null,"\\u00e9\\""],"b":{}}', True),
        (" [ ] ", True),
        ("5", True),
        ("[1}", False),
        ("{]", False),
        ('{"a"}', False),
        ('{"a":1 "b":2}', False),
        ("[1 2]", False),
        ('{"a":}', False),
        ("[,]", False),
        ("1.", False),
        ("-", False),
        ('"\\x"', False),
        ('"tab\t"', False),
        ("truest", False),
        ("nul", False),
        ("[[]", False),
        ("", False),
    ],
)
def test_what_is_json(text: str, valid: bool) -> None:
    try:
        for _ in tokens(text):
            pass
    except BrokenJson:
        assert not valid
    else:
        assert valid
