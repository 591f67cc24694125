-- What an administrator says of an account: its limits, its metadata, frozen, open and closed.
begin;
select plan(85);
select test.open('payer', 100), test.open('ann'), test.open('line', 0, 'USD', -50), test.open('full', 10, max_balance => 10),
    test.open('holder', 100), test.open('gone'), test.open('debtor', 30, 'USD', -50);
select tokpay.hold(test.id('holder'), test.ids('ann'), '{40}');
select tokpay.transfer(test.id('debtor'), test.ids('ann'), '{60}'), tokpay.close(test.id('gone'));

-- 'balance available min_balance max_balance status version' of an account, null as -
create function pg_temp.state(name text) returns text language sql
return (select concat_ws(' ', a.balance, coalesce(a.available::text, '-'), coalesce(a.min_balance::text, '-'), coalesce(a.max_balance::text, '-'), a.status,
    a.version)
    from tokpay.accounts a where a.name = $1);
-- What a statement answers, and the account afterwards; undone.
create function pg_temp.tried(statement text, name text) returns text language plpgsql as $$
begin
    raise exception using errcode = 'UNDO0', message = test.execute(test.fill('select ' || statement)) || ', ' || pg_temp.state(name);
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;

-- set_limits
select is(pg_temp.tried(format('tokpay.set_limits({%s}, %s)', name, limits), name), outcome, format('set_limits(%s, %s)', name, limits))
from (values
    ('payer', '-20, 500', 'ok, 100 120 -20 500 open 1'),
    ('payer', 'null, null', 'ok, 100 - - - open 1'),
    ('payer', '0, null', 'ok, 100 100 0 - open 1'),
    ('payer', '100, 100', 'ok, 100 0 100 100 open 1'),
    ('payer', '101, null', 'TP011, 100 100 0 - open 1'),
    ('payer', '0, 99', 'TP011, 100 100 0 - open 1'),
    ('payer', '101, 99', 'TP011, 100 100 0 - open 1'),
    ('payer', '0, -1', 'TP011, 100 100 0 - open 1'),
    ('holder', '60, null', 'ok, 100 0 60 - open 1'),
    ('holder', '61, null', 'TP011, 100 60 0 - open 1'),
    ('holder', '0, 100', 'ok, 100 60 0 100 open 1'),
    ('debtor', '-30, null', 'ok, -30 0 -30 - open 2'),
    ('debtor', '-29, null', 'TP011, -30 20 -50 - open 2'),
    ('debtor', '-50, -30', 'ok, -30 20 -50 -30 open 2'),
    ('debtor', '-50, -31', 'TP011, -30 20 -50 - open 2'),
    ('ann', '-4611686018427387904, 4611686018427387904', 'ok, 60 4611686018427387964 -4611686018427387904 4611686018427387904 open 1'),
    ('ann', '-4611686018427387905, null', 'TP001, 60 60 0 - open 1'),
    ('ann', '4611686018427387905, null', 'TP001, 60 60 0 - open 1'),
    ('ann', '-9223372036854775808, null', 'TP001, 60 60 0 - open 1'),
    ('ann', '0, 4611686018427387905', 'TP001, 60 60 0 - open 1'),
    ('ann', '0, 9223372036854775807', 'TP001, 60 60 0 - open 1'),
    ('ann', '0, -9223372036854775808', 'TP001, 60 60 0 - open 1'),
    ('gone', '-1, 1', 'TP008, 0 0 0 - closed 0')
) as cases (name, limits, outcome);
select is(row(a.sqlstate, a.detail)::text, row(expected, test.fill(why))::text, format('set_limits(%s): the detail', arguments))
from (values
    ('TP001', 'account is null.', 'null, 0, null'),
    ('TP001', 'Limits lie within -2^62 and 2^62.', '{nobody}, 0, 9223372036854775807'),
    ('TP003', 'There is no account {nobody}.', '{nobody}, 0, null'),
    ('TP008', 'Account {gone} is closed.', '{gone}, 0, null'),
    ('TP011', 'Account {holder} has 100, of which 40 held, against min_balance 61.', '{holder}, 61, null'),
    ('TP011', 'Account {holder} has 100, of which 40 held, against max_balance 99.', '{holder}, 0, 99')
) as cases (expected, why, arguments), lateral test.attempt(test.fill(format('select tokpay.set_limits(%s)', arguments))) as a;
select is(pg_temp.tried(format('tokpay.set_limits({%s}, %s); select tokpay.%s', name, limits, payment), name), outcome, what)
from (values
    ('payer', '-20, null', $$transfer({payer}, '{{ann}}', '{120}')$$, 'ok, -20 0 -20 - open 2', 'a lower floor is spent'),
    ('payer', '50, null', $$transfer({payer}, '{{ann}}', '{51}')$$, 'TP010, 100 100 0 - open 1', 'a higher floor holds'),
    ('full', '0, 11', $$transfer({payer}, '{{full}}', '{1}')$$, 'ok, 11 11 0 11 open 2', 'a higher ceiling is filled'),
    ('ann', '0, 60', $$transfer({payer}, '{{ann}}', '{1}')$$, 'TP011, 60 60 0 - open 1', 'a lower ceiling holds'),
    ('full', '0, null', $$top_up({full}, 1000)$$, 'ok, 1010 1010 0 - open 2', 'no ceiling any more')
) as cases (name, limits, payment, outcome, what);
select is(test.sqlstate(test.fill('select tokpay.set_limits({funding/USD}, null, 0)')), 'ok', 'a funding account may have a ceiling');

-- set_metadata
select is(test.sqlstate(test.fill(format('select tokpay.set_metadata(%s)', arguments))), expected, format('set_metadata(%s)', left(arguments, 60)))
from (values ('TP001', $$null, '{}'$$), ('TP001', '{payer}, null'), ('TP003', $${nobody}, '{}'$$), ('ok', $${payer}, '[]'$$), ('ok', $${payer}, 'null'$$),
    ('ok', $${gone}, '{}'$$), ('ok', $${payer}, to_jsonb(repeat('m', 1000000))$$), ('TP001', $${payer}, to_jsonb(repeat('m', 1048577))$$)) as cases (expected,
        arguments);
select tokpay.set_metadata(test.id('payer'), '{"tier": 2}');
select is(test.rows('select metadata from tokpay.accounts where name = ''payer'''), '("{""tier"": 2}")', 'set_metadata replaces what was there');
select is(pg_temp.state('payer'), '100 100 0 - open 1', 'and nothing else');

-- freeze, unfreeze, close: the answers of some calls, and what is left
create function pg_temp.calls(calls text) returns text language plpgsql as $$
declare
    answers text[] := '{}';
    call text;
begin
    foreach call in array string_to_array(calls, ' ') loop
        answers := answers || test.execute(format('select tokpay.%s(test.id(''payer''))', call));
    end loop;
    raise exception using errcode = 'UNDO0', message = array_to_string(answers, ' ') || ', ' || (select status from tokpay.accounts where name = 'payer');
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select tokpay.transfer(test.id('payer'), test.ids('ann'), '{100}');
select is(pg_temp.calls(calls), outcome, calls)
from (values ('freeze', 'ok, frozen'), ('freeze freeze', 'ok ok, frozen'), ('unfreeze', 'ok, open'), ('freeze unfreeze', 'ok ok, open'), ('close', 'ok, closed'),
    ('close close', 'ok ok, closed'), ('close freeze', 'ok TP008, closed'), ('close unfreeze', 'ok TP008, closed'), ('freeze close', 'ok ok, closed'),
    ('freeze close unfreeze close', 'ok ok TP008 ok, closed')) as cases (calls, outcome);
select is(test.sqlstate(format('select tokpay.%s(%s)', call, account)), expected, format('%s(%s)', call, account))
from (values ('freeze'), ('unfreeze'), ('close')) as calls (call),
    (values ('TP001', 'null'), ('TP003', '999999999'), ('TP003', '0'), ('TP003', '-1')) as cases (expected, account);
select is(row(a.sqlstate, a.detail)::text, row(expected, test.fill(why))::text, format('close of %s', what))
from (values
    ('TP018', 'Account {holder} has 100, of which 40 held.', 'a balance with a hold on it', '{holder}'),
    ('TP018', 'Account {debtor} has -30, of which 0 held.', 'a debt', '{debtor}'),
    ('TP018', 'Account {ann} has 160, of which 0 held.', 'a balance', '{ann}')
) as cases (expected, why, what, account), lateral test.attempt(test.fill(format('select tokpay.close(%s)', account))) as a;
select tokpay.open_account('promise', min_balance => null);
select transfer as promised from tokpay.hold(test.id('promise'), test.ids('ann'), '{5}') \gset
select is((test.attempt(test.fill('select tokpay.close({promise})'))).detail, test.fill('Account {promise} has 0, of which 5 held.'),
    'close of a balance of 0 with a hold');
select tokpay.void(:promised);
select is(test.sqlstate(test.fill('select tokpay.close({promise})')), 'ok', 'and after its void');

-- What a frozen and a closed account still do
create function pg_temp.with_status(change text, call text) returns text language plpgsql as $$
begin
    execute test.fill(format('select tokpay.%s', change));
    raise exception using errcode = 'UNDO0', message = test.execute(test.fill('select ' || call));
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select is(pg_temp.with_status('freeze({ann})', call) || ' ' || pg_temp.with_status('close({line})', replace(call, '{ann}', '{line}')), outcomes, what)
from (values
    ('TP007 TP008', 'a debit of a frozen or closed account', $$tokpay.transfer({ann}, '{{holder}}', '{1}')$$),
    ('TP007 TP008', 'a credit', $$tokpay.transfer({holder}, '{{ann}}', '{1}')$$),
    ('TP007 TP008', 'a credit among others', $$tokpay.transfer({holder}, '{{debtor},{ann}}', '{1,1}')$$),
    ('TP007 TP008', 'a top-up', $$tokpay.top_up({ann}, 1)$$),
    ('ok ok', 'balance', $$tokpay.balance({ann})$$),
    ('ok ok', 'history', $$count(*) from tokpay.history({ann})$$),
    ('ok ok', 'balance_at', $$tokpay.balance_at({ann}, now())$$),
    ('ok ok', 'set_metadata', $$tokpay.set_metadata({ann}, '{}')$$),
    ('ok TP008', 'set_limits', $$tokpay.set_limits({ann}, 0, null)$$),
    ('TP007 TP008', 'too much of it: the status answers first', $$tokpay.transfer({ann}, '{{holder}}', '{1000}')$$),
    ('TP005 TP005', 'in another currency: the currency answers first', $$tokpay.transfer({ann}, array[tokpay.open_account(currency => 'EUR')], '{1}')$$)
) as cases (outcomes, what, call);
select is(pg_temp.with_status('freeze({ann}), tokpay.close({line})', $$tokpay.transfer({holder}, '{{line},{ann}}', '{1,1}')$$), 'TP007',
    'frozen answers before closed, wherever it stands');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
