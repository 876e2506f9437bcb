"""The plan of a path before people's eyes, and their approval where it needs one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.standard.operators.hitl import ApprovalOperator

from clickstream.airflow.operators.approval import ASKED, is_approval


class NotApproved(RuntimeError):
    """Nobody approved the plan that is to be carried out."""


class PlanReviewOperator(ApprovalOperator):
    """Show a plan (under Rendered Templates, and with the question), and ask when it needs approval.

    After Reject, or in mode `plan`, everything that follows is skipped.

    Args:
        mode: of the provision DAG (templated).
        digest: identity of the plan (templated).
        needs_approval: `True` or `False` as text (templated).
    """

    template_fields: Collection[str] = (*ApprovalOperator.template_fields, "mode", "digest", "needs_approval")
    template_fields_renderers: ClassVar[dict[str, str]] = {"body": "md"}

    def __init__(self, *, mode: str, digest: str, needs_approval: str, **kwargs: Any) -> None:
        super().__init__(ignore_downstream_trigger_rules=True, response_timeout=timedelta(days=7), **kwargs)
        self.mode = mode
        self.digest = digest
        self.needs_approval = needs_approval

    def execute(self, context: Any) -> None:
        if self.mode == "plan":
            self.skip(ti=context["ti"], tasks=context["task"].get_flat_relatives(upstream=False))
        elif self.needs_approval == "True":
            context["ti"].xcom_push(ASKED, self.digest)
            super().execute(context)


def check_approval(planned: Mapping[str, Any], asked: str | None, answer: Mapping[str, Any] | None) -> None:
    """Whether a plan may be carried out.

    Args:
        planned: the plan task's answer.
        asked: digest that people were asked about.
        answer: what they answered.

    Raises:
        NotApproved: it needs approval, and nobody approved it; marking the review as success is no approval.
    """
    if not planned["needs_approval"]:
        return
    if asked != planned["digest"]:
        raise NotApproved(f"plan {planned['digest']} needs approval; people were asked about {asked or 'nothing'}")
    if not is_approval(answer):
        raise NotApproved(f"plan {planned['digest']} needs approval, and nobody gave it: clear the review to ask again")
