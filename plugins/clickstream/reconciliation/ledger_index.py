"""The ledger's index: one object with copies of all others, so that no screen has to read a year of them one by one.

It lies in the lake, without a lock, and may be deleted at any time, for nothing is believed because it stands there:
a copy serves while the version that it was made of is the current one, the newest object is always read itself, and
the chain through all of them must hold.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

import orjson
from botocore.exceptions import ClientError

from clickstream.reconciliation.ledger import Chain, L, LedgerBroken

_NO_INDEX = (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError, AttributeError)
"""What may come of bytes that are no index."""

Copies = Mapping[str, tuple[str, bytes]]
"""Version id and content by key."""


@dataclass(frozen=True)
class LedgerIndex(Generic[L]):
    """The index of one source's ledger, of hours or of dates.

    Args:
        ledger: what it is of.
        lake: the bucket that it lies in.
    """

    ledger: Chain[L]
    lake: str

    @property
    def key(self) -> str:
        return f"index/{self.ledger.folder}.json.gz"

    def read(self) -> list[L]:
        """Every entry, as `read` of the ledger gives them, with what has changed since the index was written read anew.

        Raises:
            LedgerBroken: the ledger's own chain does not hold.
        """
        _, copies = self._stored()
        return self._read(copies)[1]

    def renew(self) -> None:
        """Write the index anew, unless that was done on the day on which the newest entry was checked.

        Raises:
            LedgerBroken: the ledger's own chain does not hold; nothing is written.
        """
        day, copies = self._stored()
        read, entries = self._read(copies)
        if not entries or entries[-1].checked_at[:10] == day:
            return
        objects = {key: [version, body.decode()] for key, (version, body) in read.items()}
        document = orjson.dumps({"day": entries[-1].checked_at[:10], "objects": objects})
        self.ledger.s3.put_object(Bucket=self.lake, Key=self.key, Body=gzip.compress(document, 6))

    def _read(self, copies: Copies) -> tuple[Copies, list[L]]:
        versions = self.ledger.versions()
        newest = max(versions, default="")
        kept = {key: body for key, (version, body) in copies.items() if versions.get(key) == version and key != newest}
        read = kept | self.ledger.bodies(versions.keys() - kept.keys())
        bodies = {key: read[key] for key in versions}
        try:
            entries = self.ledger.check(bodies)
        except LedgerBroken:
            if not kept:
                raise
            # It may be a copy that is wrong: the ledger itself is to say.
            return self._read({})
        return {key: (versions[key], body) for key, body in bodies.items()}, entries

    def _stored(self) -> tuple[str, Copies]:
        """The day on which the index was written, and its copies; nothing of what cannot be read."""
        try:
            body = self.ledger.s3.get_object(Bucket=self.lake, Key=self.key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return "", {}
        try:
            document = orjson.loads(gzip.decompress(body))
            copies = {key: (version, text.encode()) for key, (version, text) in document["objects"].items()}
            return str(document["day"]), copies
        except _NO_INDEX:
            return "", {}
