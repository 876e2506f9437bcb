import pytest

from clickstream.contract.judge import Judge
from clickstream.contract.schema import Schema, load_schema
from clickstream.sources.loader import INCLUDE, load_sources
from clickstream.sources.model import Source


@pytest.fixture(scope="session")
def source() -> Source:
    sources, _ = load_sources()
    return sources["retail_web"]


@pytest.fixture(scope="session")
def schema(source: Source) -> Schema:
    return load_schema(INCLUDE / "schemas", source.name, source.events.contract)


@pytest.fixture(scope="session")
def judge(source: Source, schema: Schema) -> Judge:
    return Judge(source, schema)
