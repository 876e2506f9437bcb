"""Rows of the OpenX JSON SerDe: a JSON object a line, a column a member."""

from collections.abc import Callable
from typing import Any

import orjson
import pyarrow as pa

from local.athena.errors import QueryError, not_supported

_KNOWN_SETTINGS = {"serialization.format", "ignore.malformed.json", "case.insensitive", "dots.in.keys", "paths"}


def reader(columns: pa.Schema, settings: dict[str, str]) -> Callable[[list[bytes], list[str]], dict[str, pa.Array]]:
    """A reader of lines into the declared columns; a member that is absent or null is NULL.

    :param settings: the SerDe's parameters.
    :raises QueryError: NOT_SUPPORTED for settings that are not served.
    """
    mappings = {name.removeprefix("mapping."): value for name, value in settings.items() if name.startswith("mapping.")}
    unknown = sorted(set(settings) - _KNOWN_SETTINGS - {f"mapping.{name}" for name in mappings})
    if unknown or settings.get("dots.in.keys", "false") == "true" or settings.get("case.insensitive", "true") != "true":
        raise not_supported(f"these settings of the JSON SerDe: {settings}")
    ignore_malformed = settings.get("ignore.malformed.json", "false").lower() == "true"

    def read(lines: list[bytes], wanted: list[str]) -> dict[str, pa.Array]:
        records = [_record(line, ignore_malformed) for line in lines]
        return {
            name: pa.array(
                [_value(record.get(mappings.get(name, name)), columns.field(name).type) for record in records],
                columns.field(name).type,
            )
            for name in wanted
        }

    return read


def _record(line: bytes, ignore_malformed: bool) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        if ignore_malformed:
            return {}
        raise QueryError("HIVE_CURSOR_ERROR", "Row is not a valid JSON Object")
    return {name.lower(): value for name, value in record.items()}


def _value(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_string(kind):
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    if pa.types.is_list(kind) and isinstance(value, list):
        return [_value(each, kind.value_type) for each in value]
    if pa.types.is_map(kind) and isinstance(value, dict):
        return [(name, _value(each, kind.item_type)) for name, each in value.items()]
    if pa.types.is_struct(kind) and isinstance(value, dict):
        members = {name.lower(): each for name, each in value.items()}
        return {field.name: _value(members.get(field.name.lower()), field.type) for field in kind}
    try:
        return _scalar(value, kind)
    except (ValueError, TypeError, pa.ArrowInvalid):
        raise QueryError("HIVE_CURSOR_ERROR", f"Row has {value!r} where {kind} is declared") from None


def _scalar(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_boolean(kind):
        if isinstance(value, bool):
            return value
        raise ValueError
    if isinstance(value, (bool, list, dict)):
        raise ValueError
    # A number or its text, a date or time by its text: Arrow's own reading of it.
    return pa.scalar(str(value)).cast(kind).as_py()
