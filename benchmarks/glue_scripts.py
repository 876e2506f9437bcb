"""Scripts of the benchmarks as Glue jobs of a source, beside the product's; each follows a plan file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.bronze_to_silver import CONTENDERS, run
from clickstream.lake.objects import read_json, write_json
from clickstream.lake.place import Place
from clickstream.provisioning.job_code import JOBS, MODULES, SCRIPTS, archive
from clickstream.sources.model import Source

LIKE = "bronze_to_silver"
"""The product's job whose role and arguments all of them have."""


def run_script(place: Place, source: Source, script: str, plan: Mapping[str, Any], **arguments: str) -> dict[str, Any]:
    """Run a script to its end.

    Args:
        source: whose product's jobs are provisioned.
        script: file below `contenders`.
        plan: what it is to do.
        arguments: further ones, by their names without the hyphens.

    Returns:
        What it left as its result.
    """
    job = f"{source.name}__{Path(script).stem}"
    result = place.run_uri(source.name, "benchmark", f"{Path(script).stem}_result")
    address = write_json(
        place.s3, place.run_uri(source.name, "benchmark", Path(script).stem), {**plan, "result": result}
    )
    _make(place, source, job, script)
    run(place.glue, job, {"--plan": address, **{f"--{name}": value for name, value in arguments.items()}})
    answer: dict[str, Any] = read_json(place.s3, result)
    return answer


def _make(place: Place, source: Source, job: str, script: str) -> None:
    """The job, unless it is there."""
    if any(each["Name"] == job for each in place.glue.get_jobs()["Jobs"]):
        return
    key, modules = f"benchmark/{script}", "benchmark/modules.zip"
    place.s3.upload_file(str(CONTENDERS / script), place.lake, key)
    # The product's jobs themselves are among the modules: what is timed imports them.
    content = archive((*MODULES, *((SCRIPTS, each) for each in JOBS), (CONTENDERS, "own_catalog.py")))
    place.s3.put_object(Bucket=place.lake, Key=modules, Body=content)
    product = place.glue.get_job(JobName=f"{source.name}__{LIKE}")["Job"]
    place.glue.create_job(
        Name=job,
        Role=product["Role"],
        Command={**product["Command"], "ScriptLocation": f"s3://{place.lake}/{key}"},
        DefaultArguments={**product["DefaultArguments"], "--extra-py-files": f"s3://{place.lake}/{modules}"},
    )
