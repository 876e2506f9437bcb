"""Which snapshots of an Iceberg table nobody needs any more: decision 0017."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from clickstream.lake.snapshots import ATTEMPT


def expirable(metadata: Mapping[str, Any], *, anchor: int | None, before: datetime, keep_snapshots: int) -> list[int]:
    """The snapshots that can be expired, oldest first.

    Of main a part without a gap is kept, from the newest snapshot on: all that were main at `before` or later, at
    least `keep_snapshots`, down to the anchor, and down to what the last run of the table's job wrote, by which the
    next one knows what was left half done. All that another branch or a tag refers to is kept, down to where it leaves
    main, and whatever is younger than `before`.

    Args:
        metadata: document of the table's metadata file.
        anchor: the newest snapshot of main that the ledger names: every walk through history ends there. None: it
            names none of them, and nothing can be expired.
        before: the time until which readers may still go back, with its zone.
        keep_snapshots: how many of main are kept however old they are.
    """
    by_id = {entry["snapshot-id"]: entry for entry in metadata.get("snapshots", ())}
    refs = metadata.get("refs", {})
    main = list(_ancestry(by_id, refs.get("main", {}).get("snapshot-id")))
    if anchor is None or anchor not in main:
        return []
    limit = before.timestamp() * 1000
    kept = {*main[: _depth(main, by_id, anchor, limit, keep_snapshots)]}
    kept |= {snapshot for snapshot, entry in by_id.items() if entry["timestamp-ms"] >= limit}
    for name, ref in refs.items():
        for snapshot in _ancestry(by_id, ref["snapshot-id"]) if name != "main" else ():
            kept.add(snapshot)
            if snapshot in main:
                break
    return sorted({*by_id} - kept, key=lambda snapshot: by_id[snapshot]["timestamp-ms"])


def _depth(main: list[int], by_id: Mapping[int, Any], anchor: int, limit: float, keep_snapshots: int) -> int:
    """How many snapshots of main are needed, counted from the newest."""
    # Of those older than the limit the newest was main at it: until then nothing had followed.
    at_limit = (number for number, snapshot in enumerate(main) if by_id[snapshot]["timestamp-ms"] < limit)
    written = (number for number, snapshot in enumerate(main) if ATTEMPT in by_id[snapshot]["summary"])
    last = max(main.index(anchor), next(at_limit, len(main)), next(written, 0))
    return max(last + 1, keep_snapshots)


def _ancestry(by_id: Mapping[int, Any], snapshot: int | None) -> Iterator[int]:
    while snapshot is not None and snapshot in by_id:
        yield snapshot
        snapshot = by_id[snapshot].get("parent-snapshot-id")
