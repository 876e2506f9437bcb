"""What the Glue jobs run: their scripts, and the modules that these import, as they are.

They lie under a digest of their content: a run that has begun keeps its code when a newer one is uploaded.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from clickstream.provisioning.resource import Difference, Resource, Settings
from clickstream.sources.loader import INCLUDE

PLUGINS = Path(__file__).resolve().parents[2]
SCRIPTS = INCLUDE / "glue_scripts"
BRONZE_TO_SILVER = "bronze_to_silver.py"
SILVER_TO_GOLD = "silver_to_gold.py"
LAKE_MAINTENANCE = "lake_maintenance.py"
JOBS = (BRONZE_TO_SILVER, SILVER_TO_GOLD, LAKE_MAINTENANCE)
MODULES = (
    (PLUGINS, "clickstream/__init__.py"),
    (PLUGINS, "clickstream/sources/*.py"),
    (PLUGINS, "clickstream/contract/*.py"),
    (PLUGINS, "clickstream/lake/__init__.py"),
    (PLUGINS, "clickstream/lake/objects.py"),
    (PLUGINS, "clickstream/lake/retention.py"),
    (PLUGINS, "clickstream/lake/snapshots.py"),
    (SCRIPTS, "branched_table.py"),
    (SCRIPTS, "plan_file.py"),
    (SCRIPTS, "silver_job/*.py"),
    (SCRIPTS, "gold_job/*.py"),
    (SCRIPTS, "maintenance_job/*.py"),
)
"""What the scripts import, as globs below the folders that Python would find it in."""
ARCHIVE = "modules.zip"

_EARLIEST = (1980, 1, 1, 0, 0, 0)


class JobCode(Resource):
    """The code of all sources' jobs, in the lake."""

    kind = "job_code"
    shared = True

    @property
    def name(self) -> str:
        return f"s3://{self.cloud.names.lake}/{self._prefix}"

    def script(self, file: str) -> str:
        """Where a script lies, as `s3://bucket/key`."""
        return self.name + file

    @property
    def modules(self) -> str:
        """Where the zip for `--extra-py-files` lies, as `s3://bucket/key`."""
        return self.name + ARCHIVE

    def desired(self) -> Settings:
        return {f"{file} bytes": len(content) for file, content in self._files.items()}

    def live(self) -> Settings | None:
        s3, bucket = self.cloud.client("s3"), self.cloud.names.lake
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=self._prefix).get("Contents", ())
        sizes = {entry["Key"].removeprefix(self._prefix): entry["Size"] for entry in listed}
        return {f"{file} bytes": sizes[file] for file in self._files if file in sizes} or None

    def create(self) -> None:
        for file, content in self._files.items():
            key = self._prefix + file
            self.cloud.client("s3").put_object(Bucket=self.cloud.names.lake, Key=key, Body=content)

    def update(self, differences: Sequence[Difference]) -> None:
        self.create()

    def delete(self) -> None:
        for file in self._files:
            self.cloud.client("s3").delete_object(Bucket=self.cloud.names.lake, Key=self._prefix + file)

    @property
    def _prefix(self) -> str:
        return f"code/{digest(self._files)}/"

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        scripts = {file: (SCRIPTS / file).read_bytes() for file in JOBS}
        return {**scripts, ARCHIVE: archive(MODULES)}


def archive(modules: Iterable[tuple[Path, str]]) -> bytes:
    """A zip that Python imports from; the same sources make the same bytes, on any machine.

    So there is no time of day in it, and no compression: that differs between versions of zlib.

    Args:
        modules: folders, and globs of the files below them; a file is in the zip by its path below its folder.
    """
    files = {path.relative_to(folder).as_posix(): path for folder, glob in modules for path in folder.glob(glob)}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as zipped:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, files[name].read_bytes())
    return written.getvalue()


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the files' names and contents, its first 16 hex digits."""
    contents = [f"{hashlib.sha256(files[name]).hexdigest()} {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(contents).encode()).hexdigest()[:16]
