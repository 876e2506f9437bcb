"""S3 in a dictionary, as far as the product asks: conditional puts, versions, pages of listings, S3's own errors."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

PAGE = 3
"""Entries on a page of a listing, so that every longer listing has several."""


class MemoryS3:
    """Versioned buckets. `before_put`, when set, is called once before the next put: somebody who is quicker."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], list[bytes | None]] = {}
        """Oldest first; None is a delete marker."""
        self.puts: list[str] = []
        self.gets: list[str] = []
        self.before_put: Callable[[], None] | None = None

    @property
    def objects(self) -> dict[tuple[str, str], bytes]:
        """What is there now."""
        return {place: body for place, versions in self.versions.items() if (body := versions[-1]) is not None}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        IfMatch: str | None = None,  # noqa: N803
        **_: Any,
    ) -> Any:
        quicker, self.before_put = self.before_put, None
        if quicker:
            quicker()
        if IfNoneMatch == "*" and (Bucket, Key) in self.objects:
            raise refused("PutObject", "PreconditionFailed", 412)
        if IfMatch is not None and (Bucket, Key) not in self.objects:
            raise refused("PutObject", "NoSuchKey", 404)
        if IfMatch is not None and IfMatch != etag(self.objects[Bucket, Key]):
            raise refused("PutObject", "PreconditionFailed", 412)
        self.versions.setdefault((Bucket, Key), []).append(bytes(Body))
        self.puts.append(Key)
        return {"ETag": etag(Body)}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        self.versions[Bucket, Key].append(None)

    def get_object(self, *, Bucket: str, Key: str, IfMatch: str | None = None) -> Any:  # noqa: N803
        self.gets.append(Key)
        body = self.objects.get((Bucket, Key))
        if body is None:
            raise refused("GetObject", "NoSuchKey", 404)
        if IfMatch is not None and IfMatch.strip('"') != etag(body).strip('"'):
            raise refused("GetObject", "PreconditionFailed", 412)
        return {"Body": io.BytesIO(body), "ETag": etag(body), "ContentLength": len(body)}

    def get_paginator(self, operation: str) -> _Listing:
        return _Listing({"list_objects_v2": self._list_objects, "list_object_versions": self._list_versions}[operation])

    def _list_objects(self, bucket: str, prefix: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for (held_in, key), body in sorted(self.objects.items()):
            if held_in == bucket and key.startswith(prefix):
                yield "Contents", key, {"Key": key, "ETag": etag(body), "Size": len(body)}

    def _list_versions(self, bucket: str, prefix: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for (held_in, key), versions in sorted(self.versions.items()):
            for number in range(len(versions) - 1, -1, -1) if held_in == bucket and key.startswith(prefix) else ():
                latest = number == len(versions) - 1
                kind = "DeleteMarkers" if versions[number] is None else "Versions"
                yield kind, key, {"Key": key, "VersionId": str(number), "IsLatest": latest}


class _Listing:
    """A paginator; a page holds a part of the entries, each under its kind, or no kind at all."""

    def __init__(self, entries: Callable[[str, str], Iterator[tuple[str, str, dict[str, Any]]]]) -> None:
        self._entries = entries

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        found = [(kind, entry) for kind, key, entry in self._entries(Bucket, Prefix) if key > StartAfter]
        for start in range(0, max(len(found), 1), PAGE):
            page: dict[str, Any] = {}
            for kind, entry in found[start : start + PAGE]:
                page.setdefault(kind, []).append(entry)
            yield page


def etag(body: bytes) -> str:
    """As S3 gives it: in quotes."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def refused(operation: str, code: str, status: int) -> ClientError:
    """An error as boto3 raises it."""
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)
