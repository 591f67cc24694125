"""What a transfer leaves behind: bytes in each relation, WAL, and the CPU time it took."""

from measure.result import Result, Series

SIZES = """
    select n.nspname || '.' || c.relname,
        pg_relation_size(c.oid) + coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %s and c.relkind in ('r', 'i', 'S')"""


def per_transfer(database, load, transfers, **options):
    """Results of so many transfers right after a checkpoint, when every page is logged whole once, and
    of as many after them: one for each relation that grew, and what all of it took."""
    schema = "tokpay" if load == "transfer-batch" else "bench"
    before = dict(database.execute(SIZES, [schema]))
    calls = transfers // options["batch"]
    first, second = (database.run_load(load, calls=calls, **options) for _ in range(2))
    sizes = dict(database.execute(SIZES, [schema]))
    done = first["units"] + second["units"]
    growth = {name: (size - before.get(name, 0)) / done for name, size in sizes.items()}

    def result(what, unit, value):
        return Result(what=f"{load}: {what}", unit=unit, measured=Series([value]), runs=[first, second])

    for name, size in sorted(growth.items(), key=lambda item: -item[1]):
        if size > 0:
            yield result(f"{name} on disk", "bytes/transfer", size)
    yield result("all on disk", "bytes/transfer", sum(growth.values()))
    after = f"WAL of the first {calls * options['batch']:,} after a checkpoint"
    yield result(after, "bytes/transfer", first["wal_bytes_per_unit"])
    yield result("WAL of as many after them", "bytes/transfer", second["wal_bytes_per_unit"])
    yield result("CPU of the server", "µs/transfer", second["server_cpu_us_per_unit"])
    yield result("CPU of the client", "µs/transfer", second["client_cpu_us_per_unit"])
