"""A kind of resource that lives in a dictionary, for what holds of every kind; the type of the `stub` fixture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from botocore.stub import Stubber

from clickstream.provisioning.resource import Cloud, Difference, Resource, Settings

Stub = Callable[[str], tuple[Cloud, Stubber]]


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


@dataclass
class World:
    """What lives, what was done to it, and before which deed the process is killed."""

    living: dict[str, dict[str, object]] = field(default_factory=dict)
    deeds: list[str] = field(default_factory=list)
    killed_before: str | None = None

    def do(self, deed: str) -> None:
        if deed == self.killed_before:
            raise Killed(deed)
        self.deeds.append(deed)


@dataclass(frozen=True)
class Remembered(Resource):
    world: World
    title: str
    wanted: Settings
    fixed: tuple[str, ...] = ()

    kind = "remembered"

    @property
    def name(self) -> str:
        return self.title

    def desired(self) -> Settings:
        return self.wanted

    def live(self) -> Settings | None:
        return self.world.living.get(self.title)  # type: ignore[return-value]

    def needs_replacement(self, difference: Difference) -> bool:
        return difference.field in self.fixed

    def create(self) -> None:
        self.world.do(f"create {self.title}")
        self.world.living[self.title] = dict(self.wanted)

    def is_dearer(self, difference: Difference) -> bool:
        return difference.grows

    def delete(self) -> None:
        self.world.do(f"delete {self.title}")
        del self.world.living[self.title]

    def update(self, differences: Sequence[Difference]) -> None:
        self.world.do(f"update {self.title}")
        self.world.living[self.title] = dict(self.wanted)
