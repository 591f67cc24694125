"""Books as version 0.1.0 left them: its functions are gone, so the rows are made by this version and copied."""

import io

COLUMNS = {
    "currency": "code, exponent, seeded",
    "account_info": "account, name, owner, metadata, opened_at",
    "account_state": "id, balance, held, version, last_transfer, last_at, min_balance, max_balance, status, currency",
    "journal": "id, at, debit, amount, debit_balance, debit_version, debit_previous, kind, legs, key, description, metadata",
    "api_key": "id, name, digest, scopes, accounts, created_at, expires_at, last_used_at, revoked_at",
}
REQUEST = "select * from tokpay.transfer(%s, array[%s]::bigint[], array[7]::bigint[], 'old key', 'text', '{\"a\": 1}')"


def install_0_1_0(database):
    database.execute("drop extension tokpay")
    database.execute("create extension tokpay version '0.1.0'")


def copy_rows(source, target):
    for table, columns in COLUMNS.items():
        rows = io.StringIO()
        condition = " where not seeded" if table == "currency" else ""
        source.connect().cursor().copy_expert(f"copy (select {columns} from tokpay.{table}{condition}) to stdout", rows)
        rows.seek(0)
        target.connect().cursor().copy_expert(f"copy tokpay.{table} ({columns}) from stdin", rows)
    for sequence in ("account_id_seq", "transfer_id_seq", "api_key_id_seq"):
        at = source.execute(f"select last_value, is_called from tokpay.{sequence}")[0]
        target.execute(f"select setval('tokpay.{sequence}', %s, %s)", at)


class OldBooks:
    """A database at 0.1.0 with transfers of its kinds, and one of this version with the same."""

    def __init__(self, new_database):
        self.now, self.old = new_database(), new_database()
        self.now.execute("select tokpay.add_currency('GOLD', 4::smallint)")
        self.accounts = [self.now.execute("select tokpay.open_account(%s)", [name])[0][0] for name in ("payer", "payee")]
        payer, payee = self.accounts
        self.now.execute("select tokpay.top_up(%s, 100000, 'first money')", [payer])
        self.reply = self.now.execute(REQUEST, self.accounts)[0]
        self.now.execute("select tokpay.transfer(%s, array[%s, tokpay.account_id('funding/USD'), %s], array[1, 2, 3]::bigint[]) from generate_series(1, 140)", [payer, payee, payee])
        self.now.execute("select tokpay.create_api_key('shop', '{read}', array[%s])", [payer])
        assert self.now.faults() == []
        install_0_1_0(self.old)
        copy_rows(self.now, self.old)

    def check_replay(self, database):
        assert database.execute(REQUEST, self.accounts)[0] == (*self.reply[:-1], True)
