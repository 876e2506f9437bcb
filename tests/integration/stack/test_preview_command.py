"""`make preview` as people call it, against a real S3: several processes read, and what they find is one answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import boto3
import orjson
import pytest

from clickstream.contract.schema import load_schema
from clickstream.lake.listing import list_hour
from clickstream.lake.place import Place
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.manifest import CountedObject, Manifest
from clickstream.sources.loader import INCLUDE
from commands.settings import ROOT
from tests.integration.stack.clouds import running_cloud
from tests.unit.reconciliation.makers import at, fingerprint, key, packed, source, text

FIRST = 24
"""The first hour from which the source, as it is declared, is proven."""
OBJECTS = 3
RECORDS = [
    orjson.dumps({"event_id": "good", "event_type": "click", "timestamp": text(FIRST)}),
    orjson.dumps({"event_id": "bad", "event_type": "hover", "timestamp": text(FIRST)}),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One hour of Bronze with its manifest and its entry; AWS's variables lead there."""
    with running_cloud(tmp_path_factory.mktemp("preview")) as variables, pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        place = Place.of(boto3.Session())
        for number in range(OBJECTS):
            place.s3.put_object(Bucket=place.lake, Key=key(FIRST, str(number)), Body=packed(*RECORDS))
        stored = list_hour(place.s3, place.lake, source().delivery.bronze.values(), at(FIRST))
        objects = [CountedObject(key=o.key, etag=o.etag, size=o.size, content=fingerprint(RECORDS)) for o in stored]
        manifest = Manifest(source="retail_web", arrival_hour=text(FIRST), contract="1.0.0", objects=tuple(objects))
        entry = Entry(
            source="retail_web",
            arrival_hour=text(FIRST),
            state="verified",
            manifest=manifest.store(place.s3, place.evidence),
            contract="1.0.0",
            contract_digest=load_schema(INCLUDE / "schemas", "retail_web", "1.0.0").digest,
            run="r0",
            triggered_by="test",
            checked_at="then",
        )
        Ledger(place.s3, place.evidence, "retail_web").append([entry])
        yield place


def previewed() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commands.preview"],
        cwd=ROOT,
        env=os.environ | {"SOURCE": "retail_web", "CONTRACT": "1.0.0", "JSON": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_object_of_the_proven_hours_is_judged(place: Place) -> None:
    done = previewed()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["window"], told["records"], told["turned"]) == (
        f"{text(FIRST)}/{text(FIRST + 1)}",
        OBJECTS * len(RECORDS),
        [],
    )


def test_an_object_that_is_gone_ends_it_with_its_name(place: Place) -> None:
    place.s3.delete_object(Bucket=place.lake, Key=key(FIRST, "1"))
    done = previewed()
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"FAILED: s3://{place.lake}/{key(FIRST, '1')} of hour {text(FIRST)} is gone" in done.stderr
    assert "Traceback" not in done.stderr
