"""What the check of a maintenance can find wrong."""

from __future__ import annotations

from typing import Literal

MaintenanceCode = Literal["maintenance_differs"]
"""A page's cause and a runbook's name."""
