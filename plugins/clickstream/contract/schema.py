"""The contract of a source: a JSON Schema of one version, as `include/schemas/<source>/<version>.json`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

Node = dict[str, Any]
"""A JSON Schema, or one that stands inside another."""

EVERY_KIND = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
COLUMN_KINDS: dict[str, frozenset[str]] = {
    "string": frozenset({"string"}),
    "bigint": frozenset({"integer"}),
    "double": frozenset({"integer", "number"}),
    "boolean": frozenset({"boolean"}),
    "array<string>": frozenset({"array"}),
}
"""The JSON types whose values a column of Silver holds, by its type."""

_VERSION = re.compile(r"\d+\.\d+\.\d+")


class SchemaFault(ValueError):
    """The contract is absent or is no JSON Schema; the text says what was looked for."""


@dataclass(frozen=True)
class Schema:
    """A JSON Schema with its version.

    Attributes:
        version: as in the file's name, `1.0.0`.
        document: the parsed JSON Schema (draft 2020-12).
    """

    version: str
    document: Node

    @property
    def digest(self) -> str:
        """SHA-256 of the document in a canonical form: what the ledger records as the contract."""
        return hashlib.sha256(orjson.dumps(self.document, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def declares(self, path: str) -> bool:
        """Whether the contract knows the field at a dotted path."""
        return self._node(path) is not None

    def is_text(self, path: str) -> bool:
        """Whether the contract allows nothing but texts and null in the field at a dotted path."""
        return {"string"} <= self.kinds(path) <= {"string", "null"}

    def values(self, path: str) -> list[Any] | None:
        """The values that the contract allows in the field at a dotted path; None when it does not list them."""
        return (self._node(path) or {}).get("enum")

    def kinds(self, path: str) -> frozenset[str]:
        """The JSON types that the contract allows in the field at a dotted path; none when it does not know it."""
        node = self._node(path)
        return kinds_of(node) if node is not None else frozenset()

    def may_hold(self, path: str, column_type: str) -> bool:
        """Whether an event can have a value in the field at a dotted path that a column of some type holds."""
        return not self.kinds(path).isdisjoint(COLUMN_KINDS[column_type])

    def holds_only(self, path: str, column_type: str) -> bool:
        """Whether nothing else but null can stand there, and nothing but objects and null on the way to it."""
        nodes = self._nodes(path)
        return (
            bool(nodes)
            and kinds_of(nodes[-1]) <= COLUMN_KINDS[column_type] | {"null"}
            and all(kinds_of(parent) <= {"object", "null"} for parent in nodes[:-1])
        )

    def resolved(self, node: Node) -> Node:
        """A schema inside the document with the definitions that it refers to put in, `#/$defs/...`."""
        while (reference := node.get("$ref")) is not None:
            target: Node = self.document
            for step in reference.removeprefix("#").split("/")[1:]:
                target = target[step]
            node = target | {keyword: value for keyword, value in node.items() if keyword != "$ref"}
        return node

    def _nodes(self, path: str) -> list[Node]:
        """The schemas of a field's parents and of itself; none when the contract does not know it."""
        nodes: list[Node] = []
        node = self.resolved(self.document)
        for step in path.split("."):
            if (found := node.get("properties", {}).get(step)) is None:
                return []
            node = self.resolved(found)
            nodes.append(node)
        return nodes

    def _node(self, path: str) -> Node | None:
        nodes = self._nodes(path)
        return nodes[-1] if nodes else None


def kinds_of(node: Node) -> frozenset[str]:
    """The JSON types that a schema allows. An integer is a number; a number may be none."""
    listed = node["enum"] if "enum" in node else [node["const"]] if "const" in node else None
    kinds = EVERY_KIND
    if "type" in node:
        told = node["type"]
        kinds = frozenset([told] if isinstance(told, str) else told)
        if "number" in kinds:
            kinds |= {"integer"}
    if listed is not None:
        kinds &= {kind_of(value) for value in listed}
    return kinds


def kind_of(value: Any) -> str:
    """The JSON type of a value; that of 2.0 is integer, as a contract has it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def versions(schemas: Path, source: str, until: str | None = None) -> list[str]:
    """The versions of a source's contract that are there, oldest first.

    Args:
        until: the newest that is wanted; None: all.
    """
    held = (path.stem for path in (schemas / source).glob("*.json") if _VERSION.fullmatch(path.stem))
    return [version for version in sorted(held, key=numbers) if until is None or numbers(version) <= numbers(until)]


def numbers(version: str) -> tuple[int, ...]:
    """Major, minor and patch of a version: by them versions are compared."""
    return tuple(map(int, version.split(".")))


def load_schema(schemas: Path, source: str, version: str) -> Schema:
    """Read one version of a source's contract.

    Raises:
        SchemaFault: the file is absent, not JSON, or not a JSON Schema of draft 2020-12.
    """
    path = schemas / source / f"{version}.json"
    if not path.is_file():
        held = ", ".join(sorted(p.stem for p in path.parent.glob("*.json"))) or "none"
        raise SchemaFault(f"no file schemas/{source}/{version}.json; versions there: {held}")
    try:
        document = orjson.loads(path.read_bytes())
        jsonschema_rs.validator_for(document)
    except ValueError as error:
        raise SchemaFault(f"schemas/{source}/{version}.json is no JSON Schema: {error}") from error
    return Schema(version, document)


def load_schemas(schemas: Path, source: str) -> list[Schema]:
    """Every version of a source's contract, the oldest first.

    Raises:
        SchemaFault: one of them is no JSON Schema.
    """
    return [load_schema(schemas, source, version) for version in versions(schemas, source)]
