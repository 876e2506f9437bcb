"""`make quality [SOURCE=]`: bring the pages of the last data quality results, to be read in any browser, offline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from clickstream.lake.objects import split_uri
from clickstream.lake.place import Place
from commands import status
from commands.settings import Settings
from commands.terminal import command


def main() -> None:
    folder = Settings.from_environment().state / "quality"
    told = status.report(os.environ.get("SOURCE") or None)
    s3 = Place.of(boto3.Session()).s3
    for source, standing in told["sources"].items():
        for result in standing["quality"]["tiers"]:
            page = bring(s3, result["data_docs"], folder / source)
            print(f"{source} {result['tier']}, {result['window']}: {result['state']}\n  {page}")
        if not standing["quality"]["tiers"]:
            print(f"{source}: nothing was held against expectations yet")


def bring(s3: Any, uri: str, folder: Path) -> str:
    """Copy a page into a folder.

    Args:
        s3: boto3 client.

    Returns:
        Where it lies, or that it has expired.
    """
    bucket, key = split_uri(uri)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return f"{uri} has expired; the next daily run makes it anew"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / key.rpartition("/")[2]
    target.write_bytes(body)
    return str(target)


if __name__ == "__main__":
    command(main)
