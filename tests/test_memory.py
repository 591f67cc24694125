"""Memory: a backend's is flat over 100,000 calls, and the largest batches fit into 64 MiB."""

import pathlib
import resource

import pytest

MIB = 1 << 20
GROWTH = 256 * 1024  # what allocators and caches may move by; 80,000 calls that leak 4 bytes each exceed it
# One round: what each call is counted as stands in CALLS_PER_ROUND.
CALLS_PER_ROUND = 12
ROUNDS = """
    do $do$
    declare
        a bigint := {payer}; b bigint := {payee}; r tokpay.transfer_result;
    begin
        for i in {first}..{last} loop
            perform tokpay.balance(a);
            perform count(*) from tokpay.balances(array[a, b, 0]);
            perform tokpay.transfer(a, array[b, b], array[1, 1]::bigint[], 'k' || i, 'text', '{{"a": [1, 2]}}');
            r := tokpay.transfer(a, array[b, b], array[1, 1]::bigint[], 'k' || i, 'text', '{{"a": [1, 2]}}');
            perform tokpay.reverse(r.transfer);
            perform count(*) from tokpay.transfer_batch(array[
                row(a, array[b], array[1], 'b' || i, null, null, null), row(b, array[a], array[1], null, null, null, 1),
                row(a, array[b], array[1000000000000], null, null, null, null), row(a, array[b], null, null, null, null, null)]::tokpay.transfer_request[]);
            r := tokpay.hold(a, array[b], array[2]::bigint[]);
            perform tokpay.capture(r.transfer, array[1]::bigint[]);
            r := tokpay.hold(a, array[b], array[2]::bigint[], expires_in => null);
            perform tokpay.void(r.transfer);
            perform count(*) from tokpay.history(a, null, 3);
            begin
                perform tokpay.transfer(a, array[b], array[1000000000000]);
            exception when sqlstate 'TP010' then null;
            end;
        end loop;
    end $do$"""


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

    def rounds(self, first, last, step):
        for start in range(first, last, step):
            self.cursor.execute(ROUNDS.format(payer=self.payer, payee=self.payee, first=start, last=start + step - 1))


def test_a_backend_does_not_grow_from_call_20_000_to_100_000(database):
    backend = Backend(database)
    backend.rounds(0, 20_000 // CALLS_PER_ROUND, 100)
    contexts, private = backend.contexts(), backend.private()
    backend.rounds(20_000 // CALLS_PER_ROUND // 100 * 100 + 100, 100_000 // CALLS_PER_ROUND + 200, 100)
    assert backend.contexts() - contexts < GROWTH
    if private is not None:
        assert backend.private() - private < 4 * GROWTH  # malloc's own holes as well
    assert database.faults() == []


@pytest.mark.parametrize("requests, credits", [(10_000, 1), (10_000, 10), (10, 10_000)])
def test_the_largest_batches_fit_into_64_mib(database, requests, credits):
    backend = Backend(database)
    backend.value("select count(tokpay.open_account()) from generate_series(1, 100)")
    largest = """select count(*) filter (where o.code = 'ok') from tokpay.transfer_batch(array(
        select row(%s, array(select %s + 1 + (n + i) %% 100 from generate_series(1, %s) i), array_fill(1::bigint, array[%s]),
            'key ' || n || md5(n::text), null, null, null)::tokpay.transfer_request from generate_series(1, %s) n)) o"""
    backend.value("select count(*) from tokpay.transfer_batch(array[row(%s, array[%s], array[1], 'k', null, null, null)]::tokpay.transfer_request[])", [backend.payer, backend.payee])
    limit = backend.private("VmData") + 64 * MIB
    try:
        resource.prlimit(backend.pid, resource.RLIMIT_DATA, (limit, limit))
    except PermissionError:
        pytest.skip("the backend is somebody else's")
    assert backend.value(largest, [backend.payer, backend.payee, credits, credits, requests]) == requests
    assert database.faults() == []
