"""Raises what is wrong with the files of `include/sources/`, so that Airflow shows it as an import error.

It stands apart from the DAG files: one that raises loses its DAGs, and a broken source must not hide the sound ones.
"""

from __future__ import annotations

from clickstream.sources.loader import load_sources

_, faults = load_sources()
if faults:
    raise faults
