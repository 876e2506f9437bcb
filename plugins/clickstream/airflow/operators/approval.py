"""What makes an answer an approval: a person gave it, of the very thing that is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator

ASKED = "asked"
"""XCom key of the digest that people were asked about. Whoever carries it out compares it with what it would do."""


def is_approval(answer: Mapping[str, Any] | None) -> bool:
    """Whether a review was approved.

    Args:
        answer: what the review returned; None: it was not asked, or it was marked as success, which is no approval.
    """
    return answer is not None and answer["chosen_options"] == [ApprovalOperator.APPROVE]
