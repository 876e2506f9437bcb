"""The OpenX JSON SerDe: takes nearly every value for every column.

Its source says what it does where Firehose's documentation does not: https://github.com/rcongiu/Hive-JSON-Serde
"""

import json
from decimal import Decimal
from typing import Any

from local.firehose import timestamps
from local.firehose.json_documents import Document
from local.firehose.serde import Mismatch, SerDe, decimal_of, java_number, shown


class OpenX(SerDe):
    """:param options: OpenXJsonSerDe of the delivery."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._ignores_case = options.get("CaseInsensitive", True)
        self._underscores = options.get("ConvertDotsInJsonKeysToUnderscores", False)
        self._mappings = {column: self.key(name) for column, name in options.get("ColumnToJsonKeyMappings", {}).items()}

    def key(self, name: str) -> str:
        return name.lower() if self._ignores_case else name

    def member(self, document: Document, name: str) -> Any:
        wanted = self._mappings.get(name, self.key(name))
        if wanted in document or not self._underscores:
            return document.get(wanted)
        return next((value for key, value in document.items() if "." in key and key.replace(".", "_") == name), None)

    def text(self, value: Any) -> str:
        return _json(value) if isinstance(value, list | dict) else _scalar(value)

    def number(self, text: str) -> Decimal:
        return decimal_of(text)

    def boolean(self, value: Any) -> bool:
        if isinstance(value, str):
            # Boolean.parseBoolean: all other texts are false.
            return value.lower() == "true"
        raise Mismatch(f"{shown(value)} is no boolean")

    def timestamp(self, value: Any) -> int:
        try:
            if isinstance(value, str):
                for read in (timestamps.read_iso, timestamps.read_spaced, timestamps.read_number):
                    found = read(value)
                    if found is not None:
                        return found
            elif isinstance(value, int | Decimal) and not isinstance(value, bool):
                return timestamps.of_number(Decimal(value))
        except ValueError:
            pass
        raise Mismatch(f'For input string: "{shown(value)}"')

    def elements(self, value: Any) -> list[Any] | None:
        return None if value == "" else [value]

    def fields(self, value: Any, names: list[str]) -> list[Any]:
        if isinstance(value, list):
            return (value + [None] * len(names))[: len(names)]
        if isinstance(value, str) and not value.strip():
            return [None] * len(names)
        raise Mismatch(f"Data is not JSONObject  but {_java_class(value)} with value {_scalar(value)}")

    def entries(self, value: Any) -> Document | None:
        if isinstance(value, str) and not value.strip():
            return None
        raise Mismatch("Data is not JSONObject")


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(name)}:{_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(each) for each in value) + "]"
    if value is None:
        return "null"
    return _quoted(value) if isinstance(value, str) else _scalar(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else java_number(value)


def _java_class(value: Any) -> str:
    names = {bool: "Boolean", int: "Long", Decimal: "Double", str: "String"}
    return f"java.lang.{names[type(value)]}"
