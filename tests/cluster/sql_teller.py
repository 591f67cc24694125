"""Requests of the workload in SQL through PgBouncer, and what comes back in the words of history.py.

Of the operations it knows transfer and read. One transfer in two is a call in a transaction of its own making,
whose rows count once the COMMIT has been answered without a warning.
"""

import asyncio
import os
import socket

import psycopg2

CONNECT_S = 5
# Not executed, says the server: the statement's transaction has been rolled back.
ROLLED_BACK = {"40", "42", "53", "54", "55", "TP"}
AT = "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
RESULT = f"{{epoch}}, transfer, {AT}, debit_balance, debit_version, credit_balances, credit_versions"
TRANSFER = f"select {RESULT} from tokpay.transfer(%s, %s::bigint[], %s::bigint[], %s)"
BATCH = f"""select code, account, balance, required, {RESULT} from tokpay.transfer_batch(array[
    row(%s, %s::bigint[], %s::bigint[], %s, null, null, null)]::tokpay.transfer_request[])"""
READ = "select {epoch}, account, version, balance, held from tokpay.balances(%s::bigint[])"


class SqlTeller:
    KINDS = {"transfer": 3, "read": 2, "read several": 2, "too much": 1}

    def __init__(self, uri, timeout_s, epoch):
        """epoch: the SQL that tells it."""
        self.uri, self.timeout_s, self.epoch = uri, timeout_s, epoch
        self.connection = None
        self.turn = 0

    async def perform(self, request):
        """The members of the call that tell what came back."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await asyncio.shield(asyncio.to_thread(self._perform, request))
        except TimeoutError:
            self._cut()
            return {"result": "unknown", "code": "no reply"}

    def _perform(self, request):
        try:
            if self.connection is None or self.connection.closed:
                self.connection = psycopg2.connect(self.uri, connect_timeout=CONNECT_S)
        except psycopg2.Error:
            return {"result": "failed", "code": "not sent"}
        connection = self.connection  # another one may be there by the time this one has failed
        try:
            return self._ask(connection, request)
        except psycopg2.Error as error:
            return judge(connection, error)

    def _ask(self, connection, request):
        self.turn += 1
        connection.notices.clear()
        connection.autocommit = request["do"] != "transfer" or self.turn % 2 == 0
        with connection.cursor() as cursor:
            answer = self._read(cursor, request) if request["do"] == "read" else self._transfer(cursor, request, connection.autocommit)
        if not connection.autocommit:
            connection.commit()
        if any("synchronous replication" in notice for notice in connection.notices):
            return {"result": "unknown", "code": "not replicated"}
        return answer

    def _transfer(self, cursor, request, batch):
        credits, amounts = zip(*request["legs"], strict=True)
        arguments = [request["debit"], [int(account) for account in credits], list(amounts), request["key"]]
        if not batch:
            cursor.execute(TRANSFER.format(epoch=self.epoch), arguments)
            return told(request, cursor.fetchone())
        cursor.execute(BATCH.format(epoch=self.epoch), arguments)
        code, account, balance, required, *result = cursor.fetchone()
        if code == "ok":
            return told(request, result)
        if code == "not_leader":
            return {"result": "failed", "code": code}
        shows = [[str(account), None, balance]] if balance is not None else []
        return {"result": "refused", "code": code, "epoch": result[0], "shows": shows, "required": required}

    def _read(self, cursor, request):
        cursor.execute(READ.format(epoch=self.epoch), [[int(account) for account in request["accounts"]]])
        rows = cursor.fetchall()
        shows = [[str(account), version, balance, held] for _, account, version, balance, held in rows]
        return {"result": "ok", "epoch": rows[0][0], "shows": shows}

    def _cut(self):
        """Lets the thread that waits for the server end."""
        if self.connection is not None and not self.connection.closed:
            with socket.socket(fileno=os.dup(self.connection.fileno())) as duplicate:
                duplicate.shutdown(socket.SHUT_RDWR)
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()


def judge(connection, error):
    """Whether the request was certainly rolled back; a connection in doubt is given up."""
    code = error.pgcode or ""
    if code[:2] not in ROLLED_BACK:
        connection.close()
        return {"result": "unknown", "code": code or "lost"}
    try:
        if not connection.autocommit:
            connection.rollback()
    except psycopg2.Error:
        connection.close()
    refused = code.startswith("TP") and code != "TP015"
    return {"result": "refused" if refused else "failed", "code": code}


def told(request, result):
    """result: the columns of RESULT."""
    epoch, transfer, at, debit_balance, debit_version, credit_balances, credit_versions = result
    credits = zip(request["legs"], credit_versions, credit_balances, strict=True)
    shows = [[request["debit"], debit_version, debit_balance], *([account, version, balance] for (account, _), version, balance in credits)]
    return {"result": "ok", "epoch": epoch, "transfer": str(transfer), "at": at, "shows": shows}
