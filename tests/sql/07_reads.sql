-- balance, balances, history, transfer_by_key and the views.
begin;
select plan(43);
select test.open('payer', 1000), test.open('ann'), test.open('bob', 5), test.open('line', 0, 'EUR', -30),
    test.open('floorless', 0, 'EUR', null);

-- balance
select is(tokpay.balance(test.id('payer')), 1000::bigint, 'balance');
select is(tokpay.balance(test.id('ann')), 0::bigint, 'balance of an unused account');
select is(row(a.sqlstate, a.detail)::text, row(expected, why)::text, 'balance of ' || arguments)
from (values ('TP003', 'There is no account 999999999.', '999999999'), ('TP003', 'There is no account 0.', '0'),
        ('TP003', 'There is no account -9223372036854775808.', '-9223372036854775808'), ('TP001', 'account is null.', 'null')) as cases (expected, why, arguments),
    lateral test.attempt(format('select tokpay.balance(%s)', arguments)) as a;

-- balances
select is(test.rows(format('select * from tokpay.balances(array[%1$s, 999999999, %2$s, %1$s, null, %3$s, %4$s])',
        test.id('payer'), test.id('bob'), test.id('line'), test.id('floorless'))),
    format('(%1$s,1000,0,1000,1,USD) (999999999,,,,,) (%2$s,5,0,5,1,USD) (%1$s,1000,0,1000,1,USD) (,,,,,) (%3$s,0,0,30,0,EUR) (%4$s,0,0,,0,EUR)',
        test.id('payer'), test.id('bob'), test.id('line'), test.id('floorless')),
    'balances: a row per element in order; repeats, unknown, null, credit line, no floor');
select is(test.rows('select * from tokpay.balances(''{}'')'), '', 'balances of none');
select is(test.sqlstate('select * from tokpay.balances(null)'), 'TP001', 'balances of null');
select is((select count(*) from tokpay.balances(array(select generate_series(1, 20000)))), 20000::bigint, 'balances of 20,000');

-- history
select tokpay.transfer(test.id('payer'), test.ids('bob', 'ann', 'bob'), '{1,2,3}', 'lunch', 'May', '{"a": 1}'),
    tokpay.transfer(test.id('bob'), test.ids('payer'), '{4}'), tokpay.transfer(test.id('payer'), test.ids('ann'), '{5}');
create function pg_temp.history(name text, arguments text default '') returns text language sql
return test.rows(format('select version, amount, balance, kind from tokpay.history(test.id(%L)%s)', name, arguments));
select is(pg_temp.history('bob'), '(4,-4,5,transfer) (3,3,9,transfer) (2,1,6,transfer) (1,5,5,top_up)',
    'history: newest first, both credits of one transfer');
select is(pg_temp.history('payer'), '(4,-5,993,transfer) (3,4,998,transfer) (2,-6,994,transfer) (1,1000,1000,top_up)', 'history of the payer');
select is((select string_agg(counterparties::text, ' ' order by version) from tokpay.history(test.id('payer'))),
    concat_ws(' ', array[test.id('funding/USD')], test.ids('ann', 'bob'), test.ids('bob'), test.ids('ann')),
    'counterparties: payees without repeats for a debit, the payer for a credit');
select is(test.rows('select description, metadata from tokpay.history(test.id(''bob'')) where version in (2, 3)'),
    '(May,"{""a"": 1}") (May,"{""a"": 1}")', 'both entries of an account tell description and metadata');
select is(pg_temp.history('bob', arguments), expected, 'history: ' || what)
from (values
    (', 3', '(2,1,6,transfer) (1,5,5,top_up)', 'before excludes its version'),
    (', 1', '', 'before the first'),
    (', 5', '(4,-4,5,transfer) (3,3,9,transfer) (2,1,6,transfer) (1,5,5,top_up)', 'before above the newest'),
    (', null, 2', '(4,-4,5,transfer) (3,3,9,transfer)', 'max_rows may end between two entries of one transfer'),
    (', 3, 1', '(2,1,6,transfer)', 'the next page goes on within that transfer'),
    (', since => ''infinity''', '', 'since after all'),
    (', until => ''-infinity''', '', 'until before all'),
    (', since => ''-infinity'', until => ''infinity''', '(4,-4,5,transfer) (3,3,9,transfer) (2,1,6,transfer) (1,5,5,top_up)', 'bounds around all')
) as cases (arguments, expected, what);
select at as lunch_at from tokpay.transfers where key = 'lunch' \gset
select is(pg_temp.history('bob', format(', since => %L', :'lunch_at')), '(4,-4,5,transfer) (3,3,9,transfer) (2,1,6,transfer)', 'since is inclusive');
select is(pg_temp.history('bob', format(', until => %L', :'lunch_at')), '(1,5,5,top_up)', 'until is exclusive');
select is(pg_temp.history('bob', format(', since => %1$L, until => %1$L::timestamptz + interval ''1 microsecond'', max_rows => 1', :'lunch_at')), '(3,3,9,transfer)',
    'bounds and max_rows together');
select is(pg_temp.history('line'), '', 'an unused account has no history');
select is(test.sqlstate(format('select * from tokpay.history(%s)', arguments)), expected, 'history: ' || what)
from (values ('TP003', '999999999', 'an unknown account'), ('TP001', 'null', 'no account'), ('TP001', 'test.id(''bob''), null, 0', 'max_rows 0'),
        ('TP001', 'test.id(''bob''), null, null', 'max_rows null')) as cases (expected, arguments, what);
select is((select array_agg(row(version, transfer, amount, balance, kind, at)::text) from tokpay.history(test.id('bob'))),
    (select array_agg(row(version, transfer, amount, balance, kind, at)::text order by version desc) from tokpay.entries where account = test.id('bob')),
    'the view entries tells the same');

-- transfer_by_key
select is(tokpay.transfer_by_key(test.id('payer'), 'lunch')::text,
    tokpay.transfer(test.id('payer'), test.ids('bob', 'ann', 'bob'), '{1,2,3}', 'lunch', 'May', '{"a": 1}')::text,
    'transfer_by_key answers what a replay answers');
select is(array(select tokpay.transfer_by_key(debit, key) is null from (values (test.id('payer'), 'dinner'), (test.id('bob'), 'lunch'), (999999999, 'lunch'),
        (null, 'lunch'), (test.id('payer'), null)) as cases (debit, key)), '{t,t,t,t,t}'::boolean[],
    'transfer_by_key is null for an unused key, another account''s key, an unknown account, no account, no key');

-- The views
select is(test.rows('select sum(balance) = 0, count(*) = count(distinct id) from tokpay.accounts'), '(t,t)', 'the view accounts has every account once');
select is((select count(*) from tokpay.entries), (select sum(1 + cardinality(credits)) from tokpay.transfers), 'the view entries has an entry per debit and credit');
select is(test.rows('select debit_balance, debit_version, credit_balances, credit_versions from tokpay.receipts where key = ''lunch'''),
    '(994,2,"{6,2,9}","{2,1,3}")', 'the view receipts has the balances right after');
select is(test.sqlstate(format('select tokpay.leg_column(%L, %s)', legs, part)), expected, format('leg_column(%s, %s)', legs, part))
from (values ('{1,2,3,4,5}', 0, '22023'), ('{1,2,3,4,5}', 6, '22023'), ('{1,2,3,4,5}', -2147483648, '22023'), ('{1,2,3,4}', 1, 'XX001'), ('{1,2,3,4,null}', 1, 'XX001'),
    ('{}', 1, 'ok')) as cases (legs, part, expected);
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
