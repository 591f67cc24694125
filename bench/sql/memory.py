"""The memory of a backend that works on large batches.

What is counted is RssAnon of /proc/PID/status: pages of its own, among them all that palloc takes.
Private_* of smaps_rollup would count pages of shared_buffers that no other process has touched yet.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from statistics import median

from measure.driver import finish_load

BATCH = 10_000
POLL_S = 0.001  # a batch takes some hundred times as long
CONNECT_TIMEOUT_S = 30
MIB = 1024 * 1024


@dataclass
class Private:
    idle: float  # MiB each
    peak: float
    growth: float
    batches: int


def rss_anon(pid):
    """In MiB; None where the process has ended."""
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def of_backend(database, seconds):
    """Batch after batch in one backend, its memory read a thousand times a second."""
    idle = idle_backend(database)
    driver = database.start_load("transfer-batch", batch=BATCH, seconds=seconds, warm_up=0)
    samples = []
    pid = wait_for_backend(database, driver)
    while pid and (sample := rss_anon(pid)) is not None:
        samples.append(sample)
        time.sleep(POLL_S)
    told = finish_load(driver)
    # The first third fills caches. A leak shifts the median, which does not depend on luck as peaks do.
    third = len(samples) // 3
    growth = median(samples[-third:]) - median(samples[third:-third])
    return Private(idle=idle, peak=max(samples), growth=growth, batches=told["calls"])


def idle_backend(database):
    with closing(database.server.connect(database.name)) as connection:
        return rss_anon(connection.info.backend_pid)


def wait_for_backend(database, driver):
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while driver.poll() is None and time.monotonic() < deadline:
        rows = database.execute("select pid from pg_stat_activity where application_name = 'bench load'")
        if rows:
            return rows[0][0]
    return None


def of_contexts(database, batches):
    """By how many MiB the memory contexts of a backend grow over so many batches."""
    population = database.population
    batch = """
        select count(*) filter (where code = 'ok') from tokpay.transfer_batch(array(
            select row(%s + place, array[%s + place], array[1], gen_random_uuid()::text, null, null,
                null)::tokpay.transfer_request
            from generate_series(0, %s) as place))"""
    total = "select sum(total_bytes)::bigint from pg_backend_memory_contexts"
    middle = population.first_account + population.accounts // 2
    with closing(database.server.connect(database.name)) as connection, connection.cursor() as cursor:

        def run(statement, *parameters):
            cursor.execute(statement, parameters)
            return cursor.fetchone()[0]

        def run_batches(count):
            for _ in range(count):
                assert run(batch, population.first_account, middle, BATCH - 1) == BATCH

        run(total)
        run_batches(2)  # caches are filled once
        before = run(total)
        run_batches(batches)
        return (run(total) - before) / MIB
