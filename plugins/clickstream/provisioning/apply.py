"""Making a path what its source declares, one resource after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clickstream.provisioning.plan import Step, plan, plan_removal
from clickstream.provisioning.resource import Resource


class NeedsApproval(RuntimeError):
    """Something would be deleted and made anew, which loses what it holds; nothing was changed."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        super().__init__(
            "AWS cannot change this in place, and nothing is deleted without approval. Put the declaration "
            "back, or run the source's provision DAG and approve:\n" + "\n".join(map(str, steps))
        )


class Drifted(RuntimeError):
    """What lives is no longer what a step was planned for; nothing was done to the resource."""

    def __init__(self, approved: Step, found: Step) -> None:
        super().__init__(f"planned was: {approved}; now it would be: {found}. Plan again.")


def carry_out(resource: Resource, step: Step) -> Step:
    """Do what a step of a plan says, or the rest of it when an earlier try was broken off.

    Returns:
        The step as it was taken; AWS has done it.

    Raises:
        Drifted: something else would have to be done by now.
    """
    now = plan_removal(resource) if step.action == "delete" else plan(resource)
    if not step.covers(now):
        raise Drifted(step, now)
    match now.action:
        case "create":
            resource.create()
        case "update":
            resource.update(now.differences)
        case "replace":
            resource.delete()
            resource.create()
        case "delete":
            resource.delete()
    return now


def apply_all(resources: Sequence[Resource]) -> Iterator[Step]:
    """Apply resources in their order, which is that of their dependencies; yields each step when it is done.

    Killed in between, the next call goes on from there. What is dearer is applied: who calls this has no one to ask.

    Raises:
        NeedsApproval: before anything is changed, naming every resource that would have to be replaced.
    """
    steps = [plan(resource) for resource in resources]
    if refused := [step for step in steps if step.action == "replace"]:
        raise NeedsApproval(refused)
    for resource, step in zip(resources, steps, strict=True):
        yield carry_out(resource, step)
