"""Raw records: what counts as one, and how an object is cut into them.

A raw record is a non-empty run of bytes without LF or CR, after a leading byte order mark is dropped:
the rule of Athena's text reader, so that SQL over Bronze counts the same records.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PIECE = 16 * 1024


@dataclass(frozen=True)
class ObjectContent:
    """The raw records of one object, in its order.

    Attributes:
        records: each record's bytes, without line ends and byte order marks.
        unreadable: the gzip breaks off or holds garbage. `records` are then the whole lines before the break;
            the unfinished last line is left out, for what it would have become is unknown.
    """

    records: list[bytes]
    unreadable: bool


def raw_hash(record: bytes) -> str:
    """MD5 of exactly the record's bytes, 32 hex digits: identity, not security."""
    return hashlib.md5(record, usedforsecurity=False).hexdigest()


def fingerprint(record_hash: str) -> tuple[int, int]:
    """The two numbers of a raw hash whose sums fingerprint a set: hex digits 1-8 and 9-16."""
    return int(record_hash[:8], 16), int(record_hash[8:16], 16)


def read_object(key: str, data: bytes) -> ObjectContent:
    """Cut an object of Bronze into raw records.

    Args:
        key: its key; one that ends in `.gz` is decompressed, as Athena does.
        data: its bytes as stored.
    """
    unreadable = False
    if key.endswith(".gz"):
        data, unreadable = _decompress(data)
    lines = data.splitlines()
    if unreadable and lines and not data.endswith((b"\n", b"\r")):
        lines.pop()
    return ObjectContent([record for line in lines if (record := _without_mark(line))], unreadable)


def _without_mark(line: bytes) -> bytes:
    while line.startswith(BYTE_ORDER_MARK):
        line = line[len(BYTE_ORDER_MARK) :]
    return line


def _decompress(data: bytes) -> tuple[bytes, bool]:
    """All members of a gzip as far as they go, and whether they break off."""
    parts: list[bytes] = []
    while data:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        rest = data
        try:
            # In pieces, because a piece that raises takes everything it had decompressed with it.
            while rest and not member.eof:
                parts.append(member.decompress(rest[:_PIECE]))
                rest = rest[_PIECE:]
        except zlib.error:
            return b"".join(parts), True
        if not member.eof:
            return b"".join(parts), True
        data = member.unused_data + rest
    return b"".join(parts), False
