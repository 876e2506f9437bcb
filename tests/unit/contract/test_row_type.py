"""The columns of a Bronze of rows follow from the contract, and from every version of it."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.contract.row_type import CANARY, hive_type, row_type
from clickstream.contract.schema import Schema, SchemaFault
from clickstream.lake.row_text import RowText


def schema(version: str = "1.0.0", **properties: Any) -> Schema:
    return Schema(version, {"type": "object", "properties": properties})


@pytest.mark.parametrize(
    ("node", "hive"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": ["string", "number", "boolean", "null"]}, "string"),
        ({"enum": ["a", "b"]}, "string"),
        ({"type": "integer"}, "bigint"),
        ({"type": ["boolean", "null"]}, "boolean"),
        ({"type": "array", "items": {"type": "string"}}, "array<string>"),
        (
            {"properties": {"b": {"type": "integer"}, "a": {"properties": {"c": {"type": "string"}}}}},
            "struct<b:bigint,a:struct<c:string>>",
        ),
    ],
)
def test_a_field_has_the_type_that_the_contract_says(node: dict[str, Any], hive: str) -> None:
    columns = row_type([schema(field=node)])
    assert {name: hive_type(kind) for name, kind in columns.items()} == {
        "field": hive,
        "canary": "struct<kind:string,id:string>",
    }


@pytest.mark.parametrize(
    ("field", "node"),
    [
        ("price", {"type": "number"}),
        ("price", {"type": ["integer", "number"]}),
        ("any", {}),
        ("list", {"type": "array", "items": {"type": "integer"}}),
        ("list", {"type": "array"}),
        ("either", {"type": ["string", "object"]}),
        ("Name", {"type": "string"}),
        ("year", {"type": "string"}),
    ],
)
def test_what_no_column_can_hold_is_refused_by_its_name(field: str, node: dict[str, Any]) -> None:
    with pytest.raises(SchemaFault, match=f"1.0.0: {field} "):
        row_type([schema(**{field: node})])


def test_every_version_s_fields_are_columns() -> None:
    older = schema("1.0.0", a={"type": "string"}, o={"properties": {"b": {"type": "string"}}})
    newer = schema("2.0.0", o={"properties": {"c": {"type": "integer"}}}, d={"type": "boolean"})
    assert row_type([older, newer]) == {"a": "string", "o": {"b": "string", "c": "bigint"}, "d": "boolean"} | CANARY


def test_no_field_changes_its_type() -> None:
    with pytest.raises(SchemaFault, match=r"2.0.0: o.a .*an earlier version has it as string"):
        row_type(
            [
                schema("1.0.0", o={"properties": {"a": {"type": "string"}}}),
                schema("2.0.0", o={"properties": {"a": {"type": "integer"}}}),
            ]
        )


def test_the_text_in_sql_names_fields_in_their_order() -> None:
    sql = str(RowText({"b": "string", "a": {"n": "bigint"}}))
    assert sql.index("'a{'") < sql.index("'n+'") < sql.index("'}'") < sql.index("'b+'")
    assert 'CAST("a"."n" AS varchar)' in sql
