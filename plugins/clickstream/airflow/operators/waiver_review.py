"""A counted loss before people's eyes, and their acceptance of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk.exceptions import AirflowSkipException

from clickstream.airflow.operators.approval import ASKED, is_approval
from clickstream.airflow.runs import open_run

if TYPE_CHECKING:
    from clickstream.reconciliation.proposal import Answer

ANSWER_WITHIN = timedelta(days=1)
"""The source's next days wait for this run."""


class WaiverReviewOperator(HITLOperator):
    """Ask whether the losses that the run found may be accepted; skipped when nobody wants that, or there are none.

    Not an `ApprovalOperator`: after Reject, and without an answer, the run goes on, for what it found must be recorded.

    Args:
        source: the source's name.
        run: the run's key (templated).
    """

    template_fields: Collection[str] = (*HITLOperator.template_fields, "run")

    def __init__(self, *, source: str, run: str, **kwargs: Any) -> None:
        super().__init__(
            subject=f"{source}: accept these losses?",
            options=[ApprovalOperator.APPROVE, ApprovalOperator.REJECT],
            defaults=ApprovalOperator.REJECT,
            response_timeout=ANSWER_WITHIN,
            **kwargs,
        )
        self.source = source
        self.run = run

    def execute(self, context: Any) -> None:
        from clickstream.reconciliation.steps import propose_waiver

        if context["params"]["waive"] is None:
            raise AirflowSkipException("params.waive = None")
        proposal = propose_waiver(open_run(self.source, self.run))
        if not proposal.hours:
            raise AirflowSkipException(
                f"nothing can be accepted: {dict(proposal.left) or 'no hour of the window failed'}"
            )
        self.subject = f"{self.source}: accept the losses of {', '.join(proposal.hours)}?"
        self.body = proposal.as_markdown()
        context["ti"].xcom_push(ASKED, proposal.digest)
        super().execute(context)


def approval_by(ti: Any, review: str) -> Answer | None:
    """The approval that a review got; None: it got none.

    Args:
        ti: the asking task's own instance.
        review: the review's task id.
    """
    from clickstream.reconciliation.proposal import Answer

    answer = ti.xcom_pull(task_ids=review)
    if not is_approval(answer):
        return None
    user = answer["responded_by_user"]
    return Answer(
        by=user["name"] if user["name"] == user["id"] else f"{user['name']} ({user['id']})",
        at=answer["responded_at"].astimezone(UTC).isoformat(timespec="milliseconds"),
        digest=ti.xcom_pull(task_ids=review, key=ASKED),
    )
