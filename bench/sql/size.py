"""How large and how long everything is: BENCH=full, the default, or BENCH=quick."""

import os
from dataclasses import dataclass, fields

from server import Failure


@dataclass
class Size:
    """BENCH_ACCOUNTS and the like, one for each field, change a single figure."""

    accounts: int = 1_000_000
    seconds: float = 10  # a measurement of reads and of single transfers
    rounds: int = 5  # of subject and baseline in turn
    minute: float = 60  # a measurement of batches, with a checkpoint in it
    minute_rounds: int = 3
    warm_up: float = 3
    updates: int = 1_000_000  # of accounts, right before reading
    after_updates: float = 3  # a measurement of reads after them
    small_accounts: int = 100_000  # of the books that the large ones are compared with
    large_accounts: int = 10_000_000
    large_transfers: int = 20_000_000
    memory: float = 60  # batches of 10,000 in one backend
    memory_batches: int = 100  # and in one whose memory contexts are read
    storage_transfers: int = 1_000_000  # twice as many are made


QUICK = Size(
    accounts=100_000,
    seconds=3,
    rounds=2,
    minute=10,
    minute_rounds=1,
    warm_up=1,
    updates=100_000,
    after_updates=1,
    large_accounts=500_000,
    large_transfers=500_000,
    memory=10,
    memory_batches=10,
    storage_transfers=100_000,
)


def size_of_environment():
    """The name of the size, with a + where single figures were changed, and the size."""
    name = os.environ.get("BENCH", "full")
    if name not in ("full", "quick"):
        raise Failure(f"BENCH={name}: it is quick or full")
    size = QUICK if name == "quick" else Size()
    changed = ""
    for field in fields(Size):
        value = os.environ.get(f"BENCH_{field.name.upper()}")
        if value is not None:
            changed = "+"
            try:
                setattr(size, field.name, field.type(value))
            except ValueError:
                raise Failure(f"BENCH_{field.name.upper()}={value}: not a number") from None
    return name + changed, size
