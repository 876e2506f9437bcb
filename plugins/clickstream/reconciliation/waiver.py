"""Waivers: people's acceptance of known, counted losses, and how far it reaches.

A waiver covers what it names and no more: a finding of another kind, at another object, or of more records fails its
hour as ever. It stands in each entry of its hour while what it accepts is still so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from clickstream.reconciliation.findings import OBJECT_LOSSES, Code, Finding, failing


class Loss(BaseModel):
    """One finding that was accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    object: str | None = None
    """Key of the object concerned, where there is one."""
    records: int
    """How many records it concerned beyond what was accepted before; of `records_unknown`: how many can be read."""


class Waiver(BaseModel):
    """What one person has accepted of one hour, once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    waived_by: str
    """Who approved it, as Airflow names the user."""
    waived_at: str
    """When, in UTC."""
    reason: str
    run: str
    """The run that asked."""
    losses: tuple[Loss, ...]
    followed: int = 0
    """Acknowledged records that were found missing because their object is: see `weigh`."""

    @property
    def lost_with_objects(self) -> int:
        """Records that its objects held."""
        return sum(loss.records for loss in self.losses if loss.code in OBJECT_LOSSES)


class Weighed(NamedTuple):
    """What an hour's findings come to under its waivers.

    Attributes:
        findings: those that no waiver covers.
        waivers: those that still cover something; all of them while the hour fails.
    """

    findings: list[Finding]
    waivers: tuple[Waiver, ...]


def weigh(
    findings: Sequence[Finding],
    waivers: tuple[Waiver, ...],
    *,
    lost: Collection[str],
    rebuilt: bool,
    before: tuple[Waiver, ...] = (),
    after: tuple[Waiver, ...] = (),
) -> Weighed:
    """Take from an hour's findings what its waivers cover.

    Once an hour is processed without a lost object, the receipts miss its records too. That is the same loss: it is
    booked to the waiver when it is first found, at most as many records as the objects held, and from then on is
    covered to that number. Records of an object can have been acknowledged in the hour after its own.

    Args:
        findings: of the hour, accepted losses of objects not among them.
        waivers: of the hour's entry before.
        lost: keys of the hour's lost objects that were accepted.
        rebuilt: whether this run processed the hour.
        before, after: the waivers of the hour before, and of the hour after.
    """
    waivers = _booked(findings, waivers, rebuilt, before, after)
    uncovered = [finding for finding in findings if not _is_covered(finding, waivers)]
    if failing(uncovered):
        return Weighed(uncovered, waivers)
    covered = [finding for finding in findings if finding not in uncovered]
    return Weighed(uncovered, tuple(kept for waiver in waivers if (kept := _still(waiver, covered, lost))))


def accepted_of(code: Code, key: str | None, waivers: Iterable[Waiver]) -> int:
    """Records that are accepted as findings of a kind, at an object or at none; -1: no such finding is."""
    accepted = [
        *(loss.records for waiver in waivers for loss in waiver.losses if (loss.code, loss.object) == (code, key)),
        *(waiver.followed for waiver in waivers if waiver.followed and code == "acknowledged_missing"),
    ]
    return sum(accepted) if accepted else -1


def _booked(
    findings: Iterable[Finding],
    waivers: tuple[Waiver, ...],
    rebuilt: bool,
    before: tuple[Waiver, ...],
    after: tuple[Waiver, ...],
) -> tuple[Waiver, ...]:
    """The waivers with what is missing beyond them booked, when all of it can be."""
    missing = sum(finding.records for finding in findings if finding.code == "acknowledged_missing")
    excess = max(missing - max(accepted_of("acknowledged_missing", None, waivers), 0), 0)
    own = min(_not_booked(waivers, after), excess) if rebuilt else 0
    # Once anything is booked to the hour before, it was processed without its lost objects.
    processed = any(each.followed for each in before if each.losses)
    inherited = min(_not_booked(before, waivers), excess - own) if processed else 0
    if not excess or own + inherited < excess:
        return waivers
    made = [*waivers]
    if own:
        at = _last_of_objects(made)
        made[at] = made[at].model_copy(update={"followed": made[at].followed + own})
    if inherited:
        made.append(before[_last_of_objects(before)].model_copy(update={"losses": (), "followed": inherited}))
    return tuple(made)


def _not_booked(waivers: Iterable[Waiver], after: Iterable[Waiver]) -> int:
    """Records of an hour's lost objects that are booked neither to it nor to the hour after."""
    of_objects = [waiver for waiver in waivers if waiver.lost_with_objects]
    inherited = sum(waiver.followed for waiver in after if not waiver.losses)
    return max(sum(each.lost_with_objects - each.followed for each in of_objects) - inherited, 0)


def _last_of_objects(waivers: Sequence[Waiver]) -> int:
    return max(number for number, waiver in enumerate(waivers) if waiver.lost_with_objects)


def _is_covered(finding: Finding, waivers: Iterable[Waiver]) -> bool:
    # An accepted object is no finding any more: one that is found was lost since.
    return finding.code not in OBJECT_LOSSES and finding.records <= accepted_of(finding.code, finding.object, waivers)


def _still(waiver: Waiver, covered: Collection[Finding], lost: Collection[str]) -> Waiver | None:
    """A waiver without what is no longer so; None when nothing is left."""
    found = {(finding.code, finding.object) for finding in covered}
    losses = tuple(
        loss
        for loss in waiver.losses
        if (loss.object in lost if loss.code in OBJECT_LOSSES else (loss.code, loss.object) in found)
    )
    followed = waiver.followed if ("acknowledged_missing", None) in found else 0
    return waiver.model_copy(update={"losses": losses, "followed": followed}) if losses or followed else None
