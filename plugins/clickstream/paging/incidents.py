"""The incidents of a source: each a document in the lake, changed by conditional writes only.

Checks say what they see, as often as they like; people get one page when a cause turns up, reminders further and
further apart while it stays, and one page when it is gone. A page is written into its incident before it is
published and taken out after, so what SNS did not take is sent by the next report of any check of the source.

Of reporters at the same time one opens the incident and sends its page
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). A page is sent at least once: twice
when a reporter is killed between SNS's answer and the write that says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from clickstream.lake.place import Place
from clickstream.paging.causes import CAUSES
from clickstream.paging.incident import Incident
from clickstream.paging.message import TOPIC, Kind
from clickstream.paging.page import Page

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"}
_TRIES = 20

logger = logging.getLogger(__name__)

Step = Callable[[Incident | None], Incident | None]


class IncidentBusy(RuntimeError):
    """Others changed the incident each time that it was to be written."""


@dataclass(frozen=True)
class Reported:
    """What a report came to, by names of incidents.

    Attributes:
        told: those that a page was written for, and what kind of page.
        unsent: those of the source with a page that SNS has not taken, whoever wrote it.
    """

    told: Mapping[str, Kind]
    unsent: tuple[str, ...]


@dataclass(frozen=True)
class Incidents:
    """The incidents of one source.

    Args:
        s3: boto3 client.
        bucket: the lake; a document lies under `incidents/<source>/<name>.json`.
        source: the source's name.
        sns: boto3 client.
        topic: ARN of the topic that pages go to.

    Example:
        >>> Incidents.of(place, "retail_web", sns).report("verdict", {"object_missing": page}, now)
        Reported(told={'object_missing': 'opened'}, unsent=())
    """

    s3: Any
    bucket: str
    source: str
    sns: Any
    topic: str

    @classmethod
    def of(cls, place: Place, source: str, sns: Any) -> Incidents:
        """The incidents of a source where the product works."""
        return cls(place.s3, place.lake, source, sns, place.names.topic_arn(TOPIC))

    def report(self, check: str, found: Mapping[str, Page], now: datetime, *, whole: bool = True) -> Reported:
        """Say what a check sees; open, remind of and resolve accordingly, and send what is unsent.

        Safe to repeat, and to be killed: the same report once more ends the same. A page whose sending was killed
        waits for a report after `incident.CLAIM`.

        Args:
            check: what looked. It resolves what it opened itself and does not find any more.
            found: pages by name of the incident: the cause, or `<cause>.<which>` where a source can have several.
            now: the time of the report, with its zone.
            whole: `found` is all that the check sees. Otherwise nothing is resolved.

        Raises:
            ValueError: a page's cause is none of `causes.CAUSES`.
            IncidentBusy: others wrote the same incident at the same time, again and again.
            botocore.exceptions.ClientError: S3 refused. SNS does not raise: what it did not take is `unsent`.
        """
        if unknown := {page.cause for page in found.values()} - CAUSES:
            raise ValueError(f"{', '.join(sorted(unknown))}: not declared in paging/causes.py, so without a runbook")
        report = _Report(check, found, now, whole, by=uuid4().hex)
        told: dict[str, Kind] = {}
        unsent: list[str] = []
        for name in sorted({*self._names(), *found}):
            before, after = self._change(name, partial(report.step, name))
            if after is None:
                continue
            if kind := _told(before, after):
                told[name] = kind
            if self._send(after, report.by, now).unsent:
                unsent.append(name)
        return Reported(told, tuple(unsent))

    def _names(self) -> list[str]:
        prefix = f"incidents/{self.source}/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return [key.removeprefix(prefix).removesuffix(".json") for key in keys]

    def _key(self, name: str) -> str:
        return f"incidents/{self.source}/{name}.json"

    def _stored(self, name: str) -> tuple[Incident | None, str | None]:
        """An incident and the ETag of its document."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=self._key(name))
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None, None
        return Incident.model_validate_json(answer["Body"].read()), answer["ETag"]

    def _change(self, name: str, step: Step) -> tuple[Incident | None, Incident | None]:
        """Take a step from whatever is there now: the incident before it and after."""
        for _ in range(_TRIES):
            before, etag = self._stored(name)
            after = step(before)
            if after is None or after == before:
                return before, after
            try:
                self.s3.put_object(
                    Bucket=self.bucket,
                    Key=self._key(name),
                    Body=after.model_dump_json().encode(),
                    ContentType="application/json",
                    **({"IfMatch": etag} if etag else {"IfNoneMatch": "*"}),
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in _TAKEN:
                    raise
            else:
                return before, after
        raise IncidentBusy(f"s3://{self.bucket}/{self._key(name)} changed {_TRIES} times")

    def _send(self, incident: Incident, by: str, now: datetime) -> Incident:
        """Publish what is unsent, in order, while it is `by` who does that; the incident after it."""
        while incident.is_claimed(by) and incident.unsent:
            message = incident.unsent[0]
            try:
                message.publish(self.sns, self.topic)
            except (BotoCoreError, ClientError) as error:
                logger.warning("%s page of %s/%s is kept: %s", message.kind, self.source, incident.name, error)
                return self._changed(incident, partial(Incident.released, by=by))
            incident = self._changed(incident, partial(Incident.sent, message=message, now=now))
        return incident

    def _changed(self, incident: Incident, step: Callable[[Incident], Incident]) -> Incident:
        _, after = self._change(incident.name, lambda stored: step(stored or incident))
        return after or incident


@dataclass(frozen=True)
class _Report:
    """What a check says, and what becomes of an incident by it."""

    check: str
    found: Mapping[str, Page]
    now: datetime
    whole: bool
    by: str

    def step(self, name: str, before: Incident | None) -> Incident | None:
        page, after = self.found.get(name), before
        if page and (before is None or before.state == "resolved"):
            after = Incident.opened(name, self.check, page, self.now, before)
        elif page and before:
            after = before.seen(page, self.now)
        elif before and before.state == "open" and before.check == self.check and self.whole:
            after = before.resolved(self.now)
        if after and after.is_due(self.now):
            after = after.reminded(self.now)
        return after and after.claimed(self.by, self.now)


def _told(before: Incident | None, after: Incident) -> Kind | None:
    if (before is not None and before.state == "open") != (after.state == "open"):
        return "opened" if after.state == "open" else "resolved"
    return "reminder" if before and after.reminders > before.reminders else None
