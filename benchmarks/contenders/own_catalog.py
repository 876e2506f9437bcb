"""The catalog of Iceberg tables, as pyiceberg sees it from within a Glue job."""

from __future__ import annotations

import os

from pyiceberg.catalog.glue import GlueCatalog


def catalog() -> GlueCatalog:
    """By AWS's own variables; pyiceberg reads none of them for S3."""
    names = {
        "access-key-id": "AWS_ACCESS_KEY_ID",
        "secret-access-key": "AWS_SECRET_ACCESS_KEY",
        "region": "AWS_REGION",
        "endpoint": "AWS_ENDPOINT_URL",
    }
    found = {key: os.environ[variable] for key, variable in names.items()}
    return GlueCatalog("glue", **{f"{part}.{key}": value for part in ("glue", "s3") for key, value in found.items()})
