"""Where the local cloud listens, where it keeps its state, and how its services call each other.

Our services reach S3, the Glue catalog and CloudWatch Logs through boto3 at our own port, so that all they do
takes the road that a user's call would take.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROOT = Path(__file__).resolve().parent.parent


def port() -> int:
    """The port of the local cloud: CLOUD_PORT, or 4566."""
    return int(os.environ.get("CLOUD_PORT", "4566"))


def endpoint_url() -> str:
    """The address of the local cloud; all services share it."""
    return f"http://127.0.0.1:{port()}"


def state_dir() -> Path:
    """The folder that holds everything that outlives the process: STATE, or ``.state`` in the project's root."""
    return Path(os.environ.get("STATE", ROOT / ".state"))


@cache
def client(service: str) -> Any:
    """A boto3 client of the local cloud, made once per service; safe to share between threads.

    :param service: boto3's name of the service, such as ``s3``.
    """
    return boto3.session.Session().client(
        service,
        endpoint_url=endpoint_url(),
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(
            s3={"addressing_style": "path"},
            max_pool_connections=50,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    )
