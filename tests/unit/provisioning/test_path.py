import pkgutil
from importlib import import_module
from inspect import getmembers, isabstract, isclass

from clickstream import provisioning
from clickstream.provisioning.path import KINDS, path_of
from clickstream.provisioning.resource import Cloud, Resource
from clickstream.sources.model import Source


def test_holds_every_kind_of_the_package_once() -> None:
    modules = [
        import_module(f"{provisioning.__name__}.{found.name}") for found in pkgutil.iter_modules(provisioning.__path__)
    ]
    kinds = {
        member
        for module in modules
        for _, member in getmembers(module, isclass)
        if issubclass(member, Resource) and not isabstract(member) and hasattr(member, "kind")
    }
    assert kinds == set(KINDS)


def test_a_path_has_one_of_each_kind(source: Source, cloud: Cloud) -> None:
    kinds = _kinds(source, cloud)
    assert len({*kinds}) == len(kinds)


def _kinds(source: Source, cloud: Cloud) -> list[str]:
    return [resource.kind for resource in path_of(source, cloud)]


def test_each_resource_comes_after_what_it_needs(source: Source, cloud: Cloud) -> None:
    order = _kinds(source, cloud)
    for needed, needing in [
        ("stream", "delivery"),
        ("delivery_log", "delivery"),
        ("job_code", "job"),
        ("job_code", "gold_job"),
        ("job_code", "maintenance_job"),
    ]:
        assert order.index(needed) < order.index(needing)


def test_what_is_desired_is_known_without_a_call(source: Source, cloud: Cloud) -> None:
    for resource in path_of(source, cloud):
        assert resource.desired() == resource.desired()
        assert resource.name


def test_a_source_without_a_stream_has_all_else(source: Source, cloud: Cloud) -> None:
    put_directly = _kinds(source.model_copy(update={"stream": None}), cloud)
    assert {*_kinds(source, cloud)} - {*put_directly} == {"stream"}


def test_a_source_without_gold_has_none(source: Source, cloud: Cloud) -> None:
    bare = _kinds(source.model_copy(update={"gold": None}), cloud)
    assert {*_kinds(source, cloud)} - {*bare} == {"gold_daily", "gold_sessions", "gold_job"}
