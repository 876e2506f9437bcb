"""A copy of the project that a benchmark may change."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.settings import ROOT


@contextmanager
def copy_of_project(*parts: str) -> Iterator[Path]:
    """Copies of folders of the project, with its environments; removed in the end."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder)
        for part in parts:
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        (root / ".venv").symlink_to(ROOT / ".venv")
        yield root
