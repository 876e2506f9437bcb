"""Waits that botocore has no waiter for, as data in its own form, and the wait for a new role."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import tenacity
from botocore.exceptions import ClientError
from botocore.waiter import WaiterModel, create_waiter_with_client

Answer = TypeVar("Answer")

_WAITERS = WaiterModel(json.loads(Path(__file__).with_name("waiters.json").read_text()))

ROLE_IS_KNOWN_WITHIN = 120
"""Seconds in which a new role reaches every service; IAM is eventual."""
_ROLE_UNKNOWN = ("unable to assume role", "unable to assume provided role")
"""Firehose's and Glue's words for a role that they cannot see yet."""


def wait(client: Any, waiter: str, **request: Any) -> None:
    """Wait until a waiter of `waiters.json` succeeds.

    Args:
        client: boto3 client of the waiter's service.
        request: parameters of the waiter's operation.

    Raises:
        botocore.exceptions.WaiterError: a state that ends in failure, or none of its states in time.
    """
    create_waiter_with_client(waiter, _WAITERS, client).wait(**request)


def once_role_is_known(call: Callable[..., Answer], **request: Any) -> Answer:
    """Make a call that names a role, again and again while the service cannot assume that role yet.

    Raises:
        botocore.exceptions.ClientError: any other error at once; this one after ROLE_IS_KNOWN_WITHIN seconds.
    """
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_role_is_unknown),
        wait=tenacity.wait_fixed(2),
        stop=tenacity.stop_after_delay(ROLE_IS_KNOWN_WITHIN),
        reraise=True,
    )
    return attempts(call, **request)


def _role_is_unknown(error: BaseException) -> bool:
    return isinstance(error, ClientError) and any(words in str(error) for words in _ROLE_UNKNOWN)
