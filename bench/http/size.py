"""How large and how long everything is, full and quick."""

from dataclasses import dataclass


@dataclass
class Size:
    accounts: int = 1_000_000
    seconds: float = 8  # a measurement
    warm_up: float = 3
    rounds: int = 2  # of the sides of a row in turn
    idle_connections: int = 10_000


QUICK = Size(accounts=100_000, seconds=1.5, warm_up=0.5, rounds=1)
