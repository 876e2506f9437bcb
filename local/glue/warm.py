"""``python -m local.glue.warm``: fetch Spark's jars before the first job needs them."""

import subprocess
import sys

from local.glue import jars


def main() -> None:
    """Print what is done; exits with 1 when the jars cannot be had."""
    print(f"Spark's jars for Iceberg and S3, into {jars.ivy_cache()} (a first time fetches 750 MB)", flush=True)
    try:
        fetched = jars.class_path()
    except subprocess.CalledProcessError:
        sys.exit("Spark's jars could not be fetched: the reason is above.")
    print(f"{len(fetched)} jars, {sum(jar.stat().st_size for jar in fetched) / 1e6:.0f} MB: ready")


if __name__ == "__main__":
    main()
