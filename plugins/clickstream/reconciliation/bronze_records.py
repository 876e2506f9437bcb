"""The part of a query that reads the raw records of Bronze: lines or rows, as the source's delivery writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from clickstream.contract.row_type import row_type
from clickstream.contract.schema import load_schemas
from clickstream.lake.place import Place
from clickstream.lake.queries import JsonText, Sql, Table, render
from clickstream.lake.row_text import FieldText, RowText
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Source


def bronze_records(place: Place, source: Source, hours: Iterable[str], unreadable: Iterable[str]) -> Sql:
    """The raw records of some arrival hours: arrival_hour, path, raw_hash, event_id and consent, a JSON text.

    Args:
        hours: arrival hours.
        unreadable: keys of objects to leave out.
    """
    events = source.events
    values: dict[str, Any] = {
        **{kind: Table(place.database, source.table(kind)) for kind in source.delivery.bronze},
        "hours": list(hours),
        "unreadable": [f"s3://{place.lake}/{key}" for key in unreadable],
        "event_id": _event_id([str(JsonText("document", path)) for path in events.identity]),
        # Of a source without a consent field nobody looks at what this finds.
        "consent_path": f"$.{events.consent or 'consent'}",
    }
    if source.delivery.format == "json":
        return Sql(render("bronze_lines", **values))
    return Sql(
        render(
            "bronze_rows",
            **values,
            row_text=Sql(str(RowText(row_type(load_schemas(INCLUDE / "schemas", source.name))))),
            row_event_id=_event_id([str(FieldText(path)) for path in events.identity]),
            row_consent=Sql(str(FieldText(events.consent)) if events.consent else "NULL"),
        )
    )


def _event_id(texts: Sequence[str]) -> Sql:
    """The identity of an event: a field, or the MD5 of several."""
    if len(texts) == 1:
        return Sql(texts[0])
    return Sql(f"lower(to_hex(md5(to_utf8(array_join(ARRAY[{', '.join(texts)}], chr(31), '')))))")
