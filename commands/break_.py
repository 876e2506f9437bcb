"""`make break WHAT=…`: make one fault on the local cloud, and say how to see it found and how to repair it.

Each fault is made as an accident would: by deleting, overwriting or uploading objects of Bronze, or by statements on
Silver and rejects that somebody might run by hand. The newest verified hour of the source is hit, or
the one that HOUR names.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

from clickstream.lake.names import Names
from clickstream.lake.place import Place
from clickstream.lake.queries import Table, Value, render
from clickstream.lake.windows import parse_hour
from clickstream.provisioning.waiting import wait
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.manifest import CountedObject, load_manifest
from clickstream.reconciliation.progress import current_entries
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from commands.terminal import Failed, command

FOLDER = Path(__file__).parent / "faults"
ROWS = 5
"""Rows that a fault in Silver touches."""


@dataclass(frozen=True)
class Scene:
    """Where a fault is made: a verified hour, and one object of it."""

    place: Place
    source: Source
    entry: Entry
    hit: CountedObject

    @property
    def hour(self) -> datetime:
        return parse_hour(self.entry.arrival_hour)

    def body(self) -> bytes:
        """The object's bytes as stored."""
        body: bytes = self.place.s3.get_object(Bucket=self.place.lake, Key=self.hit.key)["Body"].read()
        return body

    def key_beside(self, word: str) -> str:
        """The key of a further object in the same folder."""
        stem, dot, extension = self.hit.key.rpartition(".")
        return f"{stem}-{word}{dot}{extension}"

    def put(self, key: str, body: bytes) -> None:
        self.place.s3.put_object(Bucket=self.place.lake, Key=key, Body=body)

    def victims(self) -> list[str]:
        """Event ids of some good rows of the object."""
        rows = self.statement("victims", object=self.hit.key, rows=ROWS)
        return [row["Data"][0]["VarCharValue"] for row in rows[1:]]

    def statement(self, name: str, **values: Value) -> list[Any]:
        """Run one of the faults' statements on Silver and rejects; its rows, the header first."""
        tables = {kind: Table(self.place.database, self.source.table(kind)) for kind in ("silver", "rejects")}
        sql = render(name, FOLDER, **tables, hour=self.hour, **values)
        athena = boto3.client("athena")
        execution = athena.start_query_execution(QueryString=sql, WorkGroup=Names.workgroup)["QueryExecutionId"]
        wait(athena, "StatementEnded", QueryExecutionId=execution)
        status = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
        if status["State"] != "SUCCEEDED":
            raise Failed(f"{name}: {status.get('StateChangeReason', status['State'])}")
        rows: list[Any] = athena.get_query_results(QueryExecutionId=execution)["ResultSet"]["Rows"]
        return rows


def lost_object(scene: Scene) -> str:
    """an object of Bronze is deleted"""
    scene.place.s3.delete_object(Bucket=scene.place.lake, Key=scene.hit.key)
    return f"s3://{scene.place.lake}/{scene.hit.key} ({scene.hit.content.records} records) is gone"


def shorter_object(scene: Scene) -> str:
    """an object of Bronze is overwritten by one with fewer records"""
    lines = gzip.decompress(scene.body()).splitlines(keepends=True)
    scene.put(scene.hit.key, gzip.compress(b"".join(lines[: len(lines) // 2])))
    return f"s3://{scene.place.lake}/{scene.hit.key} holds {len(lines) // 2} of its {len(lines)} records"


def truncated_object(scene: Scene) -> str:
    """an object of Bronze breaks off in the middle of its gzip"""
    body = scene.body()
    scene.put(scene.hit.key, body[: len(body) // 2])
    return f"s3://{scene.place.lake}/{scene.hit.key} breaks off after {len(body) // 2} of {len(body)} bytes"


def late_object(scene: Scene) -> str:
    """a new object arrives in an hour that was verified"""
    line = gzip.decompress(scene.body()).splitlines()[0]
    key = scene.key_beside("late")
    scene.put(key, gzip.compress(line + b"\n"))
    return f"s3://{scene.place.lake}/{key} is new: one record, a copy of one that is there"


def doubled_object(scene: Scene) -> str:
    """an object of Bronze is delivered a second time"""
    key = scene.key_beside("again")
    scene.put(key, scene.body())
    return f"s3://{scene.place.lake}/{key} holds the same {scene.hit.content.records} records again"


def deleted_rows(scene: Scene) -> str:
    """somebody deletes rows of Silver"""
    scene.statement("delete_rows", ids=scene.victims())
    return f"{ROWS} rows of {scene.entry.arrival_hour} are gone from {scene.source.table('silver')}"


def false_duplicates(scene: Scene) -> str:
    """good rows are moved into rejects, as duplicates of winners that do not exist"""
    ids = scene.victims()
    scene.statement("false_duplicates", ids=ids)
    scene.statement("delete_rows", ids=ids)
    return f"{ROWS} good rows of {scene.entry.arrival_hour} stand in {scene.source.table('rejects')} as duplicates"


def tampered_ledger(scene: Scene) -> str:
    """one byte of an old object of the ledger is changed"""
    ledger = Ledger(scene.place.s3, scene.place.evidence, scene.source.name)
    key = ledger.key(0)
    body = bytearray(scene.place.s3.get_object(Bucket=scene.place.evidence, Key=key)["Body"].read())
    position = body.index(b'"bronze":') + len(b'"bronze":[')
    body[position] = ord("7") if body[position] != ord("7") else ord("8")
    scene.place.s3.put_object(Bucket=scene.place.evidence, Key=key, Body=bytes(body))
    return f"s3://{scene.place.evidence}/{key} differs in one byte; the version before it is still there, under lock"


FAULTS: dict[str, tuple[Callable[[Scene], str], str]] = {
    "lost-object": (lost_object, "restore"),
    "shorter-object": (shorter_object, "restore"),
    "truncated-object": (truncated_object, "restore"),
    "late-object": (late_object, "prove"),
    "doubled-object": (doubled_object, "prove"),
    "deleted-rows": (deleted_rows, "backfill"),
    "false-duplicates": (false_duplicates, "backfill"),
    "tampered-ledger": (tampered_ledger, "restore-ledger"),
}
"""Each fault by the name that WHAT takes, and what repairs it."""
OF_LINES = ("shorter-object", "late-object")
"""Faults that are made of single lines: a Bronze of rows has none."""


def main() -> None:
    what = os.environ.get("WHAT", "")
    if what not in FAULTS:
        lines = "\n".join(f"  {name:18} {fault.__doc__}" for name, (fault, _) in FAULTS.items())
        raise Failed(f"WHAT is {what!r}; it may be\n{lines}")
    fault, repair = FAULTS[what]
    scene = _scene()
    if what in OF_LINES and scene.source.delivery.format != "json":
        raise Failed(f"{what} is made of lines, and the Bronze of {scene.source.name} holds rows: choose another WHAT")
    print(f"{what}: {fault(scene)}\n")
    day = f"{scene.hour:%Y-%m-%d}"
    name, key = scene.source.name, scene.hit.key
    prove = f"make prove SOURCE={name} DATE={day}"
    found = {"tampered-ledger": f"make status SOURCE={name}"}.get(what, prove)
    mended = {
        "restore": f"make restore OBJECT={key} && {prove}",
        "prove": "nothing: the same run accepts it and verifies the hour again",
        "backfill": f"make backfill SOURCE={name} FROM={day} TO={day}",
        "restore-ledger": f"make restore OBJECT=ledger/{name}/{0:012d}.ndjson && make status SOURCE={name}",
    }[repair]
    print(f"See it found    {found}\nRepair it       {mended}")


def _scene() -> Scene:
    place = Place.of(boto3.Session())
    sources, _ = load_sources()
    # Without a SOURCE one that every fault can be made of.
    name = os.environ.get("SOURCE") or next(name for name in sources if sources[name].delivery.format == "json")
    entries = current_entries(Ledger(place.s3, place.evidence, name).read())
    wanted = os.environ.get("HOUR")
    for _, entry in sorted(entries.items(), reverse=True):
        if wanted and entry.arrival_hour != wanted:
            continue
        if entry.state == "verified" and entry.manifest and entry.tiers.silver:
            manifest = load_manifest(place.s3, entry.manifest)
            return Scene(place, sources[name], entry, max(manifest.objects, key=lambda o: o.content.records))
    raise Failed(f"{name} has no verified hour with good records to break{f' at HOUR={wanted}' if wanted else ''}")


if __name__ == "__main__":
    command(main)
