from pathlib import Path

import pytest

from clickstream.contract.schema import Schema, SchemaFault, load_schema


def write(folder: Path, version: str, text: str) -> None:
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop" / f"{version}.json").write_text(text)


def test_a_version_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path, "1.0.0", "{}")
    write(tmp_path, "1.1.0", "{}")
    with pytest.raises(SchemaFault, match=r"no file schemas/shop/2\.0\.0\.json; versions there: 1\.0\.0, 1\.1\.0"):
        load_schema(tmp_path, "shop", "2.0.0")
    with pytest.raises(SchemaFault, match="versions there: none"):
        load_schema(tmp_path, "market", "1.0.0")


@pytest.mark.parametrize("text", ["{", '{"type": "txt"}', "[]", '{"$schema": "https://example.com/none"}'])
def test_a_file_that_is_no_json_schema_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, "1.0.0", text)
    with pytest.raises(SchemaFault, match=r"schemas/shop/1\.0\.0\.json is no JSON Schema"):
        load_schema(tmp_path, "shop", "1.0.0")


def test_the_digest_is_that_of_the_content_not_of_its_layout(tmp_path: Path) -> None:
    write(tmp_path, "1.0.0", '{"type": "object", "title": "x"}')
    write(tmp_path, "1.0.1", '{"title":"x",\n"type":"object"}')
    write(tmp_path, "1.0.2", '{"title": "y", "type": "object"}')
    one, same, other = (load_schema(tmp_path, "shop", f"1.0.{n}").digest for n in range(3))
    assert one == same != other


def test_a_contract_declares_the_paths_that_it_has_properties_for() -> None:
    schema = Schema("1", {"properties": {"a": {"properties": {"b": {}}}, "c": {"type": "string"}}})
    assert [schema.declares(path) for path in ("a", "a.b", "c")] == [True] * 3
    assert [schema.declares(path) for path in ("b", "a.c", "c.d", "a.b.c")] == [False] * 4


def test_a_contract_lists_the_values_of_an_enumeration() -> None:
    schema = Schema("1", {"properties": {"a": {"properties": {"b": {"enum": ["x", "y"]}}}, "c": {"type": "string"}}})
    assert schema.values("a.b") == ["x", "y"]
    assert [schema.values(path) for path in ("a", "c", "d", "c.d")] == [None] * 4
