"""`make restore OBJECT=key`: bring back the newest version of an object that the evidence knows.

For an object of Bronze that is the newest version with the content that its hour's manifest names; for an object of
the ledger, the newest version whose chain holds. Nothing is deleted: the good version is copied on top.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3

from clickstream.contract.bronze import read_bronze
from clickstream.lake.place import Place
from clickstream.quality.ledger import QualityLedger
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.ledger import Chain, DateLedger, Ledger, LedgerBroken
from clickstream.reconciliation.manifest import CountedObject, load_manifest
from clickstream.reconciliation.progress import current_entries
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Delivery
from commands.terminal import Failed, command

CHAINS: dict[str, type[Chain[Any]]] = {"": Ledger, "dates": DateLedger, "quality": QualityLedger}
"""The ledgers of a source by what follows its name in their folders."""


def main() -> None:
    key = os.environ.get("OBJECT", "")
    place = Place.of(boto3.Session())
    if key.startswith("ledger/"):
        _restore_ledger(place, key)
    else:
        _restore_bronze(place, key)


def _restore_bronze(place: Place, key: str) -> None:
    delivery, counted = _in_manifest(place, key)
    for version in _versions(place.s3, place.lake, key):
        data = place.s3.get_object(Bucket=place.lake, Key=key, VersionId=version)["Body"].read()
        content = read_bronze(delivery, key, data)
        records = content.records[: counted.content.records] if counted.unreadable else content.records
        if Fingerprint.of(record.raw_hash for record in records) == counted.content and not content.unreadable:
            _bring_back(place.s3, place.lake, key, version)
            return
    raise Failed(f"no version of s3://{place.lake}/{key} holds the {counted.content.records} records of its manifest")


def _restore_ledger(place: Place, key: str) -> None:
    source, _, kind = key.split("/")[1].partition(".")
    ledger = CHAINS[kind](place.s3, place.evidence, source)
    for version in _versions(place.s3, place.evidence, key):
        _bring_back(place.s3, place.evidence, key, version)
        try:
            ledger.read()
        except LedgerBroken:
            continue
        return
    raise Failed(f"no version of s3://{place.evidence}/{key} makes the chain hold")


def _in_manifest(place: Place, key: str) -> tuple[Delivery, CountedObject]:
    sources, _ = load_sources()
    for name, source in sources.items():
        if key.startswith(tuple(source.delivery.bronze.values())):
            for entry in current_entries(Ledger(place.s3, place.evidence, name).read()).values():
                manifest = load_manifest(place.s3, entry.manifest) if entry.manifest else None
                for counted in (*manifest.objects, *manifest.lost) if manifest else ():
                    if counted.key == key:
                        return source.delivery, counted
    raise Failed(f"OBJECT is {key!r}: no manifest of any source names it", todo="see the findings of the failed hour")


def _versions(s3: Any, bucket: str, key: str) -> Iterator[str]:
    """The version ids of an object, newest first."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for version in page.get("Versions", ()):
            if version["Key"] == key:
                yield version["VersionId"]


def _bring_back(s3: Any, bucket: str, key: str, version: str) -> None:
    s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key, "VersionId": version})
    print(f"s3://{bucket}/{key}: version {version} is current again")


if __name__ == "__main__":
    command(main)
