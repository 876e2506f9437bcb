"""The ASGI app behind the one port: who answers which request.

Our services answer by the prefix of X-Amz-Target, the control API by path, ministack everything else. Of a service
that is partly ours ministack gets only operations named here: what it merely pretends to do must not be reached.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from hypercorn.protocol.events import StreamClosed

from local import calls, control, faults, firehose, kinesis, lifecycle, persistence, roles, upstream
from local.athena import handle as handle_athena
from local.errors import AwsError
from local.glue import OPERATIONS as GLUE_OPERATIONS
from local.glue import handle as handle_glue
from local.glue.commits import around_commit

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

SERVICES: dict[str, Handler] = {
    "AWSGlue": handle_glue,
    "AmazonAthena": handle_athena,
    "Firehose_20150804": firehose.handle,
    "Kinesis_20131202": kinesis.handle,
}
ATHENA_OF_MINISTACK = frozenset(
    f"{verb}WorkGroup{plural}"
    for verb, plural in (("Create", ""), ("Get", ""), ("List", "s"), ("Update", ""), ("Delete", ""))
) | {"TagResource", "UntagResource", "ListTagsForResource"}
GLUE_OF_MINISTACK = (
    frozenset(
        f"{verb}{noun}"
        for noun in ("Database", "Table", "Partition", "Connection", "UserDefinedFunction")
        for verb in ("Create", "Get", "Update", "Delete")
    )
    | {f"Get{noun}s" for noun in ("Database", "Table", "Partition", "Connection", "UserDefinedFunction")}
    | {f"Batch{verb}Partition" for verb in ("Create", "Get", "Update", "Delete")}
    | {"BatchDeleteTable", "CreatePartitionIndex", "GetPartitionIndexes", "TagResource", "UntagResource", "GetTags"}
)
JOB_DEFINITIONS = frozenset({"CreateJob", "UpdateJob"})
COMMITS = frozenset({"CreateTable", "UpdateTable"})
LOGS = "Logs_20140328"
SIGNED_FOR_SNS = b"/sns/aws4_request"
"""SNS speaks the query protocol: only the signature's scope names the service."""
SNS_FAILED = (
    b"<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code>"
    b"<Message>asked to fail</Message></Error></ErrorResponse>"
)
READING = ("Get", "List", "Describe", "BatchGet")


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await upstream.app(scope, lifecycle.before(receive), lifecycle.after(send))
        return
    if scope["type"] != "http":
        await upstream.app(scope, receive, send)
        return
    headers = dict(scope["headers"])
    calls.count(headers.get(b"authorization", b""))
    prefix, _, operation = headers.get(b"x-amz-target", b"").decode().partition(".")
    changes = scope["method"] not in ("GET", "HEAD") and not operation.startswith(READING)
    try:
        if scope["path"].startswith(control.PREFIX):
            request = await _body(receive)
            await _answer(send, _control(scope, request))
            changes = False
        elif prefix in SERVICES and not _is_of_ministack(prefix, operation):
            request = await _body(receive)
            upstream.enter_account()
            await _answer(send, _serve(prefix, operation, headers, request))
        elif prefix == "AWSGlue" and operation in COMMITS:
            await _pass_on_commit(scope, receive, send)
        elif SIGNED_FOR_SNS in headers.get(b"authorization", b""):
            await _pass_on_to_sns(scope, receive, send)
        else:
            await upstream.app(scope, receive, send)
    except faults.ConnectionLost:
        await _hang_up(send)
    if changes:
        persistence.mark(of_logs=prefix == LOGS)


def _is_of_ministack(prefix: str, operation: str) -> bool:
    return (prefix == "AmazonAthena" and operation in ATHENA_OF_MINISTACK) or (
        prefix == "AWSGlue" and operation in GLUE_OF_MINISTACK - GLUE_OPERATIONS
    )


async def _control(scope: dict[str, Any], body: bytes) -> Any:
    return await control.handle(scope["method"], scope["path"], _members(body))


async def _serve(prefix: str, operation: str, headers: dict[bytes, bytes], body: bytes) -> dict[str, Any]:
    if b"cbor" in headers.get(b"content-type", b""):
        raise AwsError("SerializationException", "The local cloud serves this by the JSON protocol only.")
    if prefix == "AWSGlue" and operation not in GLUE_OPERATIONS:
        raise AwsError("UnknownOperationException", f"The local cloud does not serve Glue {operation}.")
    request = _members(body)
    if prefix == "AWSGlue" and operation in JOB_DEFINITIONS:
        _check_job_role(request.get("JobUpdate", request))
    return await SERVICES[prefix](operation, request)


def _check_job_role(definition: dict[str, Any]) -> None:
    role = definition.get("Role")
    if role and not roles.is_assumable(role, "glue.amazonaws.com"):
        raise AwsError(
            "InvalidInputException",
            "Service is unable to assume provided role. Please verify role's TrustPolicy",
        )


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise AwsError("SerializationException", "The request is not a JSON object.")
    return members


async def _answer(send: Send, serving: Awaitable[Any]) -> None:
    try:
        status, answer = 200, await serving
    except AwsError as error:
        status, answer = error.status, {"__type": error.code, "message": error.message}
    except faults.ConnectionLost:
        raise
    except Exception:
        logger.exception("a request failed")
        status, answer = 500, {"__type": "InternalFailure", "message": "see the log of the local cloud"}
    body = json.dumps(answer).encode()
    headers = [
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-requestid", str(uuid4()).encode()),
        (b"date", formatdate(time.time(), usegmt=True).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _pass_on_commit(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Let ministack change a table, inside the hook at which a fault can strike before or after.

    The hook sees an exception when the catalog refused the change. The answer is held back until it has ended.
    """
    body = await _body(receive)
    table = _members(body).get("TableInput", {}).get("Name", "")
    answer: list[Message] = []

    async def keep(message: Message) -> None:
        answer.append(message)

    try:
        async with around_commit(table):
            await upstream.app(scope, _replay(body), keep)
            if answer[0]["status"] >= 400:
                raise _Refused
    except _Refused:
        pass
    for message in answer:
        await send(message)


async def _pass_on_to_sns(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Let ministack answer SNS, unless it is a Publish to a topic that is to fail."""
    body = await _body(receive)
    members = dict(parse_qsl(body.decode()))
    if members.get("Action") == "Publish" and faults.find("fail_publish", members.get("TopicArn", "")):
        headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(SNS_FAILED)).encode())]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": SNS_FAILED})
    else:
        await upstream.app(scope, _replay(body), send)


class _Refused(Exception):
    """The catalog refused a change."""


async def _body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _replay(body: bytes) -> Receive:
    messages: Iterable[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        # The caller has nothing more to say; only its leaving could come.
        never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await never

    return receive


async def _hang_up(send: Send) -> None:
    """Close the caller's connection without an answer, which ASGI itself has no message for."""
    stream: Any = send.__self__  # type: ignore[attr-defined]  # hypercorn's stream behind the bound method
    await stream.send(StreamClosed(stream_id=stream.stream_id))
