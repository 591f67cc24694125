-- Demo funding: owners top up what is theirs, within limits of a day, where an instance grants it.
begin;
select plan(28);
select test.open('ann'), test.open('bob');
select tokpay.add_currency('WEI', 18::smallint);
select tokpay.open_account('anns', owner => 'ann'), tokpay.open_account('bobs', owner => 'bob'), tokpay.open_account('anns yen', 'JPY', owner => 'ann'),
    tokpay.open_account('anns wei', 'WEI', owner => 'ann'), tokpay.open_account('anns full', max_balance => 5, owner => 'ann');

-- The columns of an outcome from code on, as their bytes (extension/src/gateway_outcome.hpp).
create function pg_temp.columns(outcome bytea) returns bytea[] language plpgsql as $$
declare
    columns bytea[];
    size integer;
begin
    outcome := substr(outcome, 21);     -- after the epoch
    while length(outcome) > 0 loop
        size := ('x' || encode(substr(outcome, 1, 4), 'hex'))::bit(32)::integer;
        columns := columns || case when size >= 0 then substr(outcome, 5, size) end;
        outcome := substr(outcome, 5 + greatest(size, 0));
    end loop;
    return columns;
end $$;

-- 'code balance' of a top-up, or the SQLSTATE it raises.
create function pg_temp.top_up(name text, amount bigint, key text, principal text default 'owner:ann') returns text language plpgsql as $$
declare
    columns bytea[];
begin
    columns := pg_temp.columns(tokpay.gateway_demo_top_up(coalesce(test.id(name), 999999999), amount, name || '/' || key, principal));
    return concat_ws(' ', convert_from(columns[1], 'UTF8'), ('x' || encode(substr(columns[11], 5), 'hex'))::bit(64)::bigint,
        case when columns[13] = '\x01' then 'again' end);
exception when others then
    return sqlstate;
end $$;

select is(pg_temp.top_up('anns', 100000, 'a'), 'ok 100000', 'as much as goes at once');
select is(pg_temp.top_up('anns', 100001, 'b'), 'TP019', 'and no cent more');
select is(pg_temp.top_up('anns', 100000, 'a'), 'ok 100000 again', 'a replay');
select is(pg_temp.top_up('anns', 1, 'a'), 'key_reused', 'a key with another amount');
select is(pg_temp.top_up('anns', 100000, key), answer, 'until the day''s is had: ' || key)
from (values ('c', 'ok 200000'), ('d', 'ok 300000'), ('e', 'ok 400000')) as cases (key, answer);
select is(pg_temp.top_up('anns', 99999, 'f') || ', ' || pg_temp.top_up('anns', 2, 'g') || ', ' || pg_temp.top_up('anns', 1, 'h') || ', ' || pg_temp.top_up('anns', 1, 'i'),
    'ok 499999, TP019, ok 500000, TP019', 'to the last cent');
select is((test.attempt(format($$select tokpay.gateway_demo_top_up(%s, 1, 'j', 'owner:ann')$$, test.id('anns')))).detail,
    format('Demo funding tops up at most 100000 at once and up to 500000 in 24 hours; account %s had 500000 in these.', test.id('anns')), 'a refusal says why');
select is(pg_temp.top_up('anns', 100000, 'a'), 'ok 100000 again', 'a replay needs no room');
select tokpay.transfer(test.id('anns'), test.ids('bob'), '{500000}');
select is(pg_temp.top_up('anns', 1, 'k'), 'TP019', 'what is spent was given all the same');
select is(pg_temp.top_up('anns yen', 1000, 'a') || ', ' || pg_temp.top_up('anns yen', 1001, 'b'), 'ok 1000, TP019', 'every account has its own, in units of its currency');
select is(pg_temp.top_up('anns wei', 9223372036854775807, 'a'), 'ok 9223372036854775807', 'of whatever exponent');

-- Other money
select tokpay.transfer((select funding from tokpay.currencies where code = 'USD'), test.ids('bobs'), '{10000000}'), tokpay.top_up(test.id('bobs'), 499999);
select is(pg_temp.top_up('bobs', 2, 'a', 'owner:bob') || ', ' || pg_temp.top_up('bobs', 1, 'b', 'owner:bob'), 'TP019, ok 10500000',
    'top-ups by others are among the day''s, transfers are not');

select tokpay.open_account('dan', owner => 'dan');
select tokpay.top_up(test.id('dan'), 100000, 'demo/dan');
select is(string_agg(pg_temp.top_up('dan', 100000, i::text, 'owner:dan'), ', '), 'ok 200000, ok 300000, ok 400000, ok 500000, ok 600000, TP019', 'what a demo person has from the beginning is not')
from generate_series(1, 6) i;

select tokpay.register_wallet('https://id.example', 'cat', null, false, false, 'Cat', 'USD', 100000) as cat \gset
select account as wallet, owner from tokpay.wallet_user where id = :cat \gset
select tokpay.gateway_demo_top_up(:wallet, 100000, 'cat/' || i, 'owner:' || :'owner') is null from generate_series(1, 5) i;
select is((test.attempt(format('select tokpay.gateway_demo_top_up(%s, 1, ''cat/6'', ''owner:%s'')', :wallet, :'owner'))).detail,
    format('Demo funding tops up at most 100000 at once and up to 500000 in 24 hours; account %s had 500000 in these.', :wallet), 'nor is the welcome credit');

-- Whose accounts
select is(pg_temp.top_up(name, 1, 'x'), 'account_not_found', 'out of reach: ' || name) from (values ('bobs'), ('ann'), ('nobody'), ('funding/USD')) as cases (name);
select is((select string_agg(convert_from((pg_temp.columns(tokpay.gateway_demo_top_up(a, 100001, 'x', 'owner:ann')))[20], 'UTF8'), ' ' order by a) from unnest(array[test.id('bobs'), 999999999]) a),
    format('There is no account %s. There is no account 999999999.', test.id('bobs')), 'whatever the amount');
select is(pg_temp.top_up('anns', 1, 'x', principal), 'TP016', 'no owner: ' || coalesce(principal, 'anybody')) from (values (null), ('key:1'), ('')) as cases (principal);

-- The ledger's own refusals come through
select is(pg_temp.top_up('anns full', 6, 'a') || ', ' || pg_temp.top_up('anns full', 0, 'b') || ', ' || pg_temp.top_up('anns full', 5, 'c'),
    'balance_limit, invalid_request, ok 5', 'the account''s own limits hold');

select is(test.faults(), '', 'the books are right');

-- A day later, as a superuser can make it
create function pg_temp.age(by interval) returns void language plpgsql as $$
begin
    alter table tokpay.journal disable trigger immutable, disable trigger immutable_row;
    update tokpay.journal set at = at - by;
end $$;
select pg_temp.age('23 hours 59 minutes');
select is(pg_temp.top_up('anns', 1, 'tomorrow'), 'TP019', 'a day is not over before 24 hours');
select pg_temp.age('1 minute');
select is(pg_temp.top_up('anns', 100000, 'tomorrow'), 'ok 100000', 'and over then');
select * from finish();
rollback;
