-- A call inside other SQL: one transaction with it, whatever surrounds it and whatever the search_path.
begin;
select plan(48);
select test.open('payer', 1000), test.open('ann'), test.open('bob');
select test.id('payer') as payer, test.id('ann') as ann, test.id('bob') as bob \gset

-- Undone with what surrounds it
savepoint before;
select tokpay.transfer(:payer, array[:ann], '{100}', 'undone');
rollback to before;
select is(test.rows('select name, balance, version from tokpay.accounts where name in (''ann'', ''payer'') order by name'), '(ann,0,0) (payer,1000,1)',
    'a transfer in a rolled back savepoint did not happen');
select is((tokpay.transfer(:payer, array[:ann], '{1}', 'undone')).replayed, false, 'and its key is free');
select is(test.execute(format($$do $do$ begin
        perform tokpay.transfer(%1$s, '{%2$s}', '{10}');
        begin
            perform tokpay.transfer(%1$s, '{%2$s}', '{100}');
            raise exception 'undo';
        exception when raise_exception then null;
        end;
        begin
            perform tokpay.transfer(%1$s, '{%2$s}', '{100000}');
        exception when sqlstate 'TP010' then null;
        end;
        perform tokpay.transfer(%1$s, '{%2$s}', '{20}');
    end $do$ $$, :payer, :ann)), 'ok', 'a DO block with transfers in blocks of their own');
select is(test.balance('ann'), 31::bigint, 'keeps those that were not undone');
select is(test.execute(format('select tokpay.transfer(%s, ''{%s}'', ''{500}''), 1 / 0', :payer, :ann)), '22012', 'a statement that fails after its transfer');
select is(test.balance('ann'), 31::bigint, 'undoes it');

-- Holds undone with what surrounds them
savepoint before;
select transfer as undone_hold from tokpay.hold(:payer, array[:ann], '{100}', 'hold') \gset
rollback to before;
select is(test.execute(format('select tokpay.capture(%s)', :undone_hold)), 'TP006', 'a hold in a rolled back savepoint was not made');
select transfer as hold from tokpay.hold(:payer, array[:ann], '{100}', 'hold') \gset
savepoint before;
select transfer is not null from tokpay.capture(:hold);
rollback to before;
select is(test.rows('select balance, held from tokpay.accounts where name = ''payer'''), '(969,100)', 'a capture that is rolled back leaves the hold pending');
select is(test.rows(format('select debit_balance, debit_version from tokpay.void(%s)', :hold)), '(969,4)', 'and it can be voided');
select is(test.rows(format('with made as (select * from tokpay.hold(%1$s, ''{%2$s}'', ''{7}'')) select c.debit_balance - m.debit_balance, c.credit_balances
    from made m, lateral tokpay.capture(m.transfer, ''{2}'') c', :payer, :ann)), '(-2,{33})', 'a hold is captured in the statement that makes it');
select is(test.rows(format('select r.debit_balance, r.replayed from tokpay.transfer(%s, ''{%s}'', ''{1}'') as t, lateral tokpay.reverse(t.transfer) as r',
    :payer, :ann)), '(967,f)',
    'and a transfer reversed');
select is(test.execute(format($$do $do$ begin
        perform tokpay.set_limits(%1$s, 0, 40);
        begin
            perform tokpay.transfer(%2$s, '{%1$s}', '{8}');
        exception when sqlstate 'TP011' then perform tokpay.set_limits(%1$s, 0, null);
        end;
        perform tokpay.transfer(%2$s, '{%1$s}', '{8}'), tokpay.transfer(%1$s, '{%2$s}', '{10}');
    end $do$ $$, :ann, :payer)), 'ok', 'limits that are changed are kept by the next call of the transaction');

-- In one statement
create temporary table call as select n, r.* from generate_series(1, 20) as n, lateral tokpay.transfer(:payer, array[:bob], array[n]::bigint[]) as r;
select is(test.rows('select min(debit_version), max(debit_version), min(debit_balance), count(distinct debit_balance), max(credit_balances[1]) from call'),
    '(10,29,759,20,210)', 'calls of one statement see each other');
select is(array(select test.execute(format('select tokpay.transfer(%s, ''{%s}'', ''{210}'')', :bob, :ann)) from generate_series(1, 3)), '{ok,TP010,TP010}'::text[],
    'and cannot spend the same money twice');
select is(array(select (tokpay.transfer(:payer, array[:bob], '{1}', 'one statement')).replayed from generate_series(1, 3)), '{f,t,t}'::boolean[],
    'a key used by an earlier call of the statement is a replay');
select is(test.rows(format('with paid as (select * from tokpay.transfer(%1$s, ''{%2$s}'', ''{1}'')), paid_back as (select * from tokpay.transfer(%2$s, ''{%1$s}'', ''{1}''))
        select p.debit_version, b.debit_version - p.credit_versions[1] from paid p, paid_back b', :payer, :ann)), '(31,1)', 'two calls in one WITH');

-- In a function and in a trigger
create temporary table invoice (id integer, amount bigint, paid boolean);
create function pg_temp.pay_invoice() returns trigger language plpgsql as $$
begin
    perform tokpay.transfer(test.id('payer'), test.ids('bob'), array[new.amount], 'invoice ' || new.id);
    new.paid = true;
    return new;
end $$;
create trigger pay before insert on invoice for each row execute function pg_temp.pay_invoice();
select is(test.execute('insert into invoice values (1, 5), (2, 6), (1, 5)'), 'ok', 'a trigger pays, one row after another');
select is(test.rows('select amount, credits = test.ids(''bob'') from tokpay.transfers where key like ''invoice %'' order by id'), '(5,t) (6,t)', 'each key once');
select is(test.execute('insert into invoice values (3, 7), (4, 1000000)'), 'TP010', 'a refusal fails the statement');
select is(test.rows('select count(*), bool_and(paid) from invoice'), '(3,t)', 'and its rows');
select is(tokpay.transfer_by_key(:payer, 'invoice 3') is null, true, 'and the transfers before it');
create function pg_temp.pay_and_read() returns bigint language plpgsql as $$
declare
    paid tokpay.transfer_result := tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}');
begin
    return paid.debit_balance - tokpay.balance(test.id('payer'));
end $$;
select is(pg_temp.pay_and_read(), 0::bigint, 'a volatile function reads what it paid');

-- Read-only transactions
select transfer as readable from tokpay.hold(:payer, array[:ann], '{1}') \gset
select transfer as spent from tokpay.transfer(:payer, array[:ann], '{1}') \gset
select test.wait_past(at + '1 microsecond') from tokpay.hold(:payer, array[:ann], '{1}', null, '1 microsecond');
select is(test.sqlstate(format('do $$ begin set local transaction_read_only = on; perform %s; end $$', call)), expected, 'read-only: ' || call)
from (values
    ('25006', format('tokpay.transfer(%s, ''{%s}'', ''{1}'')', :payer, :ann)),
    ('25006', format('* from tokpay.transfer_batch(array[test.request(%s, ''{%s}'', ''{1}'')])', :payer, :ann)),
    ('25006', '* from tokpay.transfer_batch(''{}'')'),
    ('25006', format('tokpay.top_up(%s, 1)', :payer)), ('25006', 'tokpay.open_account()'),
    ('25006', format('tokpay.hold(%s, ''{%s}'', ''{1}'')', :payer, :ann)), ('25006', format('tokpay.capture(%s)', :readable)),
        ('25006', format('tokpay.void(%s)', :readable)),
    ('25006', format('tokpay.reverse(%s)', :spent)), ('25006', 'tokpay.expire_holds()'), ('25006', format('tokpay.set_limits(%s, 0, null)', :ann)),
    ('25006', format('tokpay.set_metadata(%s, ''{}'')', :ann)), ('25006', format('tokpay.freeze(%s)', :ann)), ('25006', format('tokpay.unfreeze(%s)', :ann)),
        ('25006', format('tokpay.close(%s)', :ann)),
    ('TP001', 'tokpay.hold(null, null, null)'), ('ok', format('tokpay.balance_at(%s, now())', :payer)),
        ('ok', format('tokpay.transfer_by_key(%s, ''hold'')', :payer)), ('ok', '* from tokpay.holds'),
    ('ok', format('tokpay.balance(%s)', :payer)), ('ok', format('* from tokpay.history(%s)', :payer)), ('ok', '* from tokpay.verify()')
) as cases (expected, call);

-- A hostile search_path, in front of pg_catalog
create schema hostile;
create function hostile.lie(bigint, bigint) returns boolean language sql immutable return true;
create function hostile.lie(text, text) returns boolean language sql immutable return true;
create function hostile.zero(bigint, bigint) returns bigint language sql immutable return 0;
create operator hostile.= (leftarg = bigint, rightarg = bigint, function = hostile.lie);
create operator hostile.= (leftarg = text, rightarg = text, function = hostile.lie);
create operator hostile.< (leftarg = bigint, rightarg = bigint, function = hostile.lie);
create operator hostile.- (leftarg = bigint, rightarg = bigint, function = hostile.zero);
create operator hostile.+ (leftarg = bigint, rightarg = bigint, function = hostile.zero);
create function hostile.never(timestamptz, timestamptz) returns boolean language sql immutable return false;
create operator hostile.<= (leftarg = timestamptz, rightarg = timestamptz, function = hostile.never);
create function hostile.at_once(timestamptz, interval) returns timestamptz language sql immutable return $1;
create operator hostile.+ (leftarg = timestamptz, rightarg = interval, function = hostile.at_once);
create function hostile.pg_column_size("any") returns integer language internal immutable as 'pg_column_size';
create function hostile.octet_length(text) returns integer language sql immutable return 1;
create function hostile.hashtextextended(text, bigint) returns bigint language sql immutable return 0;
create function hostile.sha256(bytea) returns bytea language sql immutable return '\x00'::bytea;
create function hostile.nextval(text) returns bigint language sql return 1;
create function hostile.clock_timestamp() returns timestamptz language sql return 'epoch'::timestamptz;
create table hostile.account_state (like tokpay.account_state);
create table hostile.account_info (like tokpay.account_info);
create table hostile.pending_hold (like tokpay.pending_hold);
create table hostile.waypoint (like tokpay.waypoint);
create sequence hostile.transfer_id_seq;
create table hostile.journal (like tokpay.journal);
create table hostile.currency (like tokpay.currency);
create temporary table account_state (like tokpay.account_state);
create function pg_temp.everything(suffix text) returns text language plpgsql as $$
declare
    payer bigint := tokpay.open_account('payer ' || suffix);
    payee bigint := tokpay.open_account('payee ' || suffix);
    answers text[];
    reserved bigint;
begin
    answers := array[(tokpay.top_up(payer, 100, 'in ' || suffix)).debit_version > 0,
        (tokpay.transfer(payer, array[payee, payee], '{10,20}', 'k')).debit_balance operator(pg_catalog.=) 70,
        (tokpay.transfer(payer, array[payee, payee], '{10,20}', 'k')).replayed]::text[]
        || array(select code::text from tokpay.transfer_batch(array[row(payer, array[payee], '{70}', null, null, null, null)::tokpay.transfer_request,
            row(payer, array[payee], '{1}', null, null, null, null)::tokpay.transfer_request,
            row(payer, array[payee], '{1}', repeat('k', 256), null, null, null)::tokpay.transfer_request]));
    answers := answers || array(select b.balance::text from tokpay.balances(array[payer, payee]) as b) || tokpay.balance(payee)::text
        || array(select h.amount::text from tokpay.history(payee) as h) || (tokpay.transfer_by_key(payer, 'k')).debit_version::text
        || (tokpay.account_id('payer ' || suffix) operator(pg_catalog.=) payer)::text
        || array(select a.balance::text from tokpay.accounts a where a.name operator(pg_catalog.=) ('payee ' || suffix))
        || array(select e.balance::text from tokpay.entries e where e.account operator(pg_catalog.=) payee)
        || (select count(*)::text from tokpay.verify() where ok);
    perform tokpay.set_limits(payee, -10, 1000), tokpay.set_metadata(payee, '{"a": 1}'), tokpay.freeze(payer), tokpay.unfreeze(payer), tokpay.top_up(payer, 50);
    reserved := (tokpay.hold(payer, array[payee, payee], '{20,5}', 'hold')).transfer;
    answers := answers || (tokpay.capture(reserved, '{4,5}', 'capture')).debit_balance::text || (tokpay.capture(reserved, '{4,5}', 'capture')).replayed::text;
    answers := answers || (tokpay.reverse((tokpay.transfer_by_key(payer, 'capture')).transfer)).credit_balances::text
        || (tokpay.void((tokpay.hold(payer, array[payee], '{50}')).transfer)).debit_version::text;
    answers := answers || array(select concat_ws('/', a.balance, a.held, a.available, a.max_balance, a.metadata, a.status)
            from tokpay.accounts a where a.id operator(pg_catalog.=) payee)
        || (select t.status from tokpay.transfers t where t.id operator(pg_catalog.=) reserved) || tokpay.balance_at(payee, 'infinity')::text
        || test.sqlstate(pg_catalog.format('select tokpay.close(%s)', payee)) || test.sqlstate(pg_catalog.format('select tokpay.capture(%s)', reserved));
    return array_to_string(answers, ' ');
end $$;
select pg_temp.everything('plain') as plain \gset
set local search_path = hostile, pg_temp, pg_catalog;
select pg_temp.everything('hostile') as hostile, tokpay.create_api_key('k', '{read}') as secret \gset
reset search_path;
select is(:'hostile'::text, :'plain'::text, 'a hostile search_path changes no answer');
select is(:'plain'::text, 'true true true ok insufficient_funds invalid_request 0 100 100 70 20 10 2 true 100 100 30 10 15 '
    '41 true {105,100} 6 100/0/110/1000/{"a": 1}/open captured 100 TP018 TP013', 'which are those expected');
select is((select digest from tokpay.api_key where name = 'k'), sha256(convert_to(:'secret', 'UTF8')), 'and no digest');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
