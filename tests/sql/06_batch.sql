-- transfer_batch: an outcome per request in order, refusals beside successes, order of effects.
begin;
select plan(23);
select test.open('payer', 100), test.open('ann'), test.open('bob'), test.open('eve'), test.open('euro', 100, 'EUR'),
    test.open('full', 10, max_balance => 10);

-- The batch of these requests, each written as debit>credits:amounts[:key], as 'code debit_balance'.
create function pg_temp.batch(variadic requests text[]) returns text language sql as $$
    select string_agg(concat_ws(' ', o.code, o.debit_balance, case when o.replayed then 'again' end), ', ' order by o.position)
    from tokpay.transfer_batch(array(
        select test.request(test.id(split_part(r, '>', 1)), test.ids(variadic string_to_array(split_part(split_part(r, '>', 2), ':', 1), ',')),
            string_to_array(split_part(r, ':', 2), ',')::bigint[], nullif(split_part(r, ':', 3), ''))
        from unnest(requests) with ordinality as u (r, place) order by place)) as o
$$;

select is(pg_temp.batch('payer>ann:10', 'payer>ann,bob:20,30', 'payer>eve:5'), 'ok 90, ok 40, ok 35', 'outcomes stand in request order');
select is(test.rows('select name, balance, version from tokpay.accounts where name in (''payer'', ''ann'', ''bob'', ''eve'') order by name'),
    '(ann,30,2) (bob,30,1) (eve,5,1) (payer,35,4)', 'and the books say the same');
select is(pg_temp.batch('ann>bob:31', 'payer>ann:35', 'ann>bob:31', 'payer>ann:1'),
    'insufficient_funds, ok 0, ok 34, insufficient_funds', 'money received earlier in a batch can be spent later in it, and not before');
select is(pg_temp.batch('ann>bob:34', 'bob>eve:95', 'eve>payer:100', 'payer>full:10', 'payer>ann:10'),
    'ok 0, ok 0, ok 0, balance_limit, ok 90', 'money passes through four accounts');
select is(pg_temp.batch('full>ann:3', 'payer>full:2', 'payer>full:2', 'payer>full:1'),
    'ok 7, ok 88, balance_limit, ok 87', 'room under a ceiling made earlier in a batch can be used later in it');
select is(test.balance('payer'), 87::bigint, 'refusals change nothing');

-- Every kind of refusal beside two that succeed
select is(regexp_replace(test.rows(format($$select position, code, debit_balance, account, balance, required, detail from tokpay.transfer_batch(array[
        test.request(%1$s, '{%2$s}', '{1}', 'first'),
        null,
        test.request(null, '{%2$s}', '{1}'),
        test.request(%1$s, '{%2$s}', '{0}'),
        test.request(%1$s, '{%2$s}', '{1}', '', 'a'),
        test.request(%1$s, '{%2$s}', '{2}', 'first'),
        test.request(%1$s, '{999999999}', '{1}'),
        test.request(%1$s, '{%1$s}', '{1}'),
        test.request(%1$s, '{%3$s}', '{1}'),
        test.request(%1$s, '{%2$s,%2$s}', '{9223372036854775807,1}'),
        test.request(%1$s, '{%2$s}', '{87}'),
        test.request(%1$s, '{%4$s,%4$s}', '{1,2}'),
        test.request(%1$s, '{%2$s}', '{1}', 'first'),
        test.request(%1$s, '{%2$s}', '{1}')])$$, test.id('payer'), test.id('ann'), test.id('euro'), test.id('full'))),
        'transfer \d+', 'transfer N'),
    format('(1,ok,86,,,,) (2,invalid_request,,,,,"The request is null.") (3,invalid_request,,,,,"debit is null.") '
        '(4,invalid_request,,,,,"amounts[1] is 0; an amount is positive.") (5,invalid_request,,,,,"key has 0 bytes; a key has 1 to 255.") '
        '(6,key_reused,,%1$s,,,"Account %1$s used key ""first"" for transfer N, which differs in its amounts.") '
        '(7,account_not_found,,999999999,,,"There is no account 999999999.") (8,same_account,,%1$s,,,"Account %1$s is debited and credited.") '
        '(9,currency_mismatch,,%3$s,,,"Account %3$s is in EUR, the debited one in USD.") '
        '(10,amount_overflow,,%1$s,,,"The sum of the amounts that account %1$s is to pay does not fit a bigint.") '
        '(11,insufficient_funds,,%1$s,86,87,"Account %1$s has 86 available, the transfer needs 87.") '
        '(12,balance_limit,,%4$s,10,3,"Account %4$s has 10, a credit of 3 would lift it above its max_balance 10.") '
        '(13,ok,86,,,,) (14,ok,85,,,,)',
        test.id('payer'), test.id('ann'), test.id('euro'), test.id('full')),
    'each refusal has its code, account, balance, required and detail; its neighbours go through');
select is((select bool_and((code = 'ok') = (transfer is not null) and (code = 'ok') = (at is not null) and (code = 'ok') = (debit_version is not null)
        and (code = 'ok') = (credit_balances is not null) and (code = 'ok') = (credit_versions is not null) and (code = 'ok') = (replayed is not null))
    from tokpay.transfer_batch(array[test.request(test.id('payer'), test.ids('ann'), '{1}'), test.request(test.id('payer'), test.ids('ann'), '{1000}')])),
    true, 'a refusal has nulls where a success has its result');
set local role tokpay_teller;
select code as floorless from tokpay.transfer_batch(array[row((select funding from tokpay.currencies where code = 'USD'),
    array(select id from tokpay.accounts where name = 'ann'), '{1}', null, null, null, null)::tokpay.transfer_request]) \gset
reset role;
select is(:'floorless'::text, 'not_permitted', 'a teller''s debit of a floorless account is an outcome, not an error');

-- What is held is not there; frozen and closed
select test.open('holder', 50), test.open('ice'), test.open('gone');
select tokpay.hold(test.id('holder'), test.ids('ann'), '{20}'), tokpay.freeze(test.id('ice')), tokpay.close(test.id('gone'));
select is(test.rows(format($$select code, debit_balance, account, balance, required, detail from tokpay.transfer_batch(array[test.request(%1$s, '{%2$s}', '{31}'),
        test.request(%1$s, '{%2$s,%3$s}', '{1,1}'), test.request(%4$s, '{%2$s}', '{1}'), test.request(%1$s, '{%2$s}', '{30}')])$$,
        test.id('holder'), test.id('ann'), test.id('ice'), test.id('gone'))),
    format('(insufficient_funds,,%1$s,50,31,"Account %1$s has 30 available, the transfer needs 31.") (account_frozen,,%2$s,,,"Account %2$s is frozen.") '
        '(account_closed,,%3$s,,,"Account %3$s is closed.") (ok,20,,,,)', test.id('holder'), test.id('ice'), test.id('gone')),
    'a refusal tells the balance and in its detail what of it is available; frozen and closed are outcomes');

-- Sizes
select is(test.rows($$select * from tokpay.transfer_batch('{}')$$), '', 'no requests, no outcomes');
select is(test.rows($$select position, code from tokpay.transfer_batch(array[null, null]::tokpay.transfer_request[])$$),
    '(1,invalid_request) (2,invalid_request)', 'null requests are outcomes');
select is(test.sqlstate('select * from tokpay.transfer_batch(null)'), 'TP001', 'a null batch is refused');
select test.open('rich', 1000000);
create temporary table outcome as
    select * from tokpay.transfer_batch(array_fill(test.request(test.id('rich'), test.ids('ann'), '{1}'), array[10000]));
select is(test.rows('select count(*), min(debit_balance), max(debit_balance), count(distinct transfer) from outcome where code = ''ok'''),
    '(10000,990000,999999,10000)', '10,000 requests');
select is((select bool_and(position + debit_balance = 1000000 and debit_version = position + 1) from outcome), true, 'run one after another');
select is((select bool_and(transfer > earlier and at > at_before) from (select transfer, at, lag(transfer) over w as earlier, lag(at) over w as at_before
        from outcome window w as (order by position)) as o where earlier is not null), true, 'their ids and times ascend');
select is((test.attempt($$select * from tokpay.transfer_batch(array_fill(test.request(1, '{2}', '{1}'), array[10001]))$$)).detail,
    'There are 10001 requests; a batch has at most 10000.', '10,001 requests are refused as a whole');
select is((select string_agg(distinct code, ' ') from tokpay.transfer_batch(array_fill(
        test.request(test.id('rich'), array_fill(test.id('ann'), array[10000]), array_fill(1::bigint, array[10000])), array[10]))), 'ok',
    '100,000 credits');
select is((test.attempt(format($$select * from tokpay.transfer_batch(array_fill(test.request(%s, %L, %L), array[10]) || test.request(%1$s, %4$L, '{1}'))$$,
        test.id('rich'), array_fill(test.id('ann'), array[10000]), array_fill(1, array[10000]), test.ids('ann')))).detail,
    'There are 100001 credits; a batch has at most 100000.', '100,001 credits are refused as a whole');

-- The same requests in one batch and one by one
create function pg_temp.pays(debit text, credit text) returns tokpay.transfer_request[] language sql
return array(select test.request(case when n % 3 = 0 then test.id(credit) else test.id(debit) end,
        array[case when n % 3 = 0 then test.id(debit) else test.id(credit) end], array[1 + n % 10 * 3],
        case when n % 5 = 0 then 'key ' || n % 15 end)
    from generate_series(1, 60) as n order by n);
select test.open('one', 40), test.open('two', 5), test.open('one again', 40), test.open('two again', 5);
create temporary table batched as
    select position, code, debit_balance, debit_version, credit_balances, credit_versions, replayed
    from tokpay.transfer_batch(pg_temp.pays('one', 'two'));
create temporary table single as select n as position, o.code, o.debit_balance, o.debit_version, o.credit_balances, o.credit_versions, o.replayed
    from unnest(pg_temp.pays('one again', 'two again')) with ordinality as r (debit, credits, amounts, key, description, metadata, chain, n),
        lateral tokpay.transfer_batch(array[test.request(debit, credits, amounts, key)]) as o;
select is(test.rows('(select * from batched except select * from single) union all (select * from single except select * from batched)'), '',
    'a batch answers what its requests answer one by one');
select is((select count(distinct code) + count(distinct replayed) from batched), 5::bigint, 'among them refusals, replays and reuse');
select is(test.balance('one'), test.balance('one again'), 'and leaves the same balances');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
