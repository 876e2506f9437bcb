"""One incident: how it goes from the first page to the last. Nothing here reads or sends: a change makes a new one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from clickstream.paging.message import Kind, Message
from clickstream.paging.page import Page

PAUSES = (timedelta(hours=4), timedelta(hours=8), timedelta(hours=24))
"""From one page of an open incident to its next reminder; the last pause is kept from then on."""

CLAIM = timedelta(minutes=2)
"""How long others leave the sending to the one that began with it. A publish takes seconds: only a killed one lets it
run out, and what is sent after that may be sent twice."""


class Claim(BaseModel):
    """Who sends the unsent messages now, and until when others leave them alone."""

    model_config = ConfigDict(frozen=True)

    by: str
    until: datetime


class Incident(BaseModel):
    """One cause at one source, as its document keeps it.

    Attributes:
        name: the cause, with what tells it from its like: `object_missing`, `task_failed.retail_web__daily`.
        check: the check that opened it, and that alone resolves it.
        page: what the last report said of it; `since` is that of the first.
        opened_at, seen_at, resolved_at: opened, last reported, resolved.
        told_at: when its last page was written, or sent if that was later.
        reminders: how many there were since it opened.
        written: number of its last message, over all times that it opened.
        unsent: messages that SNS has not taken yet, oldest first.
        claim: who is sending them.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    check: str
    state: Literal["open", "resolved"]
    page: Page
    opened_at: datetime
    seen_at: datetime
    resolved_at: datetime | None = None
    told_at: datetime
    reminders: int = 0
    written: int = 0
    unsent: tuple[Message, ...] = ()
    claim: Claim | None = None

    @classmethod
    def opened(cls, name: str, check: str, page: Page, now: datetime, before: Incident | None) -> Incident:
        """A new incident, with its first page.

        Args:
            before: the one of the same name that was resolved; what is unsent of it is not lost.
        """
        made = cls(
            name=name,
            check=check,
            state="open",
            page=page,
            opened_at=now,
            seen_at=now,
            told_at=now,
            written=before.written if before else 0,
            unsent=before.unsent if before else (),
            claim=before.claim if before else None,
        )
        return made._telling("opened", page.text())

    def seen(self, page: Page, now: datetime) -> Incident:
        """Still open, as a check says: its evidence is newer, and nobody is told."""
        return self.model_copy(update={"page": replace(page, since=self.page.since), "seen_at": now})

    def is_due(self, now: datetime) -> bool:
        """Whether people are to be reminded; not while they have not even got the last page."""
        pause = PAUSES[min(self.reminders, len(PAUSES) - 1)]
        return self.state == "open" and not self.unsent and now - self.told_at >= pause

    def reminded(self, now: datetime) -> Incident:
        """With one more reminder."""
        opened = f"Open since: {_minute(self.opened_at)}, for {_hours(now - self.opened_at)}"
        history = [f"{opened}; last seen {_minute(self.seen_at)} by {self.check}"]
        again = self.model_copy(update={"reminders": self.reminders + 1, "told_at": now})
        return again._telling("reminder", self.page.text(prefix="still open: ", history=history))

    def resolved(self, now: datetime) -> Incident:
        """Over: the check that opened it finds it no longer."""
        opened = f"paged {_minute(self.opened_at)}"
        lines = (
            f"resolved: {self.page.headline}",
            f"Impact: over; {self.check} does not find it any more",
            f"Since: {self.page.since}, {opened}, resolved {_minute(now)} after {_hours(now - self.opened_at)}",
            f"Runbook: docs/runbooks/{self.page.cause}.md",
            "Next: nothing",
            f"Airflow: {self.page.link}",
        )
        over = self.model_copy(update={"state": "resolved", "resolved_at": now, "told_at": now})
        return over._telling("resolved", "\n".join(lines))

    def claimed(self, by: str, now: datetime) -> Incident:
        """For `by` to send what is unsent; unchanged when there is nothing to send, or somebody is at it."""
        if not self.unsent or (self.claim and self.claim.until > now):
            return self
        return self.model_copy(update={"claim": Claim(by=by, until=now + CLAIM)})

    def is_claimed(self, by: str) -> bool:
        """Whether `by` is the one that sends."""
        return self.claim is not None and self.claim.by == by

    def sent(self, message: Message, now: datetime) -> Incident:
        """Without a message that SNS has taken; with the last one the claim ends."""
        left = tuple(each for each in self.unsent if each.number != message.number)
        return self.model_copy(update={"unsent": left, "told_at": now, "claim": self.claim if left else None})

    def released(self, by: str) -> Incident:
        """Free for others to send what is left."""
        return self.model_copy(update={"claim": None}) if self.is_claimed(by) else self

    def _telling(self, kind: Kind, text: str) -> Incident:
        number = self.written + 1
        message = Message(number=number, kind=kind, source=self.page.source, cause=self.page.cause, text=text)
        return self.model_copy(update={"written": number, "unsent": (*self.unsent, message)})


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%MZ}"


def _hours(duration: timedelta) -> str:
    minutes = int(duration.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min"
