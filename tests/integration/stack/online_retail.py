"""A log of another origin: what a shop in the UK sold on its last five days in a public data set.

Online Retail, by Daqing Chen, UCI Machine Learning Repository, https://doi.org/10.24432/C5BW33, CC BY 4.0. Fetched
as a file a day from where a book about Spark keeps it for its readers, at one commit.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from pathlib import Path

import httpx
import pytest

Line = dict[str, str]
"""A line of the log: text by the name of its column."""

COMMIT = "4ba5601eb9b9aed1d01ab79775e3af228216ff6f"
ADDRESS = (
    "https://raw.githubusercontent.com/databricks/Spark-The-Definitive-Guide/" + COMMIT + "/data/retail-data/by-day/"
)
SHA_256 = {
    "2011-12-05.csv": "8e0c4993241b126ea0b52e33cb38a8bcabc4f4e9f56fe9e810afebae82f50e45",
    "2011-12-06.csv": "90ef151ee3d2573c363a2f9adae499a3e36f6c1fdfae04681e969f277c7e7fb6",
    "2011-12-07.csv": "8631894a2b63793e428afe6ef480b6a332e82275c4f297da79beee19f3781e53",
    "2011-12-08.csv": "9004407197e4272631d5fc572adbed395bc538ab2c43fd87788b186bc7afe1d2",
    "2011-12-09.csv": "efc43581847c4e37f16f78d260544d62c395b92770333a1d04c492854ad5a79f",
}
"""Of each day's file: the shop's clock shows UTC on all of them."""
COPY = "ONLINE_RETAIL"
"""The variable that names a folder with these files, for a machine that cannot fetch them."""
FETCH_SECONDS = 30


def fetched() -> list[Line]:
    """The log's lines, in its order.

    Each is as the file has it, but for the time of a sale: `2011-12-05 08:38:00` names no instant, so it is written as
    RFC 3339, with its offset.
    """
    return [
        line | {"InvoiceDate": line["InvoiceDate"].replace(" ", "T") + "+00:00"}
        for name, digest in SHA_256.items()
        for line in csv.DictReader(io.StringIO(_file(name, digest), newline=""))
    ]


def _file(name: str, digest: str) -> str:
    if folder := os.environ.get(COPY):
        body = (Path(folder) / name).read_bytes()
    else:
        try:
            body = httpx.get(ADDRESS + name, timeout=FETCH_SECONDS).raise_for_status().content
        except httpx.TransportError as error:
            pytest.skip(f"{ADDRESS}{name} cannot be reached, and {COPY} names no folder that has it: {error}")
    assert hashlib.sha256(body).hexdigest() == digest, f"{name} is not the file that this test is about"
    return body.decode()
