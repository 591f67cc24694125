"""A session of PostgreSQL that can be left waiting for a lock, for tests of who waits for whom."""

import threading
import time

import psycopg2

TRANSFER = "select transfer, debit_balance, debit_version, replayed from tokpay.transfer(%s, %s::bigint[], %s::bigint[], %s)"
SNAPSHOT_LEVELS = ["REPEATABLE READ", "SERIALIZABLE"]


class Session:
    """A connection whose statements can be left waiting."""

    def __init__(self, database, isolation="READ COMMITTED"):
        self.database = database
        self.connection = database.connect(autocommit=False)
        self.connection.set_session(isolation_level=isolation)
        self.pid = self.connection.info.backend_pid
        self.thread = None

    def run(self, statement, parameters=None):
        """The first row, or the SQLSTATE."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchone() if cursor.description else None
        except psycopg2.Error as error:
            self.connection.rollback()
            return error.pgcode

    def transfer(self, debit, credits, amounts, key=None):
        return self.run(TRANSFER, (debit, credits, amounts, key))

    def start(self, *call):
        """Runs a method in the background and returns once it waits for a lock."""
        method, *arguments = call
        self.result = None

        def work():
            self.result = method(*arguments)

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()
        until = time.monotonic() + 10
        query = "select wait_event_type from pg_stat_activity where pid = %s"
        while self.database.execute(query, [self.pid]) != [("Lock",)]:
            assert self.thread.is_alive(), f"did not wait, answered {self.result}"
            assert time.monotonic() < until, "neither waits nor answers"
            time.sleep(0.01)

    def answer(self):
        self.thread.join(timeout=10)
        assert not self.thread.is_alive(), "still waiting"
        return self.result

    def commit(self):
        self.connection.commit()

    def rollback(self):
        self.connection.rollback()
