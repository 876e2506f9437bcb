"""The manifest of an hour: its objects as they were first seen, and what each of them held."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any, Self

import orjson
from pydantic import BaseModel, ConfigDict

from clickstream.lake.listing import StoredObject
from clickstream.lake.objects import read_json, write_json
from clickstream.reconciliation.fingerprint import Fingerprint


class CountedObject(BaseModel):
    """One object with its content's fingerprint.

    An object is known by key and fingerprint; etag and size only spare reading it again, so that restoring a lost
    object by uploading it once more is a repair.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    etag: str
    size: int
    content: Fingerprint
    unreadable: bool = False
    """The gzip breaks off; `content` is what came before the break."""


class Manifest(BaseModel):
    """The objects of one arrival hour, in key order, and the contract that judges their records.

    `lost` are objects that are gone, or hold something else by now, and whose loss a waiver covers.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    arrival_hour: str
    contract: str
    objects: tuple[CountedObject, ...]
    lost: tuple[CountedObject, ...] = ()

    @property
    def content(self) -> Fingerprint:
        """Fingerprint of all that the hour ever held; of an object that was overwritten, of what is there now."""
        there = {counted.key for counted in self.objects}
        total = Fingerprint()
        for counted in (*self.objects, *(each for each in self.lost if each.key not in there)):
            total = total.plus(counted.content)
        return total

    @property
    def arrived(self) -> int:
        """Records that came to Bronze, lost or not; of an object that was overwritten, the greater number."""
        most: dict[str, int] = {}
        for counted in (*self.objects, *self.lost):
            most[counted.key] = max(most.get(counted.key, 0), counted.content.records)
        return sum(most.values())

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return hashlib.sha256(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def listing(self) -> str:
        """Digest of the listing that this manifest answers to; see `listing_digest`."""
        return listing_digest(StoredObject(o.key, o.etag, o.size) for o in self.objects)

    def without(self, keys: Collection[str]) -> Self:
        """The manifest once the loss of some of its objects is accepted."""
        return self.model_copy(
            update={
                "objects": tuple(each for each in self.objects if each.key not in keys),
                "lost": (*self.lost, *(each for each in self.objects if each.key in keys)),
            }
        )

    def still_without(self, lost: Iterable[CountedObject]) -> Self:
        """A newer manifest of the hour, with those of its lost objects that are not back."""
        back = {(each.key, each.content) for each in self.objects}
        return self.model_copy(update={"lost": tuple(each for each in lost if (each.key, each.content) not in back)})

    def store(self, s3: Any, evidence: str) -> str:
        """Keep the manifest in the evidence bucket, under its digest; its uri."""
        key = f"manifests/{self.source}/{self.arrival_hour}/{self.digest}.json"
        return write_json(s3, f"s3://{evidence}/{key}", self.model_dump(mode="json"))


def load_manifest(s3: Any, uri: str) -> Manifest:
    """The manifest kept at a uri."""
    return Manifest.model_validate(read_json(s3, uri))


def listing_digest(objects: Iterable[StoredObject]) -> str:
    """SHA-256 over key, etag and size of an hour's objects: equal for equal listings."""
    lines = sorted(f"{o.key}\t{o.etag}\t{o.size}\n" for o in objects)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
