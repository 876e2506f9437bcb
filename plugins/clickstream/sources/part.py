"""What every part of a declaration is: typed, complete, and never changed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name that can stand in SQL without quotes."""


class Part(BaseModel):
    """One concern of a source. Unknown keys are refused, so that a misspelt threshold is an error and no default."""

    model_config = ConfigDict(extra="forbid", frozen=True)
