"""The JSON documents in a record."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Document = dict[str, Any]
"""Numbers are ``int``, or ``Decimal`` when they are written with a point or an exponent."""

_WHITESPACE = " \t\r\n"


class BrokenJson(Exception):
    """A record that is no JSON; the text says where."""


def parse(data: bytes, key: Callable[[str], str]) -> list[Any]:
    """All documents of a record: one, or several behind each other.

    :param data: the record.
    :param key: what a member's name becomes, at any depth.
    :raises BrokenJson: it is not JSON in UTF-8, or an object in it has two members of one name.
    """

    def members(pairs: list[tuple[str, Any]]) -> Document:
        found = {key(name): value for name, value in pairs}
        if len(found) < len(pairs):
            names = [key(name) for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise BrokenJson(f'Duplicate key "{twice}"')
        return found

    decoder = json.JSONDecoder(object_pairs_hook=members, parse_float=Decimal, parse_constant=_refuse)
    documents = []
    try:
        text = data.decode().rstrip(_WHITESPACE)
        at = _content(text, 0)
        while at < len(text):
            document, end = decoder.raw_decode(text, at)
            documents.append(document)
            at = _content(text, end)
    except (ValueError, RecursionError) as error:
        raise BrokenJson(str(error)) from None
    return documents


def _content(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITESPACE:
        at += 1
    return at


def _refuse(constant: str) -> Any:
    raise BrokenJson(f"Unrecognized token '{constant}'")
