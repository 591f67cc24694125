"""How large and how long everything is: BENCH=full, the default, or BENCH=quick."""

import os
from dataclasses import fields, replace

from measure.checkout import Failure


def size_of_environment(full, quick):
    """The name of the size, with a + where single figures were changed, and the size, a dataclass of numbers.

    BENCH_ACCOUNTS and the like, one for each field, change a single figure.
    """
    name = os.environ.get("BENCH", "full")
    if name not in ("full", "quick"):
        raise Failure(f"BENCH={name}: it is quick or full")
    size = quick if name == "quick" else full
    changed = {}
    for field in fields(size):
        value = os.environ.get(f"BENCH_{field.name.upper()}")
        if value is not None:
            try:
                changed[field.name] = field.type(value)
            except ValueError:
                raise Failure(f"BENCH_{field.name.upper()}={value}: not a number") from None
    return name + ("+" if changed else ""), replace(size, **changed)
