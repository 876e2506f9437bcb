import ast
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from clickstream.provisioning.job_code import JOBS, MODULES, SCRIPTS, archive, digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a package `thing`."""
    folder = tmp_path / "one"
    for name, text in {"__init__": "a = 1", "part/__init__": "b = 2", "part/more": "c = 3", "other": "d = 4"}.items():
        file = folder / "thing" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return folder


def test_the_same_sources_make_the_same_bytes_wherever_and_whenever(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "two"
    for file in sorted(folder.rglob("*.py"), reverse=True):
        there = copy / file.relative_to(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(file.read_bytes())
        there.chmod(0o600)
        os.utime(there, (0, 1_000_000_000))
    assert archive([(folder, "thing/**/*.py")]) == archive([(copy, "thing/part/*.py"), (copy, "thing/*.py")])


def test_the_digest_follows_names_and_contents() -> None:
    digests = {
        digest(files)
        for files in (
            {"a": b"1", "b": b"2"},
            {"a": b"1", "b": b"3"},
            {"a": b"2", "b": b"1"},
            {"a": b"1", "c": b"2"},
            {"a": b"1"},
        )
    }
    assert len(digests) == 5
    assert digest({"a": b"1", "b": b"2"}) == digest({"b": b"2", "a": b"1"})


def test_the_zip_holds_what_the_globs_find_by_its_path_below_the_folder(folder: Path) -> None:
    zipped = zipfile.ZipFile(io.BytesIO(archive([(folder, "thing/__init__.py"), (folder / "thing", "part/*.py")])))
    assert zipped.namelist() == ["part/__init__.py", "part/more.py", "thing/__init__.py"]


def test_the_contract_and_the_model_of_a_source_work_from_the_zip_alone(tmp_path: Path) -> None:
    (tmp_path / "modules.zip").write_bytes(archive(MODULES))
    code = "import clickstream.contract.judge as judge, clickstream.sources.loader; print(judge.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "modules.zip")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "modules.zip/clickstream/contract/judge.py" in done.stdout


def test_every_module_of_ours_that_the_scripts_lead_to_is_in_the_zip() -> None:
    zipped = zipfile.ZipFile(io.BytesIO(archive(MODULES)))
    shipped = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in zipped.namelist()}
    packages = {module.partition(".")[0] for module in shipped}
    assert packages == {"clickstream", "branched_table", "plan_file", "silver_job", "gold_job", "maintenance_job"}
    scripts = [(SCRIPTS / file).read_text() for file in JOBS]
    sources = [*scripts, *(zipped.read(name).decode() for name in zipped.namelist())]
    imported = {
        node.module
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in packages
    }
    assert imported <= shipped
    assert "clickstream.contract.judge" in imported
