"""The objects of a Hive table's location: which count, and the bytes in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from isal import isal_zlib

from local.athena.errors import QueryError, not_supported
from local.settings import client

_GZIP = 31
_GZIP_MAGIC = b"\x1f\x8b"
_ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
_COMPRESSED = (".bz2", ".lz4", ".lzo", ".snappy", ".zst", ".deflate")


@dataclass(frozen=True)
class S3Object:
    """One object of a table."""

    bucket: str
    key: str
    size: int
    modified: datetime

    @property
    def path(self) -> str:
        """What ``"$path"`` says."""
        return f"s3://{self.bucket}/{self.key}"


def split_key(path: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    bucket, _, key = path.removeprefix("s3://").removeprefix("s3a://").partition("/")
    return bucket, key


def split_location(location: str) -> tuple[str, str]:
    """Bucket and prefix of a location; the prefix ends in ``/``, as Athena takes it for a folder."""
    bucket, prefix = split_key(location)
    return bucket, prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


def list_objects(location: str) -> Iterator[S3Object]:
    """The objects below a location that Athena reads: none whose name, or a folder's on the way to it, begins with
    ``_`` or ``.``, and none in an archive class."""
    bucket, prefix = split_location(location)
    for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            key: str = found["Key"]
            hidden = any(part.startswith(("_", ".")) for part in key.removeprefix(prefix).split("/"))
            if not hidden and not key.endswith("/") and found.get("StorageClass") not in _ARCHIVED:
                yield S3Object(bucket, key, found["Size"], found["LastModified"])


def read(found: S3Object) -> bytes:
    """The object's content, as it is.

    :raises QueryError: HIVE_CURSOR_ERROR when it is gone.
    """
    s3 = client("s3")
    try:
        content: bytes = s3.get_object(Bucket=found.bucket, Key=found.key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        raise _unreadable(found) from None
    return content


def read_text(found: S3Object) -> bytes:
    """The content of an object of text, decompressed when its name ends in ``.gz``.

    :raises QueryError: HIVE_CURSOR_ERROR when it is gone or its gzip is broken.
    """
    if found.key.endswith(_COMPRESSED):
        raise not_supported(f"this compression: {found.path}")
    content = read(found)
    try:
        return _gunzip(content) if found.key.endswith(".gz") else content
    except (isal_zlib.error, EOFError):  # type: ignore[misc]  # isal says nothing of its types
        raise _unreadable(found) from None


def _unreadable(found: S3Object) -> QueryError:
    return QueryError("HIVE_CURSOR_ERROR", f"Failed to read file: {found.path}")


def _gunzip(content: bytes) -> bytes:
    members = []
    while content:
        member = isal_zlib.decompressobj(_GZIP)
        members.append(member.decompress(content))
        if not member.eof:
            raise EOFError
        content = member.unused_data
        if not content.startswith(_GZIP_MAGIC):
            # Java's reader ends at the first bytes behind a member that begin no other one.
            break
    return b"".join(members)
