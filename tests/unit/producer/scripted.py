"""A Kinesis and a Firehose whose answers are written down: real boto3 on our side, no network behind it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, ClassVar

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


@dataclass
class Put:
    """One put as it went over the wire; a Firehose takes no keys."""

    stream: str
    records: list[bytes]
    keys: list[str]


@dataclass
class ScriptedKinesis:
    """Takes every record, unless the script says otherwise for the next put."""

    now: datetime
    script: list[Callable[[Put], list[str | None]] | Exception | tuple[int, str]] = field(default_factory=list)
    """For each next put: a function from it to an error code a record, an exception of the transport, or the
    status and code of an error."""
    puts: list[Put] = field(default_factory=list)

    # Members of its requests and answers.
    name: ClassVar[str] = "StreamName"
    outcomes: ClassVar[str] = "Records"
    taken: ClassVar[dict[str, str]] = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        if b".Describe" in request.headers["X-Amz-Target"]:
            return self._respond(200, {})
        body = json.loads(request.body)
        put = Put(
            body[self.name],
            [base64.b64decode(record["Data"]) for record in body["Records"]],
            [record["PartitionKey"] for record in body["Records"] if "PartitionKey" in record],
        )
        self.puts.append(put)
        match self.script.pop(0) if self.script else lambda put: [None] * len(put.records):
            case Exception() as lost:
                raise lost
            case (status, code):
                return self._respond(status, {"__type": code, "message": "as written"})
            case decide:
                outcomes = [
                    {"ErrorCode": code, "ErrorMessage": "as written"} if code else self.taken for code in decide(put)
                ]
        return self._respond(200, {self.outcomes: outcomes})

    def _respond(self, status: int, body: dict[str, Any]) -> AWSResponse:
        headers = HTTPHeaders()
        headers["date"] = format_datetime(self.now, usegmt=True)
        headers["content-type"] = "application/x-amz-json-1.1"
        return AWSResponse("http://kinesis", status, headers, _Body(json.dumps(body).encode()))


class ScriptedFirehose(ScriptedKinesis):
    """The same of a delivery that is put to directly."""

    name = "DeliveryStreamName"
    outcomes = "RequestResponses"
    taken: ClassVar[dict[str, str]] = {"RecordId": "1"}


@dataclass
class Waits:
    """Sleeps that take no time but move the clock that patience is measured with."""

    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return sum(self.slept)
