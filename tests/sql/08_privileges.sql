-- Who may call what: every function and view against every role, and money without a floor.
begin;
select plan(37);
create role test_public nologin;
select test.open('payer', 100), test.open('ann');
select tokpay.open_account('floorless', min_balance => null);
create temporary table ids as select test.id('payer') as payer, test.id('ann') as ann, test.id('floorless') as floorless;
select * from ids \gset
select transfer as spent from tokpay.transfer(:payer, array[:ann], '{1}') \gset
select transfer as held from tokpay.hold(:payer, array[:ann], '{1}') \gset

-- The lowest role that may use each; the four contain one another. nobody: the owner alone.
create temporary table expected (object text primary key, lowest text not null);
insert into expected values
    ('account_id(text)', 'reader'), ('balance(bigint)', 'reader'), ('balances(bigint[])', 'reader'),
    ('history(bigint,bigint,integer,timestamp with time zone,timestamp with time zone)', 'reader'),
    ('transfer_by_key(bigint,text)', 'reader'), ('balance_at(bigint,timestamp with time zone)', 'reader'), ('verify()', 'reader'),
    ('leg_column(bigint[],integer)', 'reader'), ('kind_name("char")', 'reader'), ('account_entries(bigint)', 'reader'),
    ('transfer(bigint,bigint[],bigint[],text,text,jsonb)', 'teller'), ('transfer_batch(transfer_request[])', 'teller'),
    ('hold(bigint,bigint[],bigint[],text,interval,text,jsonb)', 'teller'), ('capture(bigint,bigint[],text)', 'teller'), ('void(bigint,text)', 'teller'),
    ('reverse(bigint,text,text)', 'teller'), ('expire_holds(integer)', 'teller'),
    ('top_up(bigint,bigint,text,text)', 'funder'),
    ('open_account(text,text,bigint,bigint,jsonb,text)', 'admin'), ('add_currency(text,smallint)', 'admin'),
    ('set_limits(bigint,bigint,bigint)', 'admin'), ('set_metadata(bigint,jsonb)', 'admin'), ('"freeze"(bigint)', 'admin'), ('unfreeze(bigint)', 'admin'),
        ('close(bigint)', 'admin'),
    ('create_api_key(text,text[],bigint[],interval)', 'admin'), ('revoke_api_key(bigint)', 'admin'), ('authenticate(bytea[])', 'admin'),
    ('set_api_key_limit(bigint,integer)', 'admin'), ('note_api_key_uses(bigint[])', 'admin'),
    ('require_leader()', 'nobody'), ('refuse_change()', 'nobody'), ('ensure_funding(text)', 'nobody'),
    ('insert_account(text,text,bigint,bigint,jsonb,text)', 'nobody'), ('keep_sequence_settings()', 'nobody'), ('apply_sequence_setting()', 'nobody'),
    ('account_flows(bigint,timestamp with time zone,timestamp with time zone,integer)', 'nobody'),
    ('gateway_account(bigint,text)', 'reader'),
    ('gateway_accounts(text,bigint,integer)', 'reader'),
    ('gateway_balance_at(bigint,timestamp with time zone,text)', 'reader'),
    ('gateway_balances(bigint[],text[])', 'reader'),
    ('gateway_batch(gateway_request[])', 'teller'),
    ('gateway_changes(bigint[],text[],bigint[],integer)', 'reader'),
    ('gateway_counterparties(bigint,text,timestamp with time zone,timestamp with time zone,integer)', 'reader'),
    ('gateway_demo_top_up(bigint,bigint,text,text)', 'nobody'), ('demo_funding_limits()', 'reader'),
    ('gateway_refund(bigint,bigint,bigint,text,text,text,boolean)', 'admin'), ('gateway_refunds(bigint,text)', 'reader'),
    ('gateway_entries(bigint,text,bigint,integer,timestamp with time zone,timestamp with time zone,text,text,bigint,bigint,bigint)', 'reader'),
    ('gateway_holds(bigint,text,bigint,integer)', 'reader'),
    ('gateway_packed_balances(bigint[],text[])', 'reader'),
    ('gateway_packed_batch(gateway_request[],integer)', 'teller'),
    ('gateway_patch_account(bigint,text,jsonb,text)', 'admin'),
    ('gateway_preview(bigint,bigint[],bigint[],boolean,text)', 'reader'),
    ('gateway_summary(bigint,text,timestamp with time zone,timestamp with time zone,text,text)', 'reader'),
    ('gateway_transfer(bigint,text)', 'reader'),
    ('gateway_transfer_by_key(bigint,text,text)', 'reader'),
    ('merge_patch(jsonb,jsonb)', 'nobody'),
    ('reaches(text,bigint)', 'reader'),
    ('require_reach(text,bigint)', 'nobody'),
    ('register_wallet(text,text,text,boolean,boolean,text,text,bigint)', 'admin'),
    ('gateway_link_identity(bigint,text,text,text,boolean,boolean)', 'admin'),
    ('gateway_begin_session(bigint,text,bytea,text,integer,integer,bytea)', 'admin'), ('gateway_credentials(bytea[])', 'admin'),
    ('note_session_uses(bigint[],integer)', 'admin'), ('gateway_sessions(bigint)', 'admin'), ('gateway_end_session(bigint,bigint)', 'admin'),
    ('gateway_profile(bigint)', 'admin'), ('gateway_identities(bigint)', 'admin'), ('gateway_update_profile(bigint,jsonb)', 'admin'),
    ('gateway_names(bigint[])', 'admin'), ('gateway_resolve(bigint,bigint,text,text[])', 'admin'), ('gateway_recipients(bigint,text,integer)', 'admin'),
    ('note_identity(text,text,bigint,text,boolean,boolean)', 'nobody'), ('note_payees(bigint)', 'nobody'), ('is_address(text)', 'nobody'), ('address_text(text)', 'nobody'), ('shown_name(text)', 'nobody'),
    ('epoch()', 'reader'), ('cluster_status()', 'reader'), ('statistics()', 'reader'), ('stat', 'reader'), ('fence()', 'nobody'), ('fence_refusal()', 'nobody'), ('start_cluster()', 'admin'), ('new_incarnation()', 'admin'), ('cluster_changed()', 'nobody'), ('require_cluster_setting()', 'nobody'),
    ('cluster', 'nobody'), ('epoch', 'nobody'),
    ('accounts', 'reader'), ('transfers', 'reader'), ('entries', 'reader'), ('currencies', 'reader'), ('receipts', 'reader'), ('holds', 'reader'),
        ('api_keys', 'admin'), ('api_key_limits', 'admin'),
    ('account_state', 'nobody'), ('account_info', 'nobody'), ('journal', 'nobody'), ('currency', 'nobody'), ('api_key', 'nobody'),
    ('pending_hold', 'nobody'), ('waypoint', 'nobody'), ('refund', 'nobody'), ('sequence_setting', 'nobody'),
    ('wallet_user', 'nobody'), ('wallet_identity', 'nobody'), ('wallet_address', 'nobody'), ('wallet_session', 'nobody'), ('wallet_contact', 'nobody'),
    ('wallet_payee', 'nobody'), ('wallet_budget', 'nobody'), ('wallet_user_id_seq', 'nobody'), ('wallet_session_id_seq', 'nobody'),
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

-- The same by trying: what public, reader, teller, funder and admin really get
select is(string_agg(test.sqlstate(filled, name), ' ' order by rank), answers, attempt)
from role_rank, (values
    ('42501 ok ok ok ok', 'select * from tokpay.accounts'),
    ('42501 ok ok ok ok', 'select * from tokpay.entries'),
    ('42501 ok ok ok ok', 'select * from tokpay.transfers'),
    ('42501 ok ok ok ok', 'select * from tokpay.holds'),
    ('42501 42501 42501 42501 ok', 'select * from tokpay.api_keys'),
    ('42501 ok ok ok ok', 'select tokpay.balance({payer})'),
    ('42501 ok ok ok ok', 'select tokpay.balance_at({payer}, now())'),
    ('42501 ok ok ok ok', 'select * from tokpay.history({payer})'),
    ('42501 ok ok ok ok', 'select * from tokpay.verify()'),
    ('42501 42501 ok ok ok', $$select tokpay.transfer({payer}, '{{ann}}', '{1}')$$),
    ('42501 42501 ok ok ok', $$select tokpay.hold({payer}, '{{ann}}', '{1}')$$),
    ('42501 42501 ok ok ok', 'select tokpay.capture([held])'),
    ('42501 42501 ok ok ok', 'select tokpay.void([held])'),
    ('42501 42501 ok ok ok', 'select tokpay.reverse([spent])'),
    ('42501 42501 ok ok ok', 'select tokpay.expire_holds()'),
    ('42501 42501 42501 ok ok', 'select tokpay.top_up({payer}, 1)'),
    ('42501 42501 42501 42501 ok', 'select tokpay.open_account()'),
    ('42501 42501 42501 42501 ok', 'select tokpay.set_limits({ann}, 0, 10)'),
    ('42501 42501 42501 42501 ok', $$select tokpay.set_metadata({ann}, '{}')$$),
    ('42501 42501 42501 42501 ok', 'select tokpay.freeze({ann})'),
    ('42501 42501 42501 42501 ok', 'select tokpay.unfreeze({ann})'),
    ('42501 42501 42501 42501 TP018', 'select tokpay.close({payer})'),
    ('42501 42501 42501 42501 ok', $$select tokpay.create_api_key('k', array['read'])$$),
    ('42501 42501 42501 42501 42501', 'insert into tokpay.journal select * from tokpay.journal'),
    ('42501 42501 42501 42501 42501', 'update tokpay.account_state set balance = 1'),
    ('42501 42501 42501 42501 42501', 'delete from tokpay.pending_hold'),
    ('42501 42501 42501 42501 42501', 'insert into tokpay.waypoint values (1, 128, 1, now())'),
    ('42501 42501 42501 42501 42501', 'update tokpay.sequence_setting set start_value = 1'),
    ('42501 42501 42501 42501 42501', 'select * from tokpay.account_info'),
    ('42501 42501 42501 42501 42501', $$select nextval('tokpay.transfer_id_seq')$$)
) as attempts (answers, attempt), lateral replace(replace(test.fill(attempt), '[held]', :'held'), '[spent]', :'spent') as filled
where name is not null group by answers, attempt;

-- Debiting an account without a floor
select is(array(select test.sqlstate(format('select tokpay.transfer(%s, ''{%s}'', ''{1}'')', :floorless, :ann), name)
    from role_rank where name is not null order by rank), '{42501,42501,TP016,ok,ok}'::text[],
    'debiting an account without a floor takes a funder; crediting one does not');
select is(array(select test.sqlstate(format('select tokpay.hold(%s, ''{%s}'', ''{1}'')', :floorless, :ann), name)
    from role_rank where name is not null order by rank), '{42501,42501,TP016,ok,ok}'::text[], 'and so does holding it');
select is(test.sqlstate(format('select tokpay.transfer(%s, ''{%s}'', ''{1}'')', :payer, :floorless), 'tokpay_teller'), 'ok',
    'a teller may credit an account without a floor');
select * from finish();
rollback;
