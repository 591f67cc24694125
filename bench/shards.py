#!/usr/bin/python3
"""Two shards on paper, tried: what a transfer costs within a shard and from one to the other (CAPACITY.md, "Past one primary").

    bench/shards.py URL         of a superuser on a server that has the extension; it makes two databases there, and drops them

A shard is a database with the ledger, whose ids are its number modulo the number of shards. A transfer to another shard is a hold for
one of that shard's settlement accounts, a credit there, and a capture. Each has a key, so whoever finds the hold can finish it. One settlement
account would be a hot one, which every call locks until its commit: there are LANES of them, and the payer's id picks one.
"""

import statistics
import sys
import threading
import time
import uuid

import psycopg2
from psycopg2.extras import Json

ACCOUNTS, FUNDS = 1000, 1_000_000
SECONDS, CLIENTS, ROUNDS, LANES = 3, 8, 3, 16


def prepare(cursor, number, count, accounts=ACCOUNTS):
    """Makes an empty ledger a shard; the ids of its accounts."""
    cursor.execute(f"alter sequence tokpay.account_id_seq restart with {number + count} increment by {count}")
    cursor.execute(f"alter sequence tokpay.transfer_id_seq restart with {number + count} increment by {count}")
    for name in [f"settlement/{other}/{lane}" for other in range(count) for lane in range(LANES)]:
        cursor.execute("select tokpay.open_account(%s, min_balance => null)", [name])
    cursor.execute("select array_agg(tokpay.open_account()) from generate_series(1, %s)", [accounts])
    ids = cursor.fetchone()[0]
    cursor.execute("select t.transfer from tokpay.currencies c, tokpay.transfer(c.funding, %s::bigint[], %s) t where c.code = 'USD'", [ids, [FUNDS] * accounts])
    return ids


class Teller:
    """Pays between shards. One connection to each, in autocommit mode: every call is a commit."""

    def __init__(self, connections, lanes=LANES):
        self.lanes = lanes
        self.cursors = [connection.cursor() for connection in connections]
        self.settlement = []  # by name, of each shard
        for cursor in self.cursors:
            cursor.execute("select name, id from tokpay.accounts where name like 'settlement/%'")
            self.settlement.append(dict(cursor.fetchall()))

    def call(self, shard, statement, *parameters):
        self.cursors[shard].execute(statement, parameters)
        return self.cursors[shard].fetchone()[0]

    def shard(self, account):
        return account % len(self.cursors)

    def pay(self, payer, payee, amount, key):
        home, away = self.shard(payer), self.shard(payee)
        if home == away:
            self.call(home, "select transfer from tokpay.transfer(%s, array[%s], array[%s::bigint], %s)", payer, payee, amount, key)
            return
        lane = payer // len(self.cursors) % self.lanes
        hold = self.call(home, "select transfer from tokpay.hold(%s, array[%s], array[%s::bigint], %s, expires_in => null, metadata => %s)",
            payer, self.settlement[home][f"settlement/{away}/{lane}"], amount, key, Json({"payee": str(payee), "lane": lane}))  # fmt: skip
        self.finish(home, hold, payee, amount, lane)

    def finish(self, home, hold, payee, amount, lane):
        """Credits what is held, and captures it. Where it has been done before nothing happens: the credit's key is the hold's."""
        away = self.shard(payee)
        self.call(away, "select transfer from tokpay.transfer(%s, array[%s], array[%s::bigint], %s)",
            self.settlement[away][f"settlement/{home}/{lane}"], payee, amount, f"{home}/{hold}")  # fmt: skip
        self.call(home, "select transfer from tokpay.capture(%s, key => %s)", hold, f"capture/{hold}")

    def finish_all(self):
        """Finishes what others have left; how many that were."""
        left = []
        for home, cursor in enumerate(self.cursors):
            cursor.execute("select h.id, t.metadata, h.amount from tokpay.holds h join tokpay.transfers t using (id)")
            left += [(home, hold, int(told["payee"]), amount, told["lane"]) for hold, told, amount in cursor]
        for one in left:
            self.finish(*one)
        return len(left)

    def faults(self):
        """What is wrong with the books, and with the sums over all shards: people have what came in, and nothing is on its way."""
        wrong, people, funding, settled = [], 0, 0, 0
        for shard, cursor in enumerate(self.cursors):
            cursor.execute("select check_name, detail from tokpay.verify() where not ok")
            wrong += cursor.fetchall()
            people += self.call(shard, "select sum(balance)::bigint from tokpay.accounts where name is null")
            funding += self.call(shard, "select balance from tokpay.accounts where name = 'funding/USD'")
            settled += self.call(shard, "select sum(balance)::bigint from tokpay.accounts where name like 'settlement/%%'")
        return wrong + ([] if people == -funding and settled == 0 else [(people, funding, settled)])


def connect(url, names):
    connections = [psycopg2.connect(url, dbname=name) for name in names]
    for connection in connections:
        connection.autocommit = True
    return connections


def rate(url, names, lanes, pair):
    """Transfers a second of so many clients; pair(client, turn) is who pays whom."""
    done, ends = [0] * CLIENTS, time.monotonic() + SECONDS

    def work(client):
        teller = Teller(connect(url, names), lanes)
        while time.monotonic() < ends:
            teller.pay(*pair(client, done[client]), 1, uuid.uuid4().hex)
            done[client] += 1

    threads = [threading.Thread(target=work, args=[client]) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / SECONDS


def measure(url, names, ids):
    """Rates within a shard, across, and across with one settlement account for all; medians of turns."""
    def pair(client, turn, across):
        home, place = client % 2, (client * ACCOUNTS // CLIENTS + turn) % ACCOUNTS
        return ids[home][place], ids[1 - home if across else home][(place + 1) % ACCOUNTS]

    turns = [(LANES, False), (LANES, True), (1, True)]
    rates = [[rate(url, names, lanes, lambda client, turn: pair(client, turn, across)) for lanes, across in turns] for _ in range(ROUNDS)]
    return [statistics.median(one) for one in zip(*rates)]


def main(url):
    server, = connect(url, ["postgres"])
    names = [f"tokpay_shard_{number}" for number in range(2)]
    try:
        for name in names:
            server.cursor().execute(f"create database {name}")
        connections = connect(url, names)
        ids = []
        for number, connection in enumerate(connections):
            connection.cursor().execute("create extension tokpay")
            ids.append(prepare(connection.cursor(), number, len(names)))
        near, far, hot = measure(url, names, ids)
        print(f"within a shard {near:,.0f}/s; across {far:,.0f}/s, 1 / {near / far:.1f}; with one settlement account {hot:,.0f}/s, 1 / {near / hot:.1f}")
        print("faults:", Teller(connections).faults())
    finally:
        for name in names:
            server.cursor().execute(f"drop database if exists {name} with (force)")


if __name__ == "__main__":
    main(*sys.argv[1:])
