"""Objects of Bronze as raw records, whatever the delivery writes: lines, rows, and envelopes of what became no row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from clickstream.contract.envelopes import opened
from clickstream.contract.records import raw_hash, read_object
from clickstream.contract.rows import NoRows, read_rows, row_text
from clickstream.sources.model import Delivery


class RawRecord(NamedTuple):
    """One raw record.

    Attributes:
        record: its bytes; of a row of Parquet, the JSON of what is not null in it.
        raw_hash: MD5, 32 hex digits, of exactly these bytes; of a row, of its text (`contract.rows`).
    """

    record: bytes
    raw_hash: str


@dataclass(frozen=True)
class BronzeContent:
    """The raw records of one object, in its order, as far as it can be read.

    Attributes:
        records: what is before the break, if there is one. Of Parquet that is nothing: its index is at the end.
        unreadable: whether it breaks off or holds garbage.
    """

    records: list[RawRecord]
    unreadable: bool


def read_bronze(delivery: Delivery, key: str, data: bytes) -> BronzeContent:
    """Read an object of Bronze.

    Args:
        delivery: which wrote it.
        key: its key: what lies below the error prefix are envelopes.
        data: its bytes as stored.
    """
    if delivery.format == "parquet" and not key.startswith(delivery.error_prefix):
        return _rows(data)
    content = read_object(key, data)
    records = content.records
    if delivery.format == "parquet":
        records = [record for record in map(opened, records) if record]
    return BronzeContent([RawRecord(record, raw_hash(record)) for record in records], content.unreadable)


def _rows(data: bytes) -> BronzeContent:
    try:
        rows = read_rows(data)
    except NoRows:
        return BronzeContent([], unreadable=True)
    return BronzeContent(
        [RawRecord(orjson.dumps(row), raw_hash(row_text(row).encode())) for row in rows], unreadable=False
    )
