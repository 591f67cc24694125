#!/usr/bin/python3
"""Writes sql.md, the SQL reference, from the catalog's comments: sql_reference.py URL of a superuser on a server that
has the extension installed. It makes a database there, and drops it."""

import re
import sys
import textwrap
from pathlib import Path

import psycopg2

DOCS = Path(__file__).resolve().parent
FILE = DOCS / "sql.md"
ROLES = ["tokpay_reader", "tokpay_teller", "tokpay_funder", "tokpay_admin"]
GATEWAY, INTERNAL, ERRORS = "for the gateway: ", "internal: ", "; errors: "

HEAD = """\
# SQL reference

Made by `make docs` from the catalog's comments; do not edit. Everything is in the schema `tokpay`. Amounts and balances
are `bigint` in minor units of the currency. [concepts.md](concepts.md) explains the words.

A role may do what the roles before it may: `tokpay_reader`, `tokpay_teller`, `tokpay_funder`, `tokpay_admin`. None of them
touches a table, and PUBLIC may do nothing. A volatile function may write; a stable one reads, in the snapshot of its statement.

Every function but `verify()` and `cluster_status()` also raises `not_leader` on a standby, and on a machine of a cluster that cannot
prove that it leads. A refusal is an error with one of the SQLSTATEs below, a DETAIL that names the account and the amounts, and
often a HINT.

Call what moves money in FROM, as `select * from tokpay.transfer(…)`. `select (f()).*` runs it once for every column, and in the SET list of an
UPDATE it runs again where somebody else has just changed the row: twice the money, once the id. `update … from tokpay.transfer(…)` and a
subquery run it once. With a key, a call that runs again replays.
"""


def functions(cursor):
    """Of every function: name, arguments, result, volatility, the least role that may call it, comment."""
    cursor.execute("""
        select p.proname,
            array(select trim(concat_ws(' ', nullif(p.proargnames[i], ''), format_type(t, null),
                    'default ' || pg_get_function_arg_default(p.oid, i::int)))
                from unnest(p.proargtypes) with ordinality as a (t, i) order by i),
            coalesce((select 'table(' || string_agg(format('%%s %%s', p.proargnames[i], format_type(t, null)), ', ' order by i) || ')'
                from unnest(p.proallargtypes, p.proargmodes) with ordinality as a (t, mode, i) where mode in ('o', 't')),
                pg_get_function_result(p.oid)),
            case p.provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end,
            (select r from unnest(%s::text[]) with ordinality as roles (r, i)
                where has_function_privilege(r, p.oid, 'execute') order by i limit 1),
            obj_description(p.oid, 'pg_proc')
        from pg_proc p where p.pronamespace = 'tokpay'::regnamespace order by p.proname""", [ROLES])
    return cursor.fetchall()


def relations(cursor, kind):
    """Of every view (v) or composite type (c): name, columns, the least role that may use it, comment."""
    cursor.execute("""
        select c.relname,
            array(select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 order by a.attnum),
            (select r from unnest(%s::text[]) with ordinality as roles (r, i)
                where case c.relkind when 'v' then has_table_privilege(r, c.oid, 'select')
                    else has_type_privilege(r, c.reltype, 'usage') end order by i limit 1),
            coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type'))
        from pg_class c where c.relnamespace = 'tokpay'::regnamespace and c.relkind = %s order by c.relname""",
        [ROLES, kind])
    return cursor.fetchall()


def codes():
    """The codes in order of precedence: name, SQLSTATE, hint. C++ has most of them, the rest is raised in SQL."""
    source = (DOCS.parent / "extension/src/refusal.cpp").read_text()
    found = re.findall(r'\{"(\w+)", "[^"]+", "(TP\d+)",\s*(?:nullptr|"([^"]*)")\}', source)
    assert len(found) == 17, "refusal.cpp has another form"
    known = {state for _, state, _ in found}
    for file in sorted((DOCS.parent / "sql").glob("*.sql")):
        for state, name in re.findall(r"errcode = '(TP\d+)', message = '([^']+)'", file.read_text()):
            if state not in known:
                known.add(state)
                found.append((name.replace(" ", "_"), state, ""))
    names = [name for name, _, _ in found]
    found.insert(names.index("account_in_use"), found.pop(names.index("name_taken")))  # before what an account's own rows decide
    return found


def short(text):
    """Types as they are written, without what a reader does not need."""
    text = text.replace("timestamp with time zone", "timestamptz").replace("tokpay.", "")
    text = re.sub(r"default ('[^']*'|NULL)::[\w ]+(\[\])?", r"default \1", text)
    return text.replace("NULL", "null").replace("SETOF", "setof")


def block(head, members, result=None):
    """A call with its result, or a row: lines that fit, and end between two members."""
    text = short(f"{head}({', '.join(members)})" + (f" returns {result}" if result else ""))
    text = re.sub(r"(?<![,)]) ", "\N{NO-BREAK SPACE}", text)
    text = "\n    ".join(textwrap.wrap(text, 100))
    return "```\n" + text.replace("\N{NO-BREAK SPACE}", " ") + "\n```\n"


def sentence(text):
    is_name = re.match(r"\w+\(", text)
    return (text if is_name else text[0].upper() + text[1:]).rstrip(".") + "."


def in_code(text, names):
    return re.sub(r"\b(" + "|".join(names) + r")\b", r"`\1`", text)


def function(row, names):
    name, arguments, result, volatility, role, comment = row
    comment, _, errors = comment.partition(ERRORS)
    notes = [volatility, f"`{role}`"]
    if errors:
        unknown = set(re.findall(r"\w+_\w+", errors)) - set(names)
        assert not unknown, f"{name}: the codes {unknown} do not exist"
        notes.append("errors: " + in_code(errors, names))
    return f"### {name}\n\n{block(name, arguments, result)}\n{sentence(comment)}\n\n{'; '.join(notes)}.\n"


def reference(connection):
    """The whole page."""
    with connection.cursor() as cursor:
        every, views, types = functions(cursor), relations(cursor, "v"), relations(cursor, "c")
    names = [name for name, _, _ in codes()]
    public = [row for row in every if row[4] and not row[5].startswith((GATEWAY, INTERNAL))]
    gateway = [row for row in every if row[5].startswith(GATEWAY)]
    parts = [HEAD, "## Functions\n"]
    parts += [function(row, names) for row in public]
    parts.append("## Views\n")
    parts += [f"### {name}\n\n{block(name, columns)}\n{sentence(comment)}\n\n`{role}`.\n" for name, columns, role, comment in views]
    parts.append("## Types\n")
    parts += [f"### {name}\n\n{block(name, columns)}\n{sentence(comment)}\n" for name, columns, role, comment in types]
    parts.append("## Codes\n\nIn order of precedence: where several rules are broken the first one answers. A batch tells the same codes in"
        " `transfer_outcome.code`, and the gateway in `code`.\n")
    rows = [f"| `{name}` | `{state}` | {hint} |" for name, state, hint in codes()]
    parts.append("\n".join(["| code | SQLSTATE | hint |", "|---|---|---|"] + rows) + "\n")
    parts.append("## What the gateway calls\n\nThese act for a principal, who is named in the call: not an interface for others.\n")
    rows = [f"| `{name}` | {sentence(comment.removeprefix(GATEWAY).replace('|', '/'))} | {f'`{role}`' if role else 'nobody, until it is granted'} |"
        for name, _, _, _, role, comment in gateway]
    parts.append("\n".join(["| function | does | role |", "|---|---|---|"] + rows) + "\n")
    return "\n".join(parts)


def main(url):
    server = psycopg2.connect(url)
    server.autocommit = True
    cursor = server.cursor()
    cursor.execute("create database tokpay_docs")
    try:
        connection = psycopg2.connect(url, dbname="tokpay_docs")
        connection.cursor().execute("create extension tokpay")
        FILE.write_text(reference(connection))
        connection.close()
    finally:
        cursor.execute("drop database tokpay_docs with (force)")


if __name__ == "__main__":
    main(*sys.argv[1:])
