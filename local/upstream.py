"""How our services ask ministack, in the same process, for what it does truthfully."""

import json
from typing import Any

from ministack.app import app
from ministack.core.responses import set_request_account_id, set_request_region

from local.errors import AwsError
from local.settings import ACCOUNT, REGION

__all__ = ["app", "ask", "enter_account"]


def enter_account() -> None:
    """Act in the one account and region of the local cloud, as ministack finds them in a signed request."""
    set_request_account_id(ACCOUNT)
    set_request_region(REGION)


async def ask(service: Any, target: str, request: dict[str, Any]) -> dict[str, Any]:
    """Run one JSON-protocol operation of a ministack service.

    :param service: the module below ``ministack.services``.
    :param target: the value of X-Amz-Target, such as ``Kinesis_20131202.ListStreams``.
    :returns: the answer's members.
    :raises AwsError: with ministack's code and message.
    """
    enter_account()
    headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.1"}
    status, _, body = await service.handle_request("POST", "/", headers, json.dumps(request).encode(), {})
    answer: dict[str, Any] = json.loads(body or b"{}")
    if status >= 400:
        code = str(answer.get("__type", "InternalFailure")).rpartition("#")[2]
        raise AwsError(code, answer.get("message") or answer.get("Message", ""), status)
    return answer
