"""What a new version of a contract changes, and the number that it must have for it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from clickstream.contract.changes import changes, fault_of_step
from clickstream.contract.schema import Schema, load_schema, versions
from clickstream.sources.loader import INCLUDE

TEXT = {"type": "string"}
KEY = {"key": TEXT | {"minLength": 1}}
LIMITED = {"type": "integer", "minimum": 0, "maximum": 9}


def event(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["id"], "properties": {"id": TEXT, **fields}}


def nested(**fields: Any) -> dict[str, Any]:
    return event(at={"type": "object", "properties": fields})


def tree(leaf: dict[str, Any]) -> dict[str, Any]:
    node = {"type": "object", "properties": {"leaf": leaf, "below": {"$ref": "#/$defs/node"}}}
    return event(tree={"$ref": "#/$defs/node"}) | {"$defs": {"node": node}}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "nothing": (event(a=TEXT), event(a=TEXT), []),
    "only words": (event(a=TEXT), event(a=TEXT | {"description": "a text", "title": "a"}) | {"title": "events"}, []),
    "a new field": (event(), event(a=TEXT), ["minor: a: new optional field"]),
    "a new field below": (nested(), nested(a=TEXT), ["minor: at.a: new optional field"]),
    "a new field that is required": (event(), event(a=TEXT) | {"required": ["id", "a"]}, ["breaking: a: required"]),
    "optional to required": (event(a=TEXT), event(a=TEXT) | {"required": ["id", "a"]}, ["breaking: a: required"]),
    "required to optional": (event(), event() | {"required": []}, ["minor: id: optional, was required"]),
    "required and nowhere declared": (event(), event() | {"required": ["id", "b"]}, ["breaking: b: required"]),
    "a field less": (
        event(a=TEXT),
        event(),
        ["minor: a: not declared any more; what it holds is kept in extra"],
    ),
    "a field less where others are not allowed": (
        event(a=TEXT) | {"additionalProperties": False},
        event() | {"additionalProperties": False},
        ["breaking: a: not allowed"],
    ),
    "a field more where others are not allowed": (
        event() | {"additionalProperties": False},
        event(a=TEXT) | {"additionalProperties": False},
        ["minor: a: new optional field"],
    ),
    "others not allowed": (event(), event() | {"additionalProperties": False}, ["breaking: *: not allowed"]),
    "others allowed": (event() | {"additionalProperties": False}, event(), ["minor: *: allowed"]),
    "a field of its own that was one of the others": (
        event() | {"additionalProperties": TEXT},
        event(a=TEXT | {"format": "date"}) | {"additionalProperties": TEXT},
        ["minor: a: new optional field", 'breaking: a: format "date", was absent'],
    ),
    "another type": (event(a=TEXT), event(a={"type": "integer"}), ["breaking: a: type integer, was string"]),
    "null no more": (
        event(a={"type": ["string", "null"]}),
        event(a=TEXT),
        ["breaking: a: type string, was null or string"],
    ),
    "null as well": (
        event(a=TEXT),
        event(a={"type": ["string", "null"]}),
        ["minor: a: type null or string, was string"],
    ),
    "whole numbers only": (
        event(a={"type": "number"}),
        event(a={"type": "integer"}),
        ["breaking: a: type integer, was number"],
    ),
    "any number": (event(a={"type": "integer"}), event(a={"type": "number"}), ["minor: a: type number, was integer"]),
    "of any type": (event(a=TEXT), event(a={}), ["minor: a: type any, was string"]),
    "a value less": (event(a={"enum": ["x", "y"]}), event(a={"enum": ["x"]}), ['breaking: a: no longer "y"']),
    "a value more": (event(a={"enum": ["x"]}), event(a={"enum": ["x", "y"]}), ['minor: a: also "y"']),
    "listed values": (event(a=TEXT), event(a={"enum": ["x"]}), ['breaking: a: one of "x", was any value of its type']),
    "values no longer listed": (
        event(a={"enum": ["x"]}),
        event(a=TEXT),
        ["minor: a: any value of its type, was one of a list"],
    ),
    "narrower": (
        event(a=LIMITED),
        event(a=LIMITED | {"minimum": 1, "maximum": 8}),
        ["breaking: a: minimum 1, was 0", "breaking: a: maximum 8, was 9"],
    ),
    "wider": (
        event(a=LIMITED),
        event(a={"type": "integer", "minimum": -1}),
        ["minor: a: minimum -1, was 0", "minor: a: maximum absent, was 9"],
    ),
    "a limit": (event(a=TEXT), event(a=TEXT | {"maxLength": 5}), ["breaking: a: maxLength 5, was absent"]),
    "another pattern": (
        event(a=TEXT | {"pattern": "x"}),
        event(a=TEXT | {"pattern": "y"}),
        ['breaking: a: pattern "y", was "x"'],
    ),
    "what only a solver could tell": (
        event() | {"anyOf": [{"required": ["a"]}]},
        event(),
        ['breaking: $: anyOf absent, was [{"required":["a"]}]'],
    ),
    "items": (
        event(a={"type": "array", "items": TEXT}),
        event(a={"type": "array", "items": {"type": "integer"}}),
        ["breaking: a.[]: type integer, was string"],
    ),
    "a definition": (
        event(a={"$ref": "#/$defs/key"}) | {"$defs": KEY},
        event(a={"$ref": "#/$defs/key"}) | {"$defs": {"key": TEXT}},
        ["minor: a: minLength absent, was 1"],
    ),
    "a definition that is put in": (event(a={"$ref": "#/$defs/key"}) | {"$defs": KEY}, event(a=KEY["key"]), []),
    "a definition that refers to itself": (
        tree(TEXT),
        tree({"type": "integer"}),
        ["breaking: tree.leaf: type integer, was string", "breaking: tree.below.leaf: type integer, was string"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_change_is_told_with_its_weight(case: str) -> None:
    old, new, told = CASES[case]
    assert [str(change) for change in changes(Schema("1.0.0", old), Schema("2.0.0", new))] == told


BREAKING, MINOR, WORDS = event() | {"required": ["id", "a"]}, event(a=TEXT), event() | {"title": "events"}
STEPS = [
    ("1.2.3", "1.2.4", WORDS, None),
    ("1.2.3", "1.3.0", MINOR, None),
    ("1.2.3", "2.0.0", BREAKING, None),
    ("1.2.3", "2.0.0", WORDS, None),
    ("1.9.0", "1.10.0", MINOR, None),
    ("1.2.3", "1.2.4", MINOR, "1.2.4 has changes: after 1.2.3 it must be 1.3.0 at least"),
    ("1.2.3", "1.3.0", BREAKING, "1.3.0 has breaking changes: after 1.2.3 it must be 2.0.0"),
    ("1.2.3", "1.2.3", BREAKING, "1.2.3 must be later than 1.2.3"),
    ("1.10.0", "1.9.0", MINOR, "1.9.0 must be later than 1.10.0"),
]


@pytest.mark.parametrize(("before", "after", "document", "fault"), STEPS)
def test_the_number_of_a_version_fits_what_it_changes(
    before: str, after: str, document: dict[str, Any], fault: str | None
) -> None:
    old, new = Schema(before, event()), Schema(after, document)
    assert fault_of_step(old, new, changes(old, new)) == fault


def faults_in(schemas: Path) -> list[str]:
    """What is wrong with the versions of each source, one after the other."""
    faults = []
    for folder in sorted(schemas.iterdir()):
        released = [load_schema(schemas, folder.name, version) for version in versions(schemas, folder.name)]
        steps = [fault_of_step(old, new, changes(old, new)) for old, new in pairwise(released)]
        faults += [f"{folder.name}: {fault}" for fault in steps if fault]
    return faults


def test_every_contract_that_is_committed_has_the_number_that_it_must_have(tmp_path: Path) -> None:
    assert sorted(path.name for path in (INCLUDE / "schemas").iterdir())
    assert faults_in(INCLUDE / "schemas") == []
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "1.9.0.json").write_text('{"type": "object"}')
    (tmp_path / "shop" / "1.10.0.json").write_text('{"type": "string"}')
    assert faults_in(tmp_path) == ["shop: 1.10.0 has breaking changes: after 1.9.0 it must be 2.0.0"]
