-- Chains in transfer_batch: requests that succeed or fail together, and replay together.
begin;
select plan(43);
select test.open('payer', 100), test.open('ann'), test.open('bob'), test.open('full', 10, max_balance => 10), test.open('rich', 20000), test.open('near');

-- The batch of requests written as [chain/]debit>credits:amounts[:key], or null, as 'code debit_balance'.
create function pg_temp.batch(requests text) returns text language sql as $$
    select string_agg(concat_ws(' ', o.code, o.debit_balance, case when o.replayed then 'again' end), ', ' order by o.position)
    from tokpay.transfer_batch(array(
        select case when r <> 'null' then test.request(test.id(part[2]), test.ids(variadic string_to_array(part[3], ',')),
            string_to_array(part[4], ',')::bigint[], part[5], chain => part[1]::integer) end
        from unnest(string_to_array(requests, ' | ')) with ordinality as u (r, place),
            lateral regexp_match(r, '^(?:([-0-9]+)/)?([a-z]+)>([a-z,]+):([-0-9,]+)(?::(.*))?$') as part order by place)) as o
$$;
-- The same, undone.
create function pg_temp.tried(requests text) returns text language plpgsql as $$
begin
    raise exception using errcode = 'UNDO0', message = pg_temp.batch(requests);
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;

-- Together or not at all
select is(pg_temp.batch('1/payer>ann:1:c1 | 1/payer>bob:2:c2'), 'ok 99, ok 97', 'a chain goes through');

select is(pg_temp.tried(requests), outcomes, what)
from (values
    ('ok 96, ok 0, ok 0', 'money received earlier in a chain can be spent later in it', '1/payer>ann:1 | 1/ann>bob:2 | 1/bob>payer:4'),
    ('insufficient_funds, chain_failed, chain_failed', 'the first fails', '1/payer>ann:98 | 1/payer>ann:1 | 1/payer>bob:1'),
    ('chain_failed, insufficient_funds, chain_failed', 'one in the middle fails', '1/payer>ann:90 | 1/payer>ann:8 | 1/payer>bob:1'),
    ('chain_failed, chain_failed, balance_limit', 'the last fails', '1/payer>ann:1 | 1/payer>ann:1 | 1/payer>full:1'),
    ('insufficient_funds, chain_failed', 'the first that fails has its code, though a later one breaks an earlier rule', '1/payer>ann:98 | 1/payer>ann:0'),
    ('chain_failed, invalid_request', 'a malformed request fails its chain', '1/payer>ann:1 | 1/payer>ann:0'),
    ('ok 96, chain_failed, balance_limit, ok 95', 'requests around a chain that fails go through', 'payer>ann:1 | 1/payer>ann:5 | 1/payer>full:1 | payer>ann:1'),
    ('chain_failed, balance_limit, insufficient_funds', 'what a failed chain moved is not there afterwards', '1/payer>ann:50 | 1/payer>full:1 | ann>bob:50'),
    ('chain_failed, balance_limit, ok 0', 'nor is it gone', '1/payer>ann:50 | 1/payer>full:1 | payer>ann:97'),
    ('ok 9, chain_failed, balance_limit, ok 96', 'room under a ceiling is given back', 'full>ann:1 | 1/payer>full:1 | 1/payer>full:1 | payer>full:1'),
    ('chain_failed, balance_limit, ok 96, ok 95', 'two chains, one behind the other', '1/payer>ann:5 | 1/payer>full:1 | 2/payer>ann:1 | 2/payer>ann:1'),
    ('ok 96', 'a chain of one', '7/payer>ann:1'),
    ('insufficient_funds', 'a chain of one that fails has its code', '7/payer>ann:98'),
    ('ok 96, ok 95, ok 94, ok 93', 'any integer is a chain', '0/payer>ann:1 | -1/payer>ann:1 | 2147483647/payer>ann:1 | -2147483648/payer>ann:1'),
    ('invalid_request, ok 96, invalid_request', 'a chain in two pieces', '1/payer>ann:1 | payer>ann:1 | 1/payer>ann:1'),
    ('invalid_request, invalid_request, ok 96, invalid_request', 'another chain between its pieces',
        '1/payer>ann:1 | 1/payer>ann:1 | 2/payer>ann:1 | 1/payer>ann:1'),
    ('invalid_request, invalid_request, invalid_request', 'a null request belongs to no chain', '1/payer>ann:1 | null | 1/payer>ann:1')
) as cases (outcomes, what, requests);

-- Replays
select is(pg_temp.tried(requests), outcomes, 'keys: ' || what)
from (values
    ('ok 99 again, ok 97 again', 'a chain replays whole', '1/payer>ann:1:c1 | 1/payer>bob:2:c2'),
    ('ok 99 again, ok 97 again', 'under another number', '5/payer>ann:1:c1 | 5/payer>bob:2:c2'),
    ('ok 99 again, ok 97 again', 'and without a chain', 'payer>ann:1:c1 | payer>bob:2:c2'),
    ('ok 97 again', 'a part of it is a chain of its own', '1/payer>bob:2:c2'),
    ('ok 97 again, ok 99 again', 'in another order, too', '1/payer>bob:2:c2 | 1/payer>ann:1:c1'),
    ('chain_failed, key_reused', 'a new key after a used one', '1/payer>ann:1:c1 | 1/payer>bob:2:c3'),
    ('chain_failed, key_reused', 'a used key after a new one', '1/payer>ann:1:c3 | 1/payer>bob:2:c2'),
    ('chain_failed, key_reused', 'no key after a used one', '1/payer>ann:1:c1 | 1/payer>bob:2'),
    ('chain_failed, key_reused', 'a used key after none', '1/payer>ann:1 | 1/payer>bob:2:c2'),
    ('chain_failed, key_reused', 'the mixture answers before a lack of money', '1/payer>ann:1:c1 | 1/payer>bob:98:c3'),
    ('chain_failed, key_reused', 'a used key with another amount', '1/payer>ann:1:c1 | 1/payer>bob:3:c2'),
    ('chain_failed, key_reused', 'one key twice in a chain', '1/payer>ann:1:c3 | 1/payer>ann:1:c3'),
    ('ok 96, ok 94, ok 96 again, ok 94 again', 'the same chain twice in a batch', '1/payer>ann:1:c3 | 1/payer>bob:2:c4 | 2/payer>ann:1:c3 | 2/payer>bob:2:c4'),
    ('chain_failed, balance_limit, ok 96, ok 94', 'the keys of a chain that failed are free',
        '1/payer>ann:1:c3 | 1/payer>full:2:c4 | 2/payer>ann:1:c3 | 2/payer>bob:2:c4')
) as cases (outcomes, what, requests);

-- What the others are told
select is(test.rows(format($$select position, code, transfer, debit_balance, replayed, account, balance, required, detail
        from tokpay.transfer_batch(array[test.request(%1$s, %2$L, '{1}'), test.request(%1$s, %2$L, '{1}', chain => 1),
            test.request(%1$s, %2$L, '{1000}', chain => 1), test.request(%1$s, %2$L, '{1}', chain => 1)]) where position > 1$$, test.id('payer'), test.ids('ann'))),
    format('(2,chain_failed,,,,,,,"Another request of the same chain was refused: insufficient_funds.") '
        '(3,insufficient_funds,,,,%1$s,95,1000,"Account %1$s has 95 available, the transfer needs 1000.") '
        '(4,chain_failed,,,,,,,"Another request of the same chain was refused: insufficient_funds.")', test.id('payer')),
    'a chain''s other requests are told which one failed');

-- No trace
create temporary table before as select * from tokpay.accounts;
select n_tup_upd as updates from pg_stat_xact_user_tables where relname = 'account_state' \gset
select is(pg_temp.batch('1/payer>ann:1:c5 | 1/ann>payer:1 | 1/payer>ann:1 | 1/payer>full:1'), 'chain_failed, chain_failed, chain_failed, balance_limit',
    'a chain fails');
select is(test.rows('(table before except table tokpay.accounts) union all (table tokpay.accounts except table before)'), '', 'and leaves every account as it was');
select is(tokpay.transfer_by_key(test.id('payer'), 'c5') is null, true, 'and its key free');
select is((select n_tup_upd from pg_stat_xact_user_tables where relname = 'account_state'), :updates::bigint, 'and no row written');

select count(tokpay.top_up(test.id('near'), 1)) from generate_series(1, 127);
select is(pg_temp.batch('1/payer>near:1 | 1/payer>full:1'), 'chain_failed, balance_limit', 'a chain fails after a 128th entry');
select is((select count(*) from tokpay.waypoint where account = test.id('near')), 0::bigint, 'and leaves no waypoint');

-- Sizes
select is(test.rows($$select count(*), string_agg(distinct code, ' '), count(distinct transfer), min(debit_balance) from tokpay.transfer_batch(
        array_fill(test.request(test.id('rich'), test.ids('ann'), '{1}', chain => 1), array[10000]))$$), '(10000,ok,10000,10000)', 'a chain of 10,000');
select is(test.rows($$select code, count(*) from tokpay.transfer_batch(array_fill(test.request(test.id('rich'), test.ids('ann'), '{1}', chain => 1), array[9999])
        || test.request(test.id('rich'), test.ids('full'), '{1}', chain => 1)) group by code order by code$$), '(balance_limit,1) (chain_failed,9999)',
    'the last of 10,000 fails');
select is(test.balance('rich'), 10000::bigint, 'and nothing has moved');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
