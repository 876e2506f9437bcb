"""What a new version of a contract changes, and whether the step of its number is large enough for it.

A change is *breaking* when a record that was good may be good no longer, and *minor* when none can be. A field that is
declared for the first time is minor, although an event may have had it before, with anything in it: no version
promised anything about it. What really happens to the records that came is told by a preview.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from clickstream.contract.schema import EVERY_KIND, Node, Schema, kinds_of, numbers

Weight = Literal["breaking", "minor"]

_WORDS = {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "deprecated"}
"""Keywords that judge nothing."""
_LEAST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_MOST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_MUST_MATCH = {"pattern", "format", "multipleOf"}
_BY_HAND = {"type", "enum", "const", "required", "properties", "additionalProperties", "items"}
_ANYTHING: Node = {}
_NOTHING: Node = {"not": {}}


@dataclass(frozen=True)
class Change:
    """One difference between two versions of a contract.

    Attributes:
        path: dotted path of the field, `$` for the event itself; `[]` are the items of a list, `*` all fields that
            have no schema of their own.
        weight: whether a record that was good may be good no longer.
        text: what was and what is.
    """

    path: str
    weight: Weight
    text: str

    def __str__(self) -> str:
        return f"{self.weight}: {self.path}: {self.text}"


def changes(old: Schema, new: Schema) -> list[Change]:
    """What a version changes for the records that it judges, in the order of the old one's fields.

    Where only a solver could tell whether a keyword has become narrower (`anyOf`, `if`, …), it is taken to have.
    """
    return list(_Comparison(old, new).of(old.document, new.document, ()))


def fault_of_step(old: Schema, new: Schema, found: Iterable[Change]) -> str | None:
    """What is wrong with the number of a new version, in a sentence; None: nothing.

    Args:
        found: what it changes.
    """
    before, after = numbers(old.version), numbers(new.version)
    if after <= before:
        return f"{new.version} must be later than {old.version}"
    weights = {change.weight for change in found}
    if "breaking" in weights and after[0] == before[0]:
        return f"{new.version} has breaking changes: after {old.version} it must be {before[0] + 1}.0.0"
    if weights and after[:2] == before[:2]:
        return f"{new.version} has changes: after {old.version} it must be {before[0]}.{before[1] + 1}.0 at least"
    return None


@dataclass(frozen=True)
class _Comparison:
    old: Schema
    new: Schema

    def of(
        self, old: Any, new: Any, path: tuple[str, ...], above: frozenset[tuple[int, int]] = frozenset()
    ) -> Iterator[Change]:
        """What differs between the two schemas of one place.

        Args:
            above: the pairs that this one stands in: a definition may refer to itself.
        """
        was, now = self.old.resolved(_as_node(old)), self.new.resolved(_as_node(new))
        if (pair := (id(old), id(new))) in above:
            return
        at = ".".join(path) or "$"
        if (was == _NOTHING) is not (now == _NOTHING):
            yield Change(at, "breaking", "not allowed") if now == _NOTHING else Change(at, "minor", "allowed")
            return
        yield from _of_kinds(was, now, at)
        yield from _of_values(was, now, at)
        yield from _of_keywords(was, now, at)
        yield from self._of_fields(was, now, path, above | {pair})
        if "items" in was or "items" in now:
            items, items_now = was.get("items", _ANYTHING), now.get("items", _ANYTHING)
            yield from self.of(items, items_now, (*path, "[]"), above | {pair})

    def _of_fields(
        self, was: Node, now: Node, path: tuple[str, ...], above: frozenset[tuple[int, int]]
    ) -> Iterator[Change]:
        fields, fields_now = was.get("properties", {}), now.get("properties", {})
        others, others_now = was.get("additionalProperties", _ANYTHING), now.get("additionalProperties", _ANYTHING)
        required, required_now = was.get("required", []), now.get("required", [])
        for name in dict.fromkeys([*fields, *fields_now, *required, *required_now]):
            at = ".".join((*path, name))
            if name in required_now and name not in required:
                yield Change(at, "breaking", "required")
            elif name in required and name not in required_now:
                yield Change(at, "minor", "optional, was required")
            elif name in fields_now and name not in fields:
                yield Change(at, "minor", "new optional field")
            if name in fields and name not in fields_now and _as_node(others_now) == _ANYTHING:
                yield Change(at, "minor", "not declared any more; what it holds is kept in extra")
            elif name in fields or (name in fields_now and _as_node(others) not in (_ANYTHING, _NOTHING)):
                new = fields_now.get(name, others_now)
                yield from self.of(fields.get(name, others), new, (*path, name), above)
        if _as_node(others) != _as_node(others_now):
            yield from self.of(others, others_now, (*path, "*"), above)


def _of_kinds(was: Node, now: Node, at: str) -> Iterator[Change]:
    kinds, kinds_now = kinds_of(was), kinds_of(now)
    if kinds != kinds_now:
        weight: Weight = "minor" if kinds <= kinds_now else "breaking"
        yield Change(at, weight, f"type {_listed(kinds_now)}, was {_listed(kinds)}")


def _of_values(was: Node, now: Node, at: str) -> Iterator[Change]:
    listed, listed_now = _values(was), _values(now)
    if listed is None and listed_now is None:
        return
    if listed_now is None:
        yield Change(at, "minor", "any value of its type, was one of a list")
    elif listed is None:
        yield Change(at, "breaking", f"one of {', '.join(listed_now)}, was any value of its type")
    else:
        if gone := [value for value in listed if value not in listed_now]:
            yield Change(at, "breaking", f"no longer {', '.join(gone)}")
        if added := [value for value in listed_now if value not in listed]:
            yield Change(at, "minor", f"also {', '.join(added)}")


def _of_keywords(was: Node, now: Node, at: str) -> Iterator[Change]:
    for keyword in [*was, *(keyword for keyword in now if keyword not in was)]:
        limit, limit_now = was.get(keyword), now.get(keyword)
        if limit == limit_now or keyword in _WORDS | _BY_HAND:
            continue
        told = f"{keyword} {_text(limit_now)}, was {_text(limit)}"
        if keyword in _LEAST | _MOST | _MUST_MATCH and limit_now is None:
            weight: Weight = "minor"
        elif keyword in _LEAST and limit is not None:
            weight = "minor" if limit_now < limit else "breaking"
        elif keyword in _MOST and limit is not None:
            weight = "minor" if limit_now > limit else "breaking"
        else:
            weight = "breaking"
        yield Change(at, weight, told)


def _as_node(schema: Any) -> Node:
    """A schema as an object: `true` allows everything, `false` nothing."""
    if isinstance(schema, bool):
        return _ANYTHING if schema else _NOTHING
    node: Node = schema
    return node


def _values(node: Node) -> list[str] | None:
    """The values that a schema lists, as JSON."""
    listed = node["enum"] if "enum" in node else [node["const"]] if "const" in node else None
    return None if listed is None else [_text(value) for value in listed]


def _text(value: Any) -> str:
    return "absent" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _listed(kinds: frozenset[str]) -> str:
    """JSON types for a reader: a number may be whole, so that need not be said."""
    told = kinds - {"integer"} if "number" in kinds else kinds
    return "any" if kinds == EVERY_KIND else " or ".join(sorted(told)) or "none"
