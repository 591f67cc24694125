"""Memory: a backend's is flat over 100,000 calls, and the largest batches fit into 64 MiB."""

import pathlib
import threading

import pytest

MIB = 1 << 20
GROWTH = 256 * 1024  # what allocators and caches may move by; 80,000 calls that leak 4 bytes each exceed it
# Statements of one round and how many calls each makes; {n} tells the rounds apart.
TRANSFER = """select count(*) from generate_series(1, 100) i,
    tokpay.transfer({a}, array[{b}, {b}], array[1, 1]::bigint[], 'k{n}/' || i, 'text', '{{"a": [1, 2]}}')"""
ROUND = [
    (1000, "select count(tokpay.balance({a} + i % 2)) from generate_series(1, 1000) i"),
    (400, "select count(*) from generate_series(1, 400) i, tokpay.balances(array[{a}, {b}, -i])"),
    (100, TRANSFER),
    (100, TRANSFER),  # replays
    (100, """select count(*) from generate_series(1, 100) i, tokpay.transfer_batch(array[
        row({a}, array[{b}], array[1], 'b{n}/' || i, null, null, null), row({b}, array[{a}], array[1], null, null, null, 1),
        row({a}, array[{b}], array[1000000000000], null, null, null, null),
        row({a}, array[{b}], null, null, null, null, null)]::tokpay.transfer_request[])"""),
    (200, """select count(*) from generate_series(1, 100) i,
        tokpay.hold({a}, array[{b}], array[2]::bigint[], description => i::text) h, tokpay.void(h.transfer) v"""),
    (300, """select count(*) from generate_series(1, 100) i,
        tokpay.hold({a}, array[{b}], array[2]::bigint[], expires_in => null, description => i::text) h,
        tokpay.capture(h.transfer, array[1]::bigint[]) c, tokpay.reverse(c.transfer) r"""),
    (100, "select count(*) from generate_series(1, 100) i, tokpay.history({a}, null, 1 + i % 3)"),
    (100, """do $$ begin
        for i in 1..100 loop
            begin
                perform tokpay.transfer({a}, array[{b}], array[1000000000000]);
            exception when sqlstate 'TP010' then null;
            end;
        end loop;
    end $$"""),
]  # fmt: skip
CALLS_PER_ROUND = sum(calls for calls, _ in ROUND)


class Backend:
    def __init__(self, database):
        self.cursor = database.connect().cursor()
        self.pid = self.cursor.connection.info.backend_pid
        self.payer, self.payee = (self.value("select tokpay.open_account()") for _ in range(2))
        self.value("select (tokpay.top_up(%s, 100000000)).transfer", [self.payer])

    def value(self, statement, parameters=None):
        self.cursor.execute(statement, parameters)
        return self.cursor.fetchone()[0]

    def contexts(self):
        return int(self.value("select sum(total_bytes) from pg_backend_memory_contexts"))

    def private(self, what="RssAnon"):
        """Bytes by /proc, None where the backend is somebody else's."""
        try:
            lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        except OSError:
            return None
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))

    def calls(self, first, last):
        for n in range(first // CALLS_PER_ROUND, last // CALLS_PER_ROUND):
            for _, statement in ROUND:
                self.cursor.execute(statement.format(a=self.payer, b=self.payee, n=n))


def test_a_backend_does_not_grow_from_call_20_000_to_100_000(database):
    backend = Backend(database)
    backend.calls(0, 20_000)
    contexts, private = backend.contexts(), backend.private()
    backend.calls(20_000, 100_000)
    assert backend.contexts() - contexts < GROWTH
    if private is not None:
        assert backend.private() - private < 4 * GROWTH  # malloc's own holes as well
    assert database.faults() == []


class Peak(threading.Thread):
    """By how much a backend's own memory grows at most while the block runs, looked at every few milliseconds."""

    def __init__(self, backend):
        super().__init__(daemon=True)
        self.backend = backend
        self.before = backend.private() or pytest.skip("there is no /proc to look at")
        self.bytes = 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.002):
            self.bytes = max(self.bytes, self.backend.private() - self.before)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


@pytest.mark.parametrize("requests, credits", [(10_000, 1), (10_000, 10), (10, 10_000)])
def test_the_largest_batches_fit_into_64_mib(database, requests, credits):
    backend = Backend(database)
    backend.value("select count(tokpay.open_account()) from generate_series(1, 100)")
    largest = """select count(*) filter (where o.code = 'ok') from tokpay.transfer_batch(array(
        select row(%s, array(select %s + 1 + (n + i) %% 100 from generate_series(1, %s) i), array_fill(1::bigint, array[%s]),
            'key ' || n || md5(n::text), null, null, null)::tokpay.transfer_request from generate_series(1, %s) n)) o"""
    backend.value("select count(*) from tokpay.transfer_batch(array[row(%s, array[%s], array[1], 'k', null, null, null)]::tokpay.transfer_request[])", [backend.payer, backend.payee])
    with Peak(backend) as peak:
        assert backend.value(largest, [backend.payer, backend.payee, credits, credits, requests]) == requests
    assert peak.bytes < 64 * MIB
    assert database.faults() == []
