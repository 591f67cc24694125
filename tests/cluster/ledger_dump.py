"""The lines of history.py that come out of the database. Every function takes query(sql): the rows of one column, as text."""

import json

# The incarnation, timeline and counter in which a row of the journal was committed.
EPOCH = "(select concat_ws('.', e.incarnation, e.timeline, e.counter) from tokpay.epoch e where e.id = j.epoch)"
ROWS = """
    select json_build_object('line', 'row', 'dump', {dump}, 'transfer', r.id::text, 'kind', r.kind, 'debit', r.debit::text,
        'key', r.key, 'hold', r.hold::text, 'epoch', {epoch},
        'entries', case when r.credit_versions is null then '[]'::json else (
            select json_agg(entry order by place) from (
                select 0 as place, json_build_array(r.debit::text, r.debit_version, -r.amount, r.debit_balance) as entry
                union all
                select leg, json_build_array(r.credits[leg]::text, r.credit_versions[leg], r.amounts[leg], r.credit_balances[leg])
                from generate_subscripts(r.credits, 1) as leg) as entries) end,
        'amount', r.amount, 'sees', case when r.credit_versions is null
            then json_build_array(json_build_array(r.debit::text, r.debit_version, r.debit_balance)) end)
    from tokpay.receipts r join tokpay.journal j on j.id = r.id
    where r.debit = any('{accounts}') or r.credits && '{accounts}' order by r.id"""
# Everything that replicas have to agree on.
DIGEST = """
    select md5(concat(
        (select md5(string_agg(t::text, ' ' order by id)) from tokpay.journal t),
        (select md5(string_agg(t::text, ' ' order by id)) from tokpay.account_state t),
        (select md5(string_agg(t::text, ' ' order by account)) from tokpay.account_info t),
        (select md5(string_agg(t::text, ' ' order by hold)) from tokpay.pending_hold t),
        (select md5(string_agg(t::text, ' ' order by account, version)) from tokpay.waypoint t)))"""
FAULTS = "select check_name || ': ' || detail from tokpay.verify() where not ok"


def has_epochs(query):
    """Whether the books know epochs; those of a single server do not."""
    return query("select to_regclass('tokpay.epoch') is not null") in (["t"], ["true"])  # of psql, or as text


def setup_line(query, seed, accounts):
    """accounts: ids of the run's, and of the account that has funded them; they are quiet."""
    rows = query(
        f"""select json_build_array(id::text, version, balance, min_balance) from tokpay.accounts where id = any('{array(accounts)}')"""
    )
    states = {account: state for account, *state in map(json.loads, rows)}
    return {"line": "setup", "seed": seed, "accounts": states}


def row_lines(query, dump, accounts):
    """The transfers of these accounts."""
    epoch = EPOCH if has_epochs(query) else "null"
    return [json.loads(row) for row in query(ROWS.format(dump=dump, epoch=epoch, accounts=array(accounts)))]


def node_line(query, node, position):
    return {"line": "node", "node": node, "position": position, "digest": query(DIGEST)[0], "faults": query(FAULTS)}


def array(accounts):
    return "{" + ",".join(accounts) + "}"
