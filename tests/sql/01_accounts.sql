-- Accounts: opening them, names, limits, currencies and their funding accounts.
begin;
select plan(39);

-- Defaults
select tokpay.open_account() as bare \gset
select is(
    test.rows(format('select name, currency, balance, held, available, min_balance, max_balance, status,
        version, metadata, owner from tokpay.accounts where id = %s', :bare)),
    '(,USD,0,0,0,0,,open,0,{},)',
    'open_account() opens an empty dollar account with floor 0 and no ceiling');
select ok(abs(extract(epoch from clock_timestamp() - opened_at)) < 60, 'opened_at is now')
from tokpay.accounts where id = :bare;

select tokpay.open_account('full', 'EUR', -500, 900, '{"tier": 1}', 'user-7') as full \gset
select is(
    test.rows(format('select name, currency, available, min_balance, max_balance, metadata->>''tier'', owner
        from tokpay.accounts where id = %s', :full)),
    '(full,EUR,500,-500,900,1,user-7)',
    'open_account stores every argument');
select is(tokpay.open_account() > :full, true, 'ids ascend');
select is(tokpay.open_account() <> tokpay.open_account(), true, 'accounts without a name do not collide');

select tokpay.open_account('floorless', min_balance => null) as floorless \gset
select is(test.rows(format('select min_balance, available from tokpay.accounts where id = %s', :floorless)),
    '(,)', 'min_balance null: no floor, nothing is available or not');

-- Refusals
select is(test.sqlstate('select tokpay.open_account(' || arguments || ')'), expected, 'open_account: ' || what)
from (values
    ('TP001', $$''$$, 'an empty name'),
    ('ok', $$repeat('n', 255)$$, 'a name of 255 bytes'),
    ('TP001', $$repeat('n', 256)$$, 'a name of 256 bytes'),
    ('TP001', $$repeat('é', 128)$$, 'a name of 128 characters in 256 bytes'),
    ('TP001', $$'funding/XXX'$$, 'a name kept for funding accounts'),
    ('TP001', $$owner => ''$$, 'an empty owner'),
    ('TP001', $$owner => repeat('o', 256)$$, 'an owner of 256 bytes'),
    ('TP001', $$currency => 'XXX'$$, 'an unknown currency'),
    ('TP001', $$currency => 'usd'$$, 'a currency in lower case'),
    ('TP001', $$currency => null$$, 'no currency'),
    ('TP001', $$metadata => null$$, 'metadata null'),
    ('TP001', $$min_balance => 1$$, 'a floor above 0'),
    ('ok', $$min_balance => -4611686018427387904$$, 'a floor of -2^62'),
    ('TP001', $$min_balance => -4611686018427387905$$, 'a floor below -2^62'),
    ('TP001', $$min_balance => -9223372036854775808$$, 'the lowest bigint as a floor is not "no floor"'),
    ('ok', $$max_balance => 4611686018427387904$$, 'a ceiling of 2^62'),
    ('TP001', $$max_balance => 4611686018427387905$$, 'a ceiling above 2^62'),
    ('TP001', $$max_balance => 9223372036854775807$$, 'the highest bigint as a ceiling is not "no ceiling"'),
    ('TP001', $$max_balance => -9223372036854775808$$, 'the lowest bigint as a ceiling'),
    ('ok', $$max_balance => 0$$, 'a ceiling of 0'),
    ('TP011', $$max_balance => -1$$, 'a ceiling below the balance it opens with'),
    ('TP017', $$'full'$$, 'a name that is taken'),
    ('ok', $$'FULL'$$, 'the same name in other letters')
) as cases (expected, arguments, what);

-- Names
select is(tokpay.account_id('full'), :full::bigint, 'account_id finds an account by its name');
select is(test.sqlstate($$select tokpay.account_id('nobody')$$), 'TP003', 'account_id of an unknown name');
select is(test.sqlstate($$select tokpay.account_id(null)$$), 'TP003', 'account_id of null');

-- Currencies
select is(
    test.rows($$select code, exponent from tokpay.currencies
        where code in ('USD', 'JPY', 'BHD', 'CLF') order by code$$),
    '(BHD,3) (CLF,4) (JPY,0) (USD,2)',
    'ISO currencies are there with their decimal places');
select isnt(test.id('funding/EUR'), null, 'the first account of a currency opens its funding account');
select is((select funding from tokpay.currencies where code = 'EUR'), test.id('funding/EUR'),
    'the view currencies names the funding account');

select tokpay.add_currency('GOLD', 3::smallint);
select is(
    test.rows($$select currency, min_balance, max_balance, balance from tokpay.accounts
        where name = 'funding/GOLD'$$),
    '(GOLD,,,0)',
    'add_currency opens its funding account, without limits');
select is(
    array(select test.sqlstate(format('select tokpay.add_currency(%s)', arguments)) from (values
        (1, $$'USD', 2::smallint$$), (2, $$'GOLD', 3::smallint$$), (3, $$'AB', 2::smallint$$), (4, $$'ABCDEFGHIJKLM', 2::smallint$$),
        (5, $$'gold', 2::smallint$$), (6, $$'1AB', 2::smallint$$), (7, $$null, 2::smallint$$), (8, $$'NEW', null$$),
        (9, $$'NEW', -1::smallint$$), (10, $$'NEW', 19::smallint$$), (11, $$'NEW', 18::smallint$$), (12, $$'ABCDEFGHIJKL', 0::smallint$$)
        ) as cases (place, arguments) order by place),
    '{TP017,TP017,TP001,TP001,TP001,TP001,TP001,TP001,TP001,TP001,ok,ok}'::text[],
    'add_currency: taken codes, malformed codes, exponents 0 to 18');
select is((test.attempt($$select tokpay.open_account('full')$$)).detail, 'There is an account named ''full''.',
    'a taken name is told in the detail');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
