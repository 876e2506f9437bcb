"""Rows of LazySimpleSerDe: a table whose one column is the line.

Source: io.trino.hive.formats.line.simple.SimpleDeserializer.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from local.athena import raw_text
from local.athena.errors import not_supported

_KNOWN_SETTINGS = {
    "field.delim",
    "line.delim",
    "serialization.encoding",
    "serialization.format",
    "serialization.last.column.takes.rest",
    "serialization.null.format",
}


def reader(columns: pa.Schema, settings: dict[str, str]) -> Callable[[list[bytes], list[str]], dict[str, pa.Array]]:
    """A reader of lines into the one column.

    :param settings: the SerDe's parameters.
    :raises QueryError: NOT_SUPPORTED for other columns or settings.
    """
    if len(columns) != 1 or not pa.types.is_string(columns.field(0).type):
        raise not_supported("LazySimpleSerDe with other columns than one string")
    unknown = sorted(set(settings) - _KNOWN_SETTINGS)
    if (
        unknown
        or settings.get("line.delim", "\n") != "\n"
        or settings.get("serialization.encoding", "UTF-8") != "UTF-8"
    ):
        raise not_supported(f"these settings of LazySimpleSerDe: {settings}")
    name = columns.names[0]
    null = settings.get("serialization.null.format", r"\N").encode()
    takes_rest = settings.get("serialization.last.column.takes.rest", "false").lower() == "true"
    delimiter = _delimiter(settings)

    def read(lines: list[bytes], wanted: list[str]) -> dict[str, pa.Array]:
        if not wanted:
            return {}
        if not takes_rest:
            lines = [line.partition(delimiter)[0] for line in lines]
        return {name: _texts([None if line == null else line for line in lines])}

    return read


def _delimiter(settings: dict[str, str]) -> bytes:
    # A number is the byte's value: serialization.format is "1" for \x01.
    text = settings.get("field.delim", settings.get("serialization.format", "1"))
    return bytes([int(text) % 256]) if text.lstrip("-").isdigit() else text[:1].encode()


def _texts(values: list[bytes | None]) -> pa.Array:
    try:
        texts = pa.array(values, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        texts = None
    if texts is None or pc.any(pc.match_substring(texts, raw_text.MARK)).as_py():
        return pa.array([None if value is None else raw_text.to_text(value) for value in values], pa.string())
    return texts
