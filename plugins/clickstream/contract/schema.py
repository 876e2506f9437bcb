"""The contract of a source: a JSON Schema of one version, as `include/schemas/<source>/<version>.json`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson


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
    document: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the document in a canonical form: what the ledger records as the contract."""
        return hashlib.sha256(orjson.dumps(self.document, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def declares(self, path: str) -> bool:
        """Whether the contract knows the field at a dotted path."""
        return self._node(path) is not None

    def is_text(self, path: str) -> bool:
        """Whether the contract allows nothing but texts and null in the field at a dotted path."""
        node = self._node(path) or {}
        if "enum" in node:
            return all(isinstance(value, str) for value in node["enum"])
        kinds = node.get("type", [])
        return {"string"} <= {*([kinds] if isinstance(kinds, str) else kinds)} <= {"string", "null"}

    def values(self, path: str) -> list[Any] | None:
        """The values that the contract allows in the field at a dotted path; None when it does not list them."""
        return (self._node(path) or {}).get("enum")

    def _node(self, path: str) -> dict[str, Any] | None:
        node: dict[str, Any] | None = self.document
        for step in path.split("."):
            node = (node or {}).get("properties", {}).get(step)
        return node


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
    versions = [path.stem for path in (schemas / source).glob("*.json")]
    return [load_schema(schemas, source, v) for v in sorted(versions, key=lambda v: [*map(int, v.split("."))])]
