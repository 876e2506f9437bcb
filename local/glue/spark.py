"""One run's process: the machine that a Glue script finds itself on, and its end.

On AWS, ``--datalake-formats iceberg`` brings the jars and the job's ``--conf`` the catalog; here a generated
spark-defaults.conf plays that part, and adds what is local: addresses, memory, two cores. So a script that keeps to
``SparkSession.builder.getOrCreate()`` and ``glue_catalog.<database>.<table>`` runs unchanged on both.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from botocore.exceptions import ClientError
from packaging.requirements import InvalidRequirement, Requirement

from local.glue import jars
from local.glue.logs import RunLog
from local.settings import ACCOUNT, REGION, client, endpoint_url

SHIM = Path(__file__).parent / "awsglue_shim"
WAREHOUSE = f"s3://clickstream-{ACCOUNT}-lake/"
"""Where a table goes that is created without a location."""
_INHERITED = ("PATH", "HOME", "LANG", "JAVA_HOME")

_running: set[int] = set()


class LaunchError(Exception):
    """The script could not be started; the text is the run's ErrorMessage."""


def prepare(folder: Path, script: str, arguments: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Lay out a run's working folder; blocks.

    :param folder: empty; becomes the run's.
    :param script: the job's ScriptLocation.
    :param arguments: the run's arguments, each name with its ``--``; all are passed on to the script.
    :returns: the command and its whole environment.
    :raises LaunchError: the script, a module or Spark's jars cannot be had, or --conf cannot be read.
    """
    program = _download(script, folder)
    modules = [_download(url, folder / "modules") for url in _listed(arguments.get("--extra-py-files"))]
    _check_modules(_listed(arguments.get("--additional-python-modules")))
    iceberg = "iceberg" in _listed(arguments.get("--datalake-formats"))
    defaults = {**settings(folder, iceberg), **_conf(arguments.get("--conf"))}
    (folder / "conf").mkdir()
    lines = [f"{key} {value}\n" for key, value in defaults.items()]
    (folder / "conf" / "spark-defaults.conf").write_text("".join(lines))
    try:
        class_path = jars.class_path()
    except subprocess.CalledProcessError as error:
        raise LaunchError("LAUNCH ERROR | Spark's jars could not be fetched: see the local cloud's log") from error
    if not iceberg:
        class_path = [jar for jar in class_path if "iceberg" not in jar.name]
    python_path = [SHIM, *(module if module.suffix != ".py" else module.parent for module in modules)]
    environment = {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "AWS_ENDPOINT_URL": endpoint_url(),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TZ": "UTC",
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, python_path)),
        "PYTHONUNBUFFERED": "1",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_CONF_DIR": str(folder / "conf"),
        # Behind Spark's own jars, unlike spark.driver.extraClassPath: the bundles hold other versions of some.
        "SPARK_DIST_CLASSPATH": os.pathsep.join(map(str, class_path)),
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    said = [part for pair in arguments.items() for part in pair]
    return [sys.executable, str(SHIM / "runscript.py"), str(folder / "error"), str(program), *said], environment


async def run(folder: Path, command: list[str], environment: dict[str, str], log: RunLog) -> str | None:
    """Run a prepared script to its end; cancelled, kill it.

    When this returns or raises, no process of the run is left, and its log is complete.

    :returns: None when the script succeeded, else the run's ErrorMessage.
    """
    held, ours = os.pipe()
    output, error = log.pipe("output"), log.pipe("error")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdin=held, stdout=output, stderr=error, start_new_session=True
    )
    for end in (held, output, error):
        os.close(end)
    _running.add(process.pid)
    try:
        code = await process.wait()
    finally:
        # Also after a good end: the JVM may outlive the interpreter for a moment.
        _kill(process.pid)
        _running.discard(process.pid)
        os.close(ours)
        await process.wait()
        await asyncio.to_thread(log.wait)
    if code == 0:
        return None
    said = folder / "error"
    if said.exists():
        return said.read_text()
    # A shell's way to say that a signal ended it, which is what Glue shows.
    return f"Command failed with exit code {code if code > 0 else 128 - code}"


def kill_running() -> None:
    """Kill -9 whatever Spark is running; its run ends as FAILED."""
    for group in _running:
        _kill(group)


def settings(folder: Path, iceberg: bool) -> dict[str, str]:
    """What a Spark session finds set.

    :param folder: for its temporary files.
    :param iceberg: with ``glue_catalog``.
    """
    catalog = "spark.sql.catalog.glue_catalog"
    defaults = {
        "spark.master": "local[2]",
        "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", "4g"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        # A run here lasts half a minute, in which the server compiler takes more of two cores than its code gives back.
        "spark.driver.extraJavaOptions": f'"-Djava.io.tmpdir={folder}" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": endpoint_url(),
        "spark.hadoop.fs.s3a.path.style.access": "true",
    }
    if iceberg:
        defaults |= {
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            catalog: "org.apache.iceberg.spark.SparkCatalog",
            f"{catalog}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            f"{catalog}.warehouse": WAREHOUSE,
            f"{catalog}.glue.endpoint": endpoint_url(),
            f"{catalog}.s3.endpoint": endpoint_url(),
            f"{catalog}.s3.path-style-access": "true",
        }
    return defaults


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _conf(value: str | None) -> dict[str, str]:
    """Glue's one --conf argument: ``a=1 --conf b=2``."""
    settings = {}
    for pair in re.split(r"\s--conf\s", value) if value else []:
        name, equals, setting = pair.strip().partition("=")
        if not equals:
            raise LaunchError(f"LAUNCH ERROR | Spark config without '=': {name}")
        settings[name] = setting
    return settings


def _listed(value: str | None) -> list[str]:
    return [part.strip() for part in (value or "").split(",") if part.strip()]


def _download(url: str, folder: Path) -> Path:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / Path(key).name
    try:
        client("s3").download_file(bucket, key, str(target))
    except ClientError as error:
        reason = error.response["Error"].get("Message", "")
        raise LaunchError(
            f"LAUNCH ERROR | Error downloading from S3 for bucket: {bucket}, key: {key}. {reason}"
        ) from error
    return target


def _check_modules(requirements: list[str]) -> None:
    """Hold --additional-python-modules to what this environment has: nothing is installed for a run."""
    for text in requirements:
        try:
            wanted = Requirement(text)
        except InvalidRequirement as error:
            raise LaunchError(f"LAUNCH ERROR | ERROR: Invalid requirement: '{text}': {error}") from error
        try:
            installed = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            installed = "none"
        if installed == "none" or not wanted.specifier.contains(installed, prereleases=True):
            raise LaunchError(
                f"LAUNCH ERROR | ERROR: Could not find a version that satisfies the requirement {text} "
                f"(from versions: {installed}) ERROR: No matching distribution found for {text}"
            )
