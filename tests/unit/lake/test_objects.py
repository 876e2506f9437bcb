import orjson
import pytest
from botocore.exceptions import ClientError

from clickstream.lake.objects import read_json, split_uri, write_json
from tests.unit.lake.memory_s3 import MemoryS3


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://lake/a/b.json", ("lake", "a/b.json")),
        ("s3://lake/a//s3://b", ("lake", "a//s3://b")),
        ("s3://lake", ("lake", "")),
    ],
)
def test_a_uri_is_split_at_its_bucket(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts


def test_equal_content_has_equal_bytes_and_comes_back_as_it_was() -> None:
    s3 = MemoryS3()
    document = {"b": [1, None], "a": {"y": "é", "x": 2**60}}
    assert write_json(s3, "s3://lake/one.json", document) == "s3://lake/one.json"
    write_json(s3, "s3://lake/two.json", {"a": {"x": 2**60, "y": "é"}, "b": [1, None]})
    assert s3.objects["lake", "one.json"] == s3.objects["lake", "two.json"]
    assert read_json(s3, "s3://lake/one.json") == document
    assert orjson.loads(s3.objects["lake", "one.json"]) == document


def test_a_document_that_is_not_there_is_told_as_s3_tells_it() -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        read_json(MemoryS3(), "s3://lake/none.json")
