"""The jar files that a Spark with Iceberg and S3 needs, from Maven Central into the Ivy cache.

Asking Ivy at each start costs 3 of the 7 seconds until a session's first result, so the resolved list is kept beside
the jars and put on the class path as it is. ``python -m local.glue.warm`` fetches them beforehand.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

COORDINATES = (
    "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0",
    "org.apache.iceberg:iceberg-aws-bundle:1.10.0",
    "org.apache.hadoop:hadoop-aws:3.3.4",
)
"""The versions of Glue 5.1, and the hadoop-aws of pyspark 3.5."""

_RESOLVE = """
import sys
from pyspark.sql import SparkSession
ivy, coordinates, result = sys.argv[1:]
settings = {
    "spark.jars.ivy": ivy, "spark.jars.packages": coordinates, "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
}
session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
with open(result, "w") as file:
    file.write(session.sparkContext.getConf().get("spark.jars"))
session.stop()
"""


def ivy_cache() -> Path:
    """Where the jars are kept: IVY_CACHE, or Ivy's own place in the home folder."""
    return Path(os.environ.get("IVY_CACHE", Path.home() / ".ivy2"))


def class_path() -> list[Path]:
    """The jar files, downloaded if need be (750 MB); blocks, and lets Ivy print its progress.

    :raises subprocess.CalledProcessError: they could not be had; Ivy has printed why.
    """
    cache = ivy_cache()
    cache.mkdir(parents=True, exist_ok=True)
    known = cache / f"class-path-{hashlib.sha256(' '.join(COORDINATES).encode()).hexdigest()[:12]}.txt"
    # Ivy does not bear two that fill its cache at once.
    with known.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jars = [Path(line) for line in known.read_text().splitlines()] if known.exists() else []
        if not jars or not all(jar.exists() for jar in jars):
            jars = _resolve(cache)
            draft = known.with_suffix(".new")
            draft.write_text("\n".join(map(str, jars)))
            draft.replace(known)
    return jars


def _resolve(cache: Path) -> list[Path]:
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch, "jars")
        subprocess.run(
            [sys.executable, "-c", _RESOLVE, str(cache), ",".join(COORDINATES), str(result)],
            cwd=scratch,
            env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
            check=True,
        )
        return [Path(unquote(urlsplit(url).path)) for url in result.read_text().split(",")]
