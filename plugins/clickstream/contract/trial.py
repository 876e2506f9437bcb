"""One record by two contracts: what would become of it that did not."""

from __future__ import annotations

from typing import Literal, NamedTuple

from clickstream.contract.judge import Judgement

Kind = Literal["newly_quarantined", "newly_good", "other_reason"]


class Turn(NamedTuple):
    """How the judgement of a record changes; what is filtered is so by any contract.

    Attributes:
        before, after: the reason for its quarantine; None: it is good.
    """

    kind: Kind
    before: str | None
    after: str | None


def turn(before: Judgement, after: Judgement) -> Turn | None:
    """What changes for a record that two contracts have judged; None: nothing."""
    if before[:2] == after[:2]:
        return None
    if after.fate == "good":
        return Turn("newly_good", before.reason, None)
    kind: Kind = "newly_quarantined" if before.fate == "good" else "other_reason"
    return Turn(kind, before.reason, after.reason)
