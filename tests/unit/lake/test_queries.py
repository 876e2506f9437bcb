"""Names and values reach SQL quoted by their type, and no place stays unfilled."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from clickstream.lake.queries import FOLDER, Column, Holding, Known, Table, Value, render

HOUR = datetime(2026, 11, 18, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (Table("clickstream", "shop_silver"), '"clickstream"."shop_silver"'),
        ("plain", "'plain'"),
        ("it's; DROP TABLE x --", "'it''s; DROP TABLE x --'"),
        ("''", "''''''"),
        ("", "''"),
        (r"back\1slash ${other}", r"'back\1slash ${other}'"),
        (7, "7"),
        (-(2**62), "-4611686018427387904"),
        (HOUR, "'2026-11-18T13:00:00Z'"),
        (["a", "b'c"], "'a', 'b''c'"),
        ([HOUR, HOUR], "'2026-11-18T13:00:00Z', '2026-11-18T13:00:00Z'"),
        (iter(["a"]), "'a'"),
        ([], "''"),
        (Column("event_type"), '"event_type"'),
        ([Column("a"), Column("b")], '"a", "b"'),
        (Known("a"), '"a" IS NOT NULL'),
        (Holding({}), "TRUE"),
        (Holding({"a": "it's", "b": "/"}), """strpos("a", 'it''s') > 0 AND strpos("b", '/') > 0"""),
        (date(2026, 11, 18), "DATE '2026-11-18'"),
        ([date(2026, 11, 18), date(2026, 11, 19)], "DATE '2026-11-18', DATE '2026-11-19'"),
    ],
)
def test_a_value_is_written_by_its_type(tmp_path: Path, value: Value, literal: str) -> None:
    (tmp_path / "q.sql").write_text("SELECT ${value}, ${value_2}")
    assert render("q", tmp_path, value=value, value_2=1) == f"SELECT {literal}, 1"


def test_a_place_without_a_value_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT ${one}, ${other}")
    with pytest.raises(KeyError, match="other"):
        render("q", tmp_path, one=1)


@pytest.mark.parametrize("name", ["", "Silver", "1st", 'a"b', "a.b", "a-b", "a b"])
def test_a_table_s_name_must_need_no_escape(name: str) -> None:
    for database, table in ((name, "silver"), ("clickstream", name)):
        with pytest.raises(ValueError, match="no name of a table"):
            Table(database, table)


@pytest.mark.parametrize("name", ["", "Kind", 'a"b', "a.b"])
def test_a_column_s_name_must_need_no_escape(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a column"):
        Column(name)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_each_query_declares_what_it_takes(path: Path) -> None:
    """The header names every place and nothing else, so that it can be read without the statement."""
    text = path.read_text()
    header = " ".join(line.removeprefix("--") for line in text.splitlines() if line.startswith("--"))
    declared = re.sub(r"\([^)]*\)", "", header.split("Names:")[1])
    names = {name for name in re.findall(r"\w+", declared) if name != "Values"}
    assert names == set(re.findall(r"\$\{(\w+)\}", text))
