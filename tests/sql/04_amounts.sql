-- The ends of the ranges: amounts, balances, held amounts and versions of 64 bits, credits by the ten thousand.
begin;
select plan(51);
\set highest 9223372036854775807

-- Balances up to both ends of bigint
select test.open('full', 0, 'XOF'), test.open('mid', 0, 'XOF'), test.open('end', 0, 'XOF', null);
select is((tokpay.top_up(test.id('full'), :highest)).credit_balances, array[:highest], 'a balance of 2^63 - 1');
select is(test.balance('funding/XOF'), -:highest, 'its funding account stands at -(2^63 - 1)');
select is((test.attempt(format('select tokpay.top_up(%s, 1)', test.id('full')))).detail,
    format('The balance of account %s would not fit a bigint.', test.id('full')), 'one more does not fit');
select is((tokpay.transfer(test.id('funding/XOF'), test.ids('mid'), '{1}')).debit_balance, -9223372036854775808,
    'a floorless account goes down to -2^63');
select is((test.attempt(format('select tokpay.transfer(%s, test.ids(''end''), ''{1}'')', test.id('funding/XOF')))).detail,
    format('The balance of account %s would not fit a bigint.', test.id('funding/XOF')), 'and not below');
select is((select available from tokpay.balances(test.ids('full'))), :highest, 'all of 2^63 - 1 is available');
select is((tokpay.transfer(test.id('full'), test.ids('end', 'end'), '{9223372036854775806,1}')).credit_versions,
    '{1,2}', 'all of it moves, in two credits');
select is(test.sqlstate(format('select tokpay.transfer(%s, test.ids(''mid''), ''{%s}'')', test.id('end'), :highest)),
    'TP009', 'a credit that lifts a balance past 2^63 - 1 overflows');
select is(test.sqlstate(format('select tokpay.transfer(%s, test.ids(''full'', ''mid'', ''full''), ''{%s,%s,2}'')',
    test.id('end'), :highest / 2, :highest / 2)), 'TP009', 'a sum of 2^63 overflows');
select test.open('round', 0, 'XOF'), test.open('again', 0, 'XOF');
select is(test.sqlstate(format('select tokpay.transfer(%s, test.ids(''full'', ''round'', ''again''), ''{%2$s,%2$s,3}'')',
    test.id('mid'), :highest)), 'TP009', 'a sum of 2^64 + 1 does not come round to 1');
select is((tokpay.transfer(test.id('end'), test.ids('full', 'full'), array[:highest / 2, :highest / 2 + 1]::bigint[])).debit_balance,
    0::bigint, 'a sum of 2^63 - 1 does not');

-- Who is named first: what an account gets in several credits counts as one
select test.open('one', 0, 'XPF', null), test.open('two', 0, 'XPF', null), test.open('three', 0, 'XPF', null),
    test.open('twice', 0, 'XPF'), test.open('once', 0, 'XPF');
select tokpay.transfer(test.id('one'), test.ids('twice'), array[:highest - 10]),
    tokpay.transfer(test.id('two'), test.ids('once'), array[:highest - 10]);
select is((test.attempt(format('select tokpay.transfer(%s, test.ids(''twice'', ''once'', ''twice''), ''{5,20,10}'')', test.id('three')))).detail,
    format('The balance of account %s would not fit a bigint.', test.id('twice')), 'the first account that overflows is named');

-- Limits of 2^62
select test.open('low', 0, 'XAF', -4611686018427387904), test.open('high', 0, 'XAF', 0, 4611686018427387904);
select is((select available from tokpay.balances(test.ids('low'))), 4611686018427387904, 'a floor of -2^62 makes 2^62 available');
select is((tokpay.transfer(test.id('low'), test.ids('high'), '{4611686018427387904}')).credit_balances,
    '{4611686018427387904}', 'from floor -2^62 to ceiling 2^62');
select is(test.sqlstate($$select tokpay.transfer(test.id('low'), test.ids('high'), '{1}')$$), 'TP010', 'the floor holds');
select is(test.sqlstate($$select tokpay.top_up(test.id('high'), 1)$$), 'TP011', 'the ceiling holds');
select tokpay.top_up(test.id('low'), 4611686018427387904);
select tokpay.top_up(test.id('low'), 4611686018427387903);
select is(test.rows($$select balance, available from tokpay.balances(test.ids('low'))$$),
    '(4611686018427387903,9223372036854775807)', 'available below its limit is exact');
select tokpay.top_up(test.id('low'), 1);
select is(test.rows($$select balance, available from tokpay.balances(test.ids('low'))$$),
    '(4611686018427387904,9223372036854775807)', 'available that does not fit a bigint is held at its end');
select is((select available from tokpay.accounts where name = 'low'), :highest, 'and so says the view');

-- Holds up to both ends
create function pg_temp.state(name text) returns text language sql
return (select concat_ws(' ', a.balance, a.held, coalesce(a.available::text, '-')) from tokpay.accounts a where a.name = $1);
select transfer as everything from tokpay.hold(test.id('full'), test.ids('end'), array[:highest]) \gset
select is(pg_temp.state('full'), '9223372036854775807 9223372036854775807 0', 'all of 2^63 - 1 is held');
select is(test.sqlstate($$select tokpay.hold(test.id('full'), test.ids('end'), '{1}')$$), 'TP009', 'one more does not fit what is held');
select is((tokpay.capture(:everything)).credit_balances, array[:highest], 'all of it is captured');
select is((tokpay.reverse((select id from tokpay.transfers where hold = :everything))).debit_balance, :highest, 'and taken back');
select tokpay.open_account('source', 'XPF', null), tokpay.open_account('sink', 'XPF', null), tokpay.open_account('basin', 'XPF', null);
select transfer as first_half from tokpay.hold(test.id('source'), test.ids('sink'), '{4611686018427387904}') \gset
select transfer as second_half from tokpay.hold(test.id('source'), test.ids('sink'), '{4611686018427387903}') \gset
select is(pg_temp.state('source'), '0 9223372036854775807 -', 'an account without a floor holds up to 2^63 - 1');
select is(row((a).sqlstate, (a).detail)::text, format('(TP009,"The held amount of account %s would not fit a bigint.")', test.id('source')), 'and not more')
from test.attempt($$select tokpay.hold(test.id('source'), test.ids('sink'), '{1}')$$) as a;
select tokpay.transfer(test.id('source'), test.ids('basin'), '{4611686018427387905}');
select is((test.attempt(format('select tokpay.capture(%s)', :first_half))).detail, format('The balance of account %s would not fit a bigint.', test.id('source')),
    'a capture goes down to -2^63 and not below');
select is((tokpay.capture(:first_half, '{4611686018427387903}')).debit_balance, -9223372036854775808, 'it may, to the last unit');
select is((tokpay.void(:second_half)).debit_balance, -9223372036854775808, 'and void gives back what cannot be captured any more');
select is(pg_temp.state('source'), '-9223372036854775808 0 -', 'nothing is held then');
select tokpay.add_currency('DEEP', 0::smallint);
select test.open('deep', 4611686018427387904, 'DEEP', -4611686018427387904), test.open('dive', 0, 'DEEP');
select is((select available from tokpay.balances(test.ids('deep'))), :highest, 'balance 2^62 above a floor of -2^62: 2^63 is shown as 2^63 - 1');
select tokpay.hold(test.id('deep'), test.ids('dive'), array[:highest]);
select is(pg_temp.state('deep'), '4611686018427387904 9223372036854775807 1', 'held, one unit of it is left, exactly');
select is((tokpay.transfer(test.id('deep'), test.ids('dive'), '{1}')).debit_balance, 4611686018427387903, 'which can be spent');
select is(test.sqlstate($$select tokpay.transfer(test.id('deep'), test.ids('dive'), '{1}')$$), 'TP010', 'once');

-- Versions, forged to be near the end of bigint
create function pg_temp.at_version(name text, version bigint, call text) returns text language plpgsql as $$
declare
    a test.attempt;
begin
    alter table tokpay.account_state disable trigger immutable, disable trigger immutable_row;
    update tokpay.account_state s set version = $2 where s.id = test.id(name);
    a := test.attempt(test.fill('select tokpay.' || call));
    raise exception using errcode = 'UNDO0', message = concat_ws(' ', a.sqlstate, regexp_replace(a.detail, 'account \d+', 'account N'));
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select is(pg_temp.at_version(name, version, call), outcome, format('version %s: %s', version, call))
from (values
    ('mid', 9223372036854775806, $$transfer({mid}, '{{end}}', '{1}')$$, 'ok'),
    ('mid', 9223372036854775807, $$transfer({mid}, '{{end}}', '{1}')$$, 'TP009 The version of account N would not fit a bigint.'),
    ('end', 9223372036854765807, $$transfer({mid}, '{{end}}', '{1}')$$, 'ok'),
    ('end', 9223372036854775807, $$transfer({mid}, '{{end}}', '{1}')$$, 'TP009 The version of account N would not fit a bigint.'),
    ('mid', 9223372036854775807, $$hold({mid}, '{{end}}', '{1}')$$, 'ok')
) as cases (name, version, call, outcome);

-- 1 to 10,000 credits
select test.open('payer', 100000), test.open('last');
create temporary table crowd as
    select place, tokpay.open_account() as id from generate_series(1, 9999) as place;
create function pg_temp.pay(count integer) returns tokpay.transfer_result language sql
return tokpay.transfer(test.id('payer'),
    array(select c.id from crowd c where c.place <= count order by c.place desc) || test.id('last'),
    array_fill(1::bigint, array[least(count, 9999) + 1]));
select is((pg_temp.pay(0)).debit_balance, 99999::bigint, '1 credit');
select is((pg_temp.pay(9999)).debit_balance, 89999::bigint, '10,000 credits');
select is((select count(*) from crowd, tokpay.balance(id) as b where b = 1), 9999::bigint, 'reach 10,000 accounts');
select is((select cardinality(counterparties) from tokpay.history(test.id('payer'), max_rows => 1)), 10000,
    'history names 10,000 counterparties');
select is((test.attempt(format('select tokpay.transfer(%s, %L, %L)', test.id('payer'),
        array_fill(test.id('last'), array[10001]), array_fill(1, array[10001])))).detail,
    'There are 10001 credits; a transfer has at most 10000.', '10,001 credits are refused');
select is((tokpay.transfer(test.id('payer'), array_fill(test.id('last'), array[10000]),
        array_fill(1::bigint, array[10000]))).credit_versions[10000], 10002::bigint,
    '10,000 credits to one account are 10,000 versions');
select is((select count(*) from tokpay.entries where account = test.id('last')), 10002::bigint, 'and as many entries');

select transfer as room from tokpay.hold(test.id('payer'), array(select id from crowd order by place) || test.id('last'), array_fill(2::bigint, array[10000])) \gset
select is(test.rows(format('select cardinality(credit_balances), debit_balance from tokpay.capture(%s, array_fill(0::bigint, array[9999]) || 1::bigint)', :room)),
    format('(10000,%s)', test.balance('payer') - 1), 'a hold for 10,000 is captured for the last of them');
select is((test.attempt(format('select tokpay.hold(%s, %L, %L)', test.id('payer'), array_fill(test.id('last'), array[10001]), array_fill(1, array[10001])))).detail,
    'There are 10001 credits; a transfer has at most 10000.', 'a hold for 10,001 is refused');

-- Sizes of texts
select is(array(select test.sqlstate(format('select tokpay.transfer(%s, %L, ''{1}'', %s)', test.id('payer'), test.ids('last'), texts))
    from (values (1, $$repeat('k', 1)$$), (2, $$repeat('k', 255)$$), (3, $$repeat('k', 256)$$), (4, $$repeat('é', 127)$$),
        (5, $$repeat('é', 128)$$), (6, $$''$$), (7, $$null, ''$$), (8, $$null, repeat('d', 10000)$$), (9, $$null, repeat('d', 10001)$$),
        (10, $$null, null, to_jsonb(repeat('m', 1000000))$$), (11, $$null, null, to_jsonb(repeat('m', 1048577))$$)
    ) as cases (place, texts) order by place),
    '{ok,ok,TP001,ok,TP001,TP001,ok,ok,TP001,ok,TP001}'::text[],
    'keys of 1 to 255 bytes, descriptions up to 10,000 bytes, metadata up to a megabyte');
select tokpay.transfer(test.id('payer'), test.ids('last'), '{1}', repeat('é', 127), repeat('d', 10000), to_jsonb(repeat('m', 1000000)));
select is((tokpay.transfer(test.id('payer'), test.ids('last'), '{1}', repeat('é', 127), repeat('d', 10000),
        to_jsonb(repeat('m', 1000000)))).replayed, true, 'texts of every size come back as they went');
select is(test.sqlstate($$select tokpay.transfer(test.id('payer'), test.ids('last'), '{1}', repeat('é', 127), repeat('d', 10000),
        to_jsonb(repeat('m', 999999) || 'n'))$$), 'TP002', 'and are compared to the last byte');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
