"""Reading `include/sources/*.yaml`: every fault of every file at once, and no file hides another."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from clickstream.contract.row_type import row_type
from clickstream.contract.schema import Schema, SchemaFault, load_schema, load_schemas, numbers
from clickstream.sources.gold import Daily, Dimension, Facts, Funnel, Gold, History, Sessions
from clickstream.sources.model import COMMON_COLUMNS, Column, Source

INCLUDE = Path(__file__).resolve().parents[3] / "include"


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one source file."""

    file: str
    field: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.file}: {self.field} = {self.value}: {self.allowed}"


class InvalidSources(ValueError):
    """Raised with all faults of all files: one line each, `file: field = value: what is allowed`."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


class _UniqueKeyLoader(yaml.CSafeLoader):
    """YAML 1.2 forbids a key that stands twice; PyYAML would silently keep the last.

    In C, because each DAG file reads all sources whenever it is parsed: PyYAML's own parser takes seven times as long.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_source(path: Path, schemas: Path, contract: str | None = None) -> Source:
    """Read one source.

    Args:
        path: the YAML file; its stem must be the source's name.
        schemas: folder that holds `<source>/<version>.json`.
        contract: read it as if it named this version of the contract.

    Raises:
        InvalidSources: with every fault of the file.
    """
    file = f"{path.parent.name}/{path.name}"
    try:
        declared = yaml.load(path.read_bytes(), _UniqueKeyLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else "the file"
        problem = getattr(error, "problem", None) or str(error)
        raise InvalidSources([Fault(file, line, "not readable", f"YAML: {problem}")]) from error
    if contract and isinstance(declared, dict) and isinstance(declared.get("events"), dict):
        declared["events"]["contract"] = contract
    faults = _outside_the_model(file, declared, path.stem, schemas) if isinstance(declared, dict) else []
    try:
        source = Source.model_validate(declared)
    except ValidationError as error:
        refused = [_fault(file, detail) for detail in error.errors()]
        fields = {fault.field for fault in refused}
        raise InvalidSources([*refused, *(fault for fault in faults if fault.field not in fields)]) from error
    if faults:
        raise InvalidSources(faults)
    return source


def _outside_the_model(file: str, declared: dict[str, Any], stem: str, schemas: Path) -> list[Fault]:
    """Faults against the file's name and the contract; what the model refuses anyway is passed over here."""
    faults = []
    if isinstance(name := declared.get("name"), str) and name != stem:
        faults.append(Fault(file, "name", repr(name), f"the file's own name, {stem!r}"))
    events, silver = declared.get("events"), declared.get("silver")
    if not isinstance(events, dict) or not isinstance(version := events.get("contract"), str):
        return faults
    of_source = name if isinstance(name, str) else stem
    try:
        known = load_schemas(schemas, of_source)
        # One that is not among them is looked for by name, for the fault that says what is there.
        schema = next((each for each in known if each.version == version), None) or load_schema(
            schemas, of_source, version
        )
    except SchemaFault as error:
        return [*faults, Fault(file, "events.contract", repr(version), str(error))]
    named = {f"events.{role}": events.get(role) for role in ("timestamp", "consent")}
    identity = events.get("identity")
    several = identity if isinstance(identity, list) else [identity]
    for number, path in enumerate(several):
        named[f"events.identity.{number}"] = path
        if len(several) > 1 and isinstance(path, str) and schema.declares(path) and not schema.is_text(path):
            faults.append(Fault(file, f"events.identity.{number}", repr(path), "a field that holds texts only"))
    delivery = declared.get("delivery")
    if isinstance(delivery, dict) and delivery.get("format") == "parquet":
        named["delivery.folder_by"] = delivery.get("folder_by")
        try:
            row_type(known)
        except SchemaFault as error:
            faults.append(Fault(file, "delivery.format", "'parquet'", f"a contract whose fields are columns: {error}"))
    faults += _not_in_older(file, named, schema, known)
    for column, definition in silver.items() if isinstance(silver, dict) else ():
        named[f"silver.{column}.path"] = definition.get("path") if isinstance(definition, dict) else None
    faults += [
        Fault(file, field, repr(path), "a field that the contract declares")
        for field, path in named.items()
        if isinstance(path, str) and not schema.declares(path)
    ]
    try:
        columns = TypeAdapter(dict[str, Column]).validate_python(silver)
        faults += _never_filled(file, columns, known)
        gold = Gold.model_validate(declared.get("gold"))
    except ValidationError:
        return faults
    return [*faults, *_outside_gold(file, gold, columns, schema)]


def _not_in_older(file: str, named: dict[str, Any], schema: Schema, known: list[Schema]) -> Iterator[Fault]:
    """Identity and timestamp where an older version does not declare them: by those the proof reads every hour."""
    older = [each for each in known if numbers(each.version) < numbers(schema.version)]
    for field, path in named.items():
        if field == "events.consent" or not isinstance(path, str) or not schema.declares(path):
            continue
        if without := [each.version for each in older if not each.declares(path)]:
            allowed = f"a field of {', '.join(without)} as well: hours keep the version that they were judged by"
            yield Fault(file, field, repr(path), allowed)


def _never_filled(file: str, silver: dict[str, Column], known: list[Schema]) -> Iterator[Fault]:
    """Columns that no version of the contract has a value for, and fields that none declares."""
    for name, column in silver.items():
        for number, path in enumerate(column.earlier):
            if not any(schema.declares(path) for schema in known):
                yield Fault(file, f"silver.{name}.earlier.{number}", repr(path), "a field that some version declares")
        declared = [schema for schema in known if any(map(schema.declares, column.paths))]
        if declared and not any(schema.may_hold(path, column.type) for schema in declared for path in column.paths):
            kinds = {kind for schema in declared for path in column.paths for kind in schema.kinds(path)} - {"null"}
            yield Fault(
                file,
                f"silver.{name}.type",
                repr(column.type),
                f"a type for what the contract allows in {', '.join(column.paths)}: {', '.join(sorted(kinds))}",
            )


def _outside_gold(file: str, gold: Gold, silver: dict[str, Column], schema: Schema) -> Iterator[Fault]:
    """Faults of `gold` against the columns of Silver and the event types of the contract."""
    types = COMMON_COLUMNS | {name: column.type for name, column in silver.items()}
    for field, name, allowed in _columns_named(gold):
        if name not in types or (allowed and types[name] not in allowed):
            of_type = f" of type {' or '.join(allowed)}" if allowed else ""
            yield Fault(file, field, repr(name), f"a column of silver{of_type}")
    if gold.event_type is None or gold.event_type not in silver:
        return
    if (known := schema.values(silver[gold.event_type].path)) is None:
        return
    for field, event_types in _event_types_named(gold):
        for number, event_type in enumerate(event_types):
            if event_type not in known:
                listed = f"an event type that the contract lists: {', '.join(known)}"
                yield Fault(file, f"{field}.{number}", repr(event_type), listed)


def _columns_named(gold: Gold) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Where a column of Silver is named, which, and the types that it may have there; none: any."""
    if gold.event_type:
        yield "gold.event_type", gold.event_type, ("string",)
    if gold.revenue:
        yield "gold.revenue.column", gold.revenue.column, ("double", "bigint")
    for table_name, table in gold.tables.items():
        field = f"gold.tables.{table_name}"
        match table:
            case Daily():
                for number, name in enumerate(table.dimensions):
                    yield f"{field}.dimensions.{number}", name, ("string", "boolean", "bigint")
            case Sessions():
                yield f"{field}.key", table.key, ("string",)
                for number, step in enumerate(table.funnel):
                    for name in step.holding:
                        yield f"{field}.funnel.{number}.holding.{name}", name, ("string",)
                for end, columns in (("first", table.first), ("last", table.last)):
                    for column, name in columns.items():
                        yield f"{field}.{end}.{column}", name, ("string", "boolean")
                for column, name in table.sums.items():
                    yield f"{field}.sums.{column}", name, ("bigint",)
            case Facts():
                for column, name in table.columns.items():
                    yield f"{field}.columns.{column}", name, ()
                if table.corrections:
                    yield f"{field}.corrections.refers", table.corrections.refers, ("string",)
            case Dimension():
                yield f"{field}.key", table.key, ("string",)
                for column, name in table.latest.items():
                    yield f"{field}.latest.{column}", name, ()
            case History():
                yield f"{field}.key", table.key, ("string",)
                yield f"{field}.value", table.value, ("string",)
                yield f"{field}.active", table.active, ("boolean",)
            case Funnel():
                sessions, _ = gold.made_of(table)
                yield f"{field}.key", sessions.texts[table.key], ("string",)


def _event_types_named(gold: Gold) -> Iterator[tuple[str, tuple[str, ...]]]:
    if gold.revenue:
        yield "gold.revenue.event_types", gold.revenue.event_types
    for table_name, table in gold.tables.items():
        field = f"gold.tables.{table_name}"
        match table:
            case Sessions():
                for number, step in enumerate(table.funnel):
                    yield f"{field}.funnel.{number}.event_types", step.event_types
                for column, event_types in table.counts.items():
                    yield f"{field}.counts.{column}", event_types
            case Facts():
                yield f"{field}.event_types", table.event_types or ()
                if table.corrections:
                    yield f"{field}.corrections.event_types", table.corrections.event_types
            case History():
                yield f"{field}.event_types", table.event_types


def load_sources(include: Path = INCLUDE) -> tuple[dict[str, Source], InvalidSources | None]:
    """Read every source below `include/`; sound ones are returned beside the faults of the others.

    Args:
        include: folder that holds `sources/` and `schemas/`.

    Returns:
        The sound sources by name, and one error with the faults of all others (None when there are none).
        A DAG file makes its DAGs for the first, then raises the second: Airflow shows it as an import error.
    """
    sources: dict[str, Source] = {}
    faults: list[Fault] = []
    for path in sorted((include / "sources").glob("*.yaml")):
        try:
            sources[path.stem] = load_source(path, include / "schemas")
        except InvalidSources as error:
            faults += error.faults
    return sources, InvalidSources(faults) if faults else None


def _fault(file: str, detail: ErrorDetails) -> Fault:
    place = detail["loc"]
    if place[:2] == ("gold", "tables"):
        place = (*place[:3], *place[4:])  # without the kind, which is no key of the file's
    field = ".".join(map(str, place)) or "the whole file"
    if detail["type"] == "missing":
        return Fault(file, field, "absent", "required")
    if detail["type"] == "extra_forbidden":
        return Fault(file, field, repr(detail["input"]), "unknown key: see the model of a source in docs/sources.md")
    value = repr(detail["input"]) if detail["loc"] else "taken together"
    return Fault(file, field, value if len(value) <= 80 else value[:77] + "...", detail["msg"])
