"""How large and how long everything is, full and quick."""

from dataclasses import dataclass


@dataclass
class Size:
    accounts: int = 1_000_000
    seconds: float = 10  # a measurement of reads and of single transfers
    rounds: int = 3  # of subject and baseline in turn
    minute: float = 60  # a measurement of batches, with a checkpoint in it
    minute_rounds: int = 2
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
