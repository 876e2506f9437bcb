"""Small JSON documents in S3: how one step of a run hands its result to the next."""

from __future__ import annotations

from typing import Any

import orjson


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/a/key` as its bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def read_json(s3: Any, uri: str) -> Any:
    """The parsed document at `s3://bucket/key`.

    Raises:
        botocore.exceptions.ClientError: NoSuchKey when it is not there.
    """
    bucket, key = split_uri(uri)
    return orjson.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def write_json(s3: Any, uri: str, document: Any) -> str:
    """Write a document whole (an S3 put is atomic) and return its uri. Keys are sorted: equal content, equal bytes."""
    bucket, key = split_uri(uri)
    body = orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return uri
