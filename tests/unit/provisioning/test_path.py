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
    assert len({kind.kind for kind in KINDS}) == len(KINDS)


def test_each_resource_comes_after_what_it_needs(source: Source, cloud: Cloud) -> None:
    order = [resource.kind for resource in path_of(source, cloud)]
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
    put_directly = {resource.kind for resource in path_of(source.model_copy(update={"stream": None}), cloud)}
    assert {kind.kind for kind in KINDS} - put_directly == {"stream"}


def test_a_source_without_gold_has_none(source: Source, cloud: Cloud) -> None:
    bare = {resource.kind for resource in path_of(source.model_copy(update={"gold": None}), cloud)}
    assert {kind.kind for kind in KINDS} - bare == {"gold_daily", "gold_sessions", "gold_job"}
