-- Who may call what: every function and view against every role, and money without a floor.
begin;
select plan(7);
create role test_public nologin;
select test.open('payer', 100), test.open('ann');
select tokpay.open_account('floorless', min_balance => null);
create temporary table ids as select test.id('payer') as payer, test.id('ann') as ann, test.id('floorless') as floorless;
select * from ids \gset

-- The lowest role that may use each; the four contain one another. nobody: the owner alone.
create temporary table expected (object text primary key, lowest text not null);
insert into expected values
    ('account_id(text)', 'reader'), ('balance(bigint)', 'reader'), ('balances(bigint[])', 'reader'),
    ('history(bigint,bigint,integer,timestamp with time zone,timestamp with time zone)', 'reader'),
    ('transfer_by_key(bigint,text)', 'reader'), ('verify()', 'reader'),
    ('leg_column(bigint[],integer)', 'reader'), ('kind_name("char")', 'reader'), ('account_entries(bigint)', 'reader'),
    ('transfer(bigint,bigint[],bigint[],text,text,jsonb)', 'teller'), ('transfer_batch(transfer_request[])', 'teller'),
    ('top_up(bigint,bigint,text,text)', 'funder'),
    ('open_account(text,text,bigint,bigint,jsonb,text)', 'admin'), ('add_currency(text,smallint)', 'admin'),
    ('create_api_key(text,text[],bigint[],interval)', 'admin'), ('revoke_api_key(bigint)', 'admin'), ('authenticate(bytea)', 'admin'),
    ('require_leader()', 'nobody'), ('refuse_change()', 'nobody'), ('ensure_funding(text)', 'nobody'),
    ('insert_account(text,text,bigint,bigint,jsonb,text)', 'nobody'),
    ('accounts', 'reader'), ('transfers', 'reader'), ('entries', 'reader'), ('currencies', 'reader'), ('receipts', 'reader'), ('api_keys', 'admin'),
    ('account_state', 'nobody'), ('account_info', 'nobody'), ('journal', 'nobody'), ('currency', 'nobody'), ('api_key', 'nobody'),
    ('account_id_seq', 'nobody'), ('transfer_id_seq', 'nobody'), ('api_key_id_seq', 'nobody');
create temporary table role_rank (role text, name name, rank integer);
insert into role_rank values ('public', 'test_public', 0), ('reader', 'tokpay_reader', 1), ('teller', 'tokpay_teller', 2),
    ('funder', 'tokpay_funder', 3), ('admin', 'tokpay_admin', 4), ('nobody', null, 5);

create temporary table object as
select replace(p.oid::regprocedure::text, 'tokpay.', '') as object, p.oid, true as is_function, null::"char" as kind
from pg_proc p where p.pronamespace = 'tokpay'::regnamespace
union all
select c.relname, c.oid, false, c.relkind from pg_class c
where c.relnamespace = 'tokpay'::regnamespace and c.relkind in ('r', 'v', 'm', 'S', 'p', 'f');

select is(test.rows('select object from object except select object from expected order by 1'), '', 'every object of the schema is in the table');
select is(test.rows('select object from expected except select object from object order by 1'), '', 'and every object of the table in the schema');
select is(test.rows($$
    select o.object, r.role from object o join expected e using (object)
        join role_rank l on l.role = e.lowest cross join role_rank r
    where r.name is not null and (r.rank >= l.rank) is distinct from
        case when o.is_function then has_function_privilege(r.name, o.oid, 'execute')
            when o.kind = 'S' then has_sequence_privilege(r.name, o.oid, 'usage, select, update')
            else has_table_privilege(r.name, o.oid, 'select') end$$), '',
    'each role may use exactly what the table says');
select is(test.rows($$
    select o.object, r.role from object o cross join role_rank r
    where r.name is not null and not o.is_function and o.kind <> 'S'
        and (has_table_privilege(r.name, o.oid, 'insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege(r.name, o.oid, 'insert, update, references'))$$), '',
    'no role writes a table or view directly');

-- The same by trying: what the roles really get
select is(test.rows(format($$
    select replace(attempt, %1$L, 'payer'), string_agg(test.sqlstate(replace(attempt, '"', ''''), name), ' ' order by rank)
    from role_rank, (values
        (1, 'select * from tokpay.accounts'), (2, 'select * from tokpay.api_keys'), (3, 'select * from tokpay.entries'),
        (4, 'select * from tokpay.transfers'), (5, 'select tokpay.balance(%1$s)'), (6, 'select * from tokpay.verify()'),
        (7, 'select tokpay.transfer(%1$s, "{%2$s}", "{1}")'), (8, 'select tokpay.top_up(%1$s, 1)'), (9, 'select tokpay.open_account()'),
        (10, 'select tokpay.create_api_key("k", "{read}")'), (11, 'insert into tokpay.journal select * from tokpay.journal'),
        (12, 'update tokpay.account_state set balance = 1'), (13, 'select * from tokpay.account_info'), (14, 'select nextval("tokpay.transfer_id_seq")')
    ) as attempts (place, attempt) where name is not null group by place, attempt order by place$$, :payer, :ann)),
    concat_ws(' ',
        '("select * from tokpay.accounts","42501 ok ok ok ok")', '("select * from tokpay.api_keys","42501 42501 42501 42501 ok")',
        '("select * from tokpay.entries","42501 ok ok ok ok")', '("select * from tokpay.transfers","42501 ok ok ok ok")',
        '("select tokpay.balance(payer)","42501 ok ok ok ok")', '("select * from tokpay.verify()","42501 ok ok ok ok")',
        format('("select tokpay.transfer(payer, ""{%s}"", ""{1}"")","42501 42501 ok ok ok")', :ann), '("select tokpay.top_up(payer, 1)","42501 42501 42501 ok ok")',
        '("select tokpay.open_account()","42501 42501 42501 42501 ok")', '("select tokpay.create_api_key(""k"", ""{read}"")","42501 42501 42501 42501 ok")',
        '("insert into tokpay.journal select * from tokpay.journal","42501 42501 42501 42501 42501")',
        '("update tokpay.account_state set balance = 1","42501 42501 42501 42501 42501")',
        '("select * from tokpay.account_info","42501 42501 42501 42501 42501")',
        '("select nextval(""tokpay.transfer_id_seq"")","42501 42501 42501 42501 42501")'),
    'what public, reader, teller, funder and admin get when they try');

-- Debiting an account without a floor
select is(array(select test.sqlstate(format('select tokpay.transfer(%s, ''{%s}'', ''{1}'')', :floorless, :ann), name)
    from role_rank where name is not null order by rank), '{42501,42501,TP016,ok,ok}'::text[],
    'debiting an account without a floor takes a funder; crediting one does not');
select is(test.sqlstate(format('select tokpay.transfer(%s, ''{%s}'', ''{1}'')', :payer, :floorless), 'tokpay_teller'), 'ok',
    'a teller may credit an account without a floor');
select * from finish();
rollback;
