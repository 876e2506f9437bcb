"""What can be wrong with a live path; each cause has its runbook."""

from __future__ import annotations

from typing import Literal, get_args

Cause = Literal[
    "path_missing",
    "heartbeat_failed",
    "stream_throttled",
    "delivery_throttled",
    "traffic_low",
    "delivery_failing",
    "delivery_stalled",
    "metric_missing",
]
CAUSES: tuple[Cause, ...] = get_args(Cause)
"""From the head of the path to what is known of it: the order in which they are told."""
