"""What a row of the table works with."""

from dataclasses import dataclass, field

from cluster import MACHINES


@dataclass
class Scene:
    """What a row works with: the cluster, its clients, and the roles when the row began."""

    cluster: object
    load: object
    chance: object
    roles: object
    epoch: tuple
    timeline: int
    notes: dict = field(default_factory=dict)

    @property
    def others(self):
        return [machine for machine in MACHINES if machine != self.roles.leader]


def the_leader(scene):
    return scene.roles.leader


def the_sync(scene):
    return scene.roles.sync


def the_third(scene):
    return scene.roles.third
