"""The Hive JSON SerDe: refuses values of another shape than their column's.

Firehose developer guide, "Convert input data format".
"""

from decimal import Decimal
from typing import Any, NoReturn

from local.firehose import timestamps
from local.firehose.json_documents import Document
from local.firehose.serde import Mismatch, SerDe, java_number, shown


class IncorrectFormat(Mismatch):
    """A mismatch that this SerDe finds before it compares with the schema."""


class HiveJson(SerDe):
    """:param options: HiveJsonSerDe of the delivery.
    :raises AwsError: InvalidArgumentException for a timestamp format that is not served.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        formats = options.get("TimestampFormats", [])
        self._timestamps = [timestamps.format_reader(each) for each in formats] or [timestamps.read_spaced]

    def key(self, name: str) -> str:
        # Columns are found in any case, but a map keeps its keys as they are written.
        return name

    def member(self, document: Document, name: str) -> Any:
        wanted = name.lower()
        found = [value for key, value in document.items() if key.lower() == wanted]
        if len(found) > 1:
            raise Mismatch(f'Duplicate key "{name}"')
        return found[0] if found else None

    def text(self, value: Any) -> str:
        if isinstance(value, list | dict):
            raise IncorrectFormat("Exception when validating field (root)")
        if isinstance(value, bool):
            return "true" if value else "false"
        return java_number(value)

    def number(self, text: str) -> Decimal:
        raise Mismatch("Current token (VALUE_STRING) not numeric, can not use numeric value accessors")

    def boolean(self, value: Any) -> bool:
        raise Mismatch(f"{shown(value)} is no boolean")

    def timestamp(self, value: Any) -> int:
        text = shown(value)
        try:
            for read in self._timestamps:
                found = read(text)
                if found is not None:
                    return found
        except ValueError:
            pass
        raise Mismatch(f'For input string: "{text}"')

    def elements(self, value: Any) -> NoReturn:
        raise Mismatch("java.io.IOException: Start of Array expected")

    def fields(self, value: Any, names: list[str]) -> NoReturn:
        raise Mismatch("java.io.IOException: Start of Object expected")

    def entries(self, value: Any) -> NoReturn:
        raise Mismatch("java.io.IOException: Start of Object expected")
