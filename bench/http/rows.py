"""The rows of the table: each measures one property of the gateway.

A row is a generator of results. Where there is a baseline, the sides take turns (A B A B), and a ratio
is the median of the ratios of the rounds.
"""

import subprocess
from contextlib import contextmanager
from statistics import median

import memory
from instance import free_port
from measure import suite
from measure.checkout import Failure, say
from measure.driver import DRIVERS
from measure.result import Result, Series
from measure.turns import alone, compare, figures, take_turns, undisturbed

CLIENTS = 64  # connections
MANY_CLIENTS = 256
PIPELINE = 16
BATCH = 1_000  # accounts, or transfers, a request
BATCH_CLIENTS = 16  # as many batches as a gateway with one busy worker still queues
HELD_RATE = 5_000  # transfers/s beside the reads
# No route, and no credentials: an answer of the gateway that no database is asked for.
STATIC = {"path": "/nothing", "status": 404}
READ = {"connections": CLIENTS}
PIPELINED = {"connections": CLIENTS, "pipeline": PIPELINE}
WRITE = {"connections": CLIENTS}
WRITE_MANY = {"connections": MANY_CLIENTS}


def processes_note(told):
    """The CPU time of each process for a unit."""
    each = {
        name: median(one["cpu_us_per_unit"][process] for one in told)
        for name, process in {
            "gateway": "gateway",
            "PgBouncer": "pgbouncer",
            "PostgreSQL": "postgresql",
            "client": "client",
        }.items()
    }
    return ", ".join(f"{name} {value:.1f}" for name, value in each.items()) + " µs"


def cpu_result(told, what, **wanted):
    return Result(
        what=f"... CPU of gateway, PgBouncer and PostgreSQL per {what}",
        unit="µs",
        measured=figures(told, "server_cpu_us_per_unit"),
        note=processes_note(told),
        runs=told,
        **wanted,
    )


class Rows(suite.Rows):
    """Every row of the table."""

    def __init__(self, instance, size):
        self.instance = instance
        self.size = size

    # What the rows are made of

    def _reads(self, load, through=None, **options):
        """A side that only reads, through the gateway of the instance or another one."""
        through = through or self.instance.gateway
        return lambda: through.run_load(load, seconds=self.size.seconds, warm_up=self.size.warm_up, **options)

    def _writes(self, load, through=None, **options):
        """A side that moves money: right after a checkpoint, and with the sums checked."""
        run_load = self._reads(load, through, **options)

        def run():
            self.instance.execute("checkpoint")
            told = run_load()
            self.instance.check_sums()
            return told

        return run

    def _alone(self, name, side):
        return take_turns(self.size.rounds, {name: side})

    # Reads

    def row_balance(self):
        port = free_port(self.instance.ports["HTTP_PORT"] + 1)
        with canned_server(port) as pid:
            told = take_turns(
                self.size.rounds,
                {
                    "GET balance": self._reads("balance", **READ),
                    "static answer": self._reads("static", **READ, **STATIC),
                    "canned answer": self._reads("static", **READ, port=port, gateway=pid, pgbouncer=0),
                },
            )
        yield compare(
            *(told, "GET balance", "static answer"),
            what=f"GET balance, {CLIENTS} connections",
            unit="reads/s",
            at_least=70_000,
            aim=100_000,
        )
        yield compare(
            *(told, "GET balance", "static answer"),
            what="... beside a static answer of the gateway",
            unit="reads/s",
            judged="ratio",
            at_least=0.65,
            aim=0.9,
        )
        yield compare(
            *(told, "GET balance", "canned answer"),
            what="... beside an epoll loop that does nothing",
            unit="reads/s",
            judged="ratio",
        )
        yield cpu_result(told["GET balance"], "read", at_most=15, aim=10)

    def row_pipelined(self):
        told = self._alone("GET balance", self._reads("balance", **PIPELINED))
        yield alone(
            *(told, "GET balance"),
            what=f"GET balance, {PIPELINE} pipelined on each of {CLIENTS} connections",
            unit="reads/s",
            at_least=250_000,
            aim=450_000,
            note=processes_note(told["GET balance"]),
        )

    def row_balances(self):
        told = self._alone("balances:query", self._reads("balances", connections=BATCH_CLIENTS, batch=BATCH))
        yield alone(
            *(told, "balances:query"),
            what=f"balances:query of {BATCH:,}, {BATCH_CLIENTS} connections",
            unit="balances/s",
            at_least=300_000,
            aim=700_000,
            note=processes_note(told["balances:query"]),
        )

    # Money

    def row_transfer(self):
        few, many = f"{CLIENTS} connections", f"{MANY_CLIENTS} connections"
        told = take_turns(
            self.size.rounds,
            {few: self._writes("transfer", **WRITE), many: self._writes("transfer", **WRITE_MANY)},
        )
        for name, at_least, aim in ((few, 25_000, 45_000), (many, 30_000, 55_000)):
            what = f"POST transfer with a key, {name}"
            yield alone(told, name, what=what, unit="transfers/s", at_least=at_least, aim=aim)
            yield cpu_result(told[name], "transfer")

    def row_hot(self):
        to_one, uniform = "everybody pays one account", "uniform"
        told = take_turns(
            self.size.rounds,
            {
                to_one: self._writes("transfer", pattern="to-one", **WRITE),
                uniform: self._writes("transfer", **WRITE),
            },
        )
        yield compare(
            *(told, to_one, uniform),
            what=f"... {to_one}",
            unit="transfers/s",
            judged="ratio",
            at_least=0.9,
            aim=1.0,
        )

    def row_batch(self):
        told = self._alone("transfers:batch", self._writes("batch", connections=BATCH_CLIENTS, batch=BATCH))
        yield alone(
            *(told, "transfers:batch"),
            what=f"transfers:batch of {BATCH:,}, {BATCH_CLIENTS} connections",
            unit="transfers/s",
            at_least=80_000,
            aim=150_000,
            note=processes_note(told["transfers:batch"]),
        )

    # Both, and how long it takes

    def row_both(self):
        held = {"beside": "transfer", "beside_rate": HELD_RATE, "beside_connections": CLIENTS}
        told = self._alone("GET balance", self._writes("balance", **READ, **held))["GET balance"]
        beside = [one["beside"] for one in told]
        yield Result(
            what=f"GET balance beside {HELD_RATE:,} transfers/s, open loop",
            unit="reads/s",
            measured=figures(told, "rate"),
            at_least=50_000,
            aim=85_000,
            runs=told,
        )
        yield Result(
            what="... the transfers beside them",
            unit="transfers/s",
            measured=figures(beside, "rate"),
            at_least=0.98 * HELD_RATE,  # what comes at random spreads by a few in a thousand
            note=f"p99 {median(one['latency_us']['p99'] for one in beside) / 1000:.1f} ms",
        )

    def row_latency(self):
        for load, side, unit, at_most, aim in (
            ("balance", self._reads, "reads/s", 10, 2),
            ("transfer", self._writes, "transfers/s", 20, 6),
        ):
            peak = undisturbed(side(load, connections=CLIENTS))["rate"]
            say(f"{load}: the peak is {peak:,.0f}/s")
            port = free_port(self.instance.ports["HTTP_PORT"] + 1)
            options = {"connections": MANY_CLIENTS, "rate": peak / 2}
            with canned_server(port) as pid:
                canned = self._reads("static", **options, port=port, gateway=pid, pgbouncer=0)
                sides = take_turns(self.size.rounds, {load: side(load, **options), "canned answer": canned})
            told = sides[load]
            yield Result(
                what=f"p99 of {load} at half the peak, open loop",
                unit="ms",
                measured=Series([one["latency_us"]["p99"] / 1000 for one in told]),
                at_most=at_most,
                aim=aim,
                note=f"{median(one['rate'] for one in told):,.0f} of {peak:,.0f} {unit}; p50 "
                f"{median(one['latency_us']['p50'] for one in told) / 1000:.2g} ms, p99.9 "
                f"{median(one['latency_us']['p99.9'] for one in told) / 1000:.2g} ms; p99 of an epoll loop that does nothing "
                f"{median(one['latency_us']['p99'] for one in sides['canned answer']) / 1000:.2g} ms",
                runs=told,
            )

    # Without PgBouncer

    def row_straight(self):
        with self.instance.another_gateway(pooled=False) as straight:
            for side, load, what, unit, options in (
                (self._reads, "balance", f"GET balance, {CLIENTS} connections", "reads/s", READ),
                (self._reads, "balance", f"GET balance, {PIPELINE} pipelined", "reads/s", PIPELINED),
                (self._writes, "transfer", f"POST transfer, {CLIENTS} connections", "transfers/s", WRITE),
                (self._writes, "transfer", f"POST transfer, {MANY_CLIENTS} connections", "transfers/s", WRITE_MANY),
            ):
                told = take_turns(
                    self.size.rounds,
                    {"straight": side(load, straight, **options), "through PgBouncer": side(load, **options)},
                )
                yield compare(
                    *(told, "straight", "through PgBouncer"),
                    what=f"{what}, straight to PostgreSQL",
                    unit=unit,
                    judged="ratio",
                )

    # What it takes

    def row_memory(self):
        connections = self.size.idle_connections
        with self.instance.another_gateway(pooled=True) as gateway:
            idle = memory.with_idle_connections(gateway, connections)
        yield Result(
            what=f"memory of the gateway with {connections:,} idle connections",
            unit="MiB",
            measured=Series([idle.total_mib]),
            at_most=200,
            aim=100,
            note=f"{idle.before_mib:.1f} MiB before; each has been answered",
        )
        yield Result(
            what="... of each connection",
            unit="KiB",
            measured=Series([idle.each_kib]),
        )

    # The proof

    def row_books(self):
        say("verify()")
        faults = self.instance.execute("select check_name, detail from tokpay.verify() where not ok")
        ((transfers,),) = self.instance.execute("select count(*) from tokpay.journal")
        if faults:
            raise Failure(f"verify() finds: {faults}")
        yield Result(
            what="verify() after all of this",
            unit="faults",
            measured=Series([len(faults)]),
            at_most=0,
            note=f"{transfers:,} transfers",
        )


@contextmanager
def canned_server(port):
    """An epoll loop that answers everything with the same text; its pid."""
    server = subprocess.Popen([DRIVERS / "bench-canned", str(port)])
    try:
        yield server.pid
    finally:
        server.terminate()
        server.wait()
