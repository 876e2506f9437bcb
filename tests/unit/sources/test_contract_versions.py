"""A declaration stands on every version of the contract that an hour may be judged by, not on the newest alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from clickstream.sources.loader import Fault, InvalidSources, load_source
from tests.unit.sources.conftest import SCHEMA

Declare = Callable[..., Path]
PLACE = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.fixture
def release(include: Path) -> Callable[..., None]:
    """Writes a version of the contract: the sound one with some properties set, or taken out where set to None."""

    def write(version: str, **properties: Any) -> None:
        declared = SCHEMA["properties"] | properties
        kept = {name: node for name, node in declared.items() if node is not None}
        path = include / "schemas" / "shop" / f"{version}.json"
        path.write_bytes(orjson.dumps(SCHEMA | {"properties": kept}))

    return write


def faults_of(path: Path, contract: str | None = None) -> list[Fault]:
    with pytest.raises(InvalidSources) as raised:
        load_source(path, path.parents[1] / "schemas", contract)
    return raised.value.faults


def test_a_column_may_move_with_a_new_version(declare: Declare, include: Path, release: Callable[..., None]) -> None:
    release("2.0.0", where={"type": "object", "properties": {"land": PLACE}})
    column = {"path": "where.land.name", "earlier": "where.country", "type": "string"}
    source = load_source(declare(events__contract="2.0.0", silver__country=column), include / "schemas")
    assert source.silver["country"].paths == ("where.land.name", "where.country")


def test_a_column_stays_whose_field_has_another_type_by_now(
    declare: Declare, include: Path, release: Callable[..., None]
) -> None:
    release("2.0.0", paid={"type": "string"})
    columns = {"paid": {"path": "paid", "type": "double"}, "price": {"path": "paid", "type": "string"}}
    source = load_source(declare(events__contract="2.0.0", silver=columns), include / "schemas")
    assert list(source.silver) == ["paid", "price"]


def test_an_older_version_may_be_named_again(declare: Declare, include: Path, release: Callable[..., None]) -> None:
    release("2.0.0", where={"type": "object", "properties": {"land": PLACE}})
    column = {"path": "where.country", "earlier": "where.land.name", "type": "string"}
    assert load_source(declare(silver__country=column), include / "schemas").events.contract == "1.0.0"


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a type that no version has": (
        {"silver__country__type": "bigint"},
        "silver.country.type",
        "a type for what the contract allows in where.country: string",
    ),
    "a field that no version has": (
        {"silver__country__earlier": ["where.city"]},
        "silver.country.earlier.0",
        "a field that some version declares",
    ),
    "an identity that old hours have not": (
        {"events__contract": "2.0.0", "events__identity": "key"},
        "events.identity.0",
        "a field of 1.0.0 as well: hours keep the version that they were judged by",
    ),
    "a field of a later version": (
        {"silver__country__path": "key"},
        "silver.country.path",
        "a field that the contract declares",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_some_version_cannot_fill_is_refused(declare: Declare, release: Callable[..., None], case: str) -> None:
    changes, field, allowed = CASES[case]
    release("2.0.0", key={"type": "string"})
    (fault,) = faults_of(declare(**changes))
    assert (fault.field, fault.allowed) == (field, allowed)


def test_a_version_that_nobody_has_named_yet_can_be_tried(
    declare: Declare, include: Path, release: Callable[..., None]
) -> None:
    release("2.0.0", id=None, where=None)
    path = declare()
    assert load_source(path, include / "schemas").events.contract == "1.0.0"
    assert [fault.field for fault in faults_of(path, "2.0.0")] == ["events.identity.0", "silver.country.path"]
