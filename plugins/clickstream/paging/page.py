"""The page: what, where, since when, the evidence, the runbook and the exact next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EVIDENCE_LIMIT = 1000
"""Characters of one piece of evidence: an error's text can be long, and SNS takes 256 KB."""


@dataclass(frozen=True)
class Page:
    """What a check tells people of one incident.

    Attributes:
        source: the source concerned.
        cause: what is wrong: one of `causes.CAUSES`. It has its runbook.
        where: the hours, or the task.
        impact: what does not hold any more.
        since: arrival hour or time from which on it is wrong.
        evidence: what was found, and uris of findings, ledger or log.
        next_step: the command that comes next.
        link: the page of Airflow's UI to begin at.
    """

    source: str
    cause: str
    where: str
    impact: str
    since: str
    evidence: Sequence[str]
    next_step: str
    link: str

    @property
    def headline(self) -> str:
        """What and where."""
        return f"{self.source}: {self.cause} in {self.where}"

    def text(self, *, prefix: str = "", history: Sequence[str] = ()) -> str:
        """The whole message.

        Args:
            prefix: what comes before the headline.
            history: lines on what became of the incident so far.
        """
        return "\n".join(
            (
                f"{prefix}{self.headline}",
                f"Impact: {self.impact}",
                f"Since: {self.since}",
                *history,
                *(f"Evidence: {each[:EVIDENCE_LIMIT]}" for each in self.evidence),
                f"Runbook: docs/runbooks/{self.cause}.md",
                f"Next: {self.next_step}",
                f"Airflow: {self.link}",
            )
        )
