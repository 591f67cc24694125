-- Long histories: paging, bounds and balance_at wherever they fall, the waypoints, and what a page costs.
begin;
select plan(43);
select test.open('payer', 100000), test.open('shop', 7), test.open('crowd'), test.open('unused'), test.open('line', 0, 'USD', -1000000);

-- shop: a top-up, then 1,500 transfers that change its balance by 1 to 3 entries each, in batches, one of them a debit in ten.
select count(*) from tokpay.transfer_batch(array(select case
        when n % 10 = 0 then test.request(test.id('shop'), test.ids('payer'), array[n % 7 + 1])
        when n % 3 = 0 then test.request(test.id('payer'), test.ids('shop', 'crowd', 'shop'), '{1,2,3}')
        when n % 3 = 1 then test.request(test.id('payer'), test.ids('shop'), '{5}', description => 'n ' || n, metadata => to_jsonb(n))
        else test.request(test.id('payer'), test.ids('shop', 'shop', 'shop'), '{1,1,1}') end
    from generate_series(1, 1500) as n order by n));
create temporary table entry as select * from tokpay.entries where account = test.id('shop');
create index on entry (version);
analyze entry;
select is(test.rows('select count(*), min(version), max(version), count(distinct version), count(distinct transfer) from entry'), '(2851,1,2851,2851,1501)',
    'an account with 2,851 entries of 1,501 transfers');

-- What history() must answer, from the entries alone; the whole rows compared.
create function pg_temp.differences(before bigint, max_rows integer, since timestamptz default null,
    until timestamptz default null) returns bigint language sql as $$
    with answered as (
        select version, transfer, amount, balance, kind, at, row_number() over () as place
        from tokpay.history(test.id('shop'), before, max_rows, since, until)
    ), wanted as (
        select e.version, e.transfer, e.amount, e.balance, e.kind, e.at, row_number() over (order by e.version desc) as place from entry e
        where (before is null or e.version < before) and (since is null or e.at >= since) and (until is null or e.at < until)
        order by e.version desc limit max_rows
    )
    select count(*) from ((table answered except table wanted) union all (table wanted except table answered)) as d
$$;
select is(pg_temp.differences(null, 2147483647), 0::bigint, 'history of all');
select is((select sum(pg_temp.differences(before, 3)) from generate_series(-1, 400) as before), 0::numeric, 'a page of 3 before each of the first 400 versions');
select is((select sum(pg_temp.differences(boundary * 128 + nearby, size)) from generate_series(0, 23) as boundary, generate_series(-2, 2) as nearby,
    unnest(array[1, 127, 128, 129, 400]) as size), 0::numeric, 'pages of other sizes around every waypoint');
select is((select sum(pg_temp.differences(before, 100)) from (values (9223372036854775807), (9223372036854775806), (-9223372036854775808), (0), (1)) as b (before)),
    0::numeric,
    'before at the ends of bigint');

-- Page after page: every page begins where the one before it ended.
create function pg_temp.paged(page integer) returns text language plpgsql as $$
declare
    seen bigint[] := '{}';
    last bigint;
    versions bigint[];
begin
    loop
        versions := array(select version from tokpay.history(test.id('shop'), last, page));
        exit when versions = '{}' or cardinality(seen) > 10000;
        seen := seen || versions;
        last := versions[cardinality(versions)];
    end loop;
    return concat_ws(' ', cardinality(seen), seen = array(select version from entry order by version desc));
end $$;
select is(pg_temp.paged(page), '2851 t', format('pages of %s are all of it, in order', page)) from unnest(array[1, 7, 100, 128, 1000]) as page;

-- Times
create temporary table moment as
select distinct at + nearby as at from (select at from entry where version % 250 = 0 or version % 128 in (0, 1, 127) or version in (1, 2, 2850, 2851)) as e,
    unnest(array['-1 microsecond', '0', '1 microsecond']::interval[]) as nearby;
insert into moment values ('-infinity'), ('infinity'), ('2000-01-01'), ('2100-01-01'), ('4714-11-24 00:00:00+00 BC'), ('294276-12-31 23:59:59.999999+00');
select is((select sum(pg_temp.differences(null, 10, null, at)) from moment), 0::numeric, 'until any time');
select is((select sum(pg_temp.differences(null, 5000, at, null)) from moment), 0::numeric, 'since any time');
select is((select sum(pg_temp.differences(before, 130, since.at, till.at)) from (select at from moment order by hashtext(at::text) limit 20) as since,
    (select at from moment order by hashtext('till' || at) limit 20) as till, unnest(array[null, 700, 1280, 1281]) as before), 0::numeric,
        'before, since and until together');
select is((select count(*) from moment m where tokpay.balance_at(test.id('shop'), m.at)
        is distinct from coalesce((select e.balance from entry e where e.at <= m.at order by e.version desc limit 1), 0)), 0::bigint, 'balance_at any time');
select is((select count(*) from entry e where (select h.balance from tokpay.history(test.id('shop'), e.version + 1, 1) as h) <> e.balance), 0::bigint,
    'the balance after any version');

-- balance_at: who and when
select is(tokpay.balance_at(test.id('shop'), 'infinity'), test.balance('shop'), 'balance_at infinity is the balance');
select is(tokpay.balance_at(test.id('shop'), '-infinity'), 0::bigint, 'at -infinity it is 0');
select is(tokpay.balance_at(test.id('unused'), 'infinity'), 0::bigint, 'of an unused account too');
select is(row(a.sqlstate, a.detail)::text, row(expected, why)::text, format('balance_at(%s)', arguments))
from (values ('TP003', 'There is no account 999999999.', '999999999, now()'), ('TP001', 'account is null.', 'null, now()'), ('TP001', 'at is null.', '1, null'),
    ('TP001', 'account is null.', 'null, null')) as cases (expected, why, arguments), lateral test.attempt(format('select tokpay.balance_at(%s)', arguments)) as a;
select is(row(a.sqlstate, a.detail)::text, row(expected, why)::text, format('history(%s)', arguments))
from (values ('TP001', 'account is null.', 'null'), ('TP003', 'There is no account 0.', '0'), ('TP001', 'max_rows is 1 or more.', '1, null, 0'),
    ('TP001', 'max_rows is 1 or more.', '1, null, -2147483648'),
    ('TP001', 'max_rows is 1 or more.', '1, null, null')) as cases (expected, why, arguments),
        lateral test.attempt(format('select * from tokpay.history(%s)', arguments)) as a;

-- Descriptions and metadata come with the entry that is theirs, far back too
select is(test.rows(format('select description, metadata from tokpay.history(%s, %s, 1)', test.id('shop'), version + 1)), format('("n %s",%1$s)', n),
    format('description and metadata of transfer %s', n))
from (select e.version, t.description, substr(t.description, 3)::integer as n from entry e join tokpay.transfers t on t.id = e.transfer) as d where n in (1, 7, 721,
    1498);

-- A hot account: one transfer of 10,000 credits to it crosses 78 waypoints
select transfer as flood, at as flood_at from tokpay.transfer(test.id('line'), array_fill(test.id('crowd'), array[10000]), array_fill(1::bigint, array[10000])) \gset
select version as top from tokpay.accounts where name = 'crowd' \gset
select is((select array_agg(version order by place) = array_agg(expected order by place) from (
        select version, :top + 1 - row_number() over () as expected, row_number() over () as place from tokpay.history(test.id('crowd'), null, 20000)) as h), true,
    'its entries come one by one, newest first');
select is(test.rows(format('select version, balance, transfer = %s from tokpay.history(test.id(''crowd''), %s, 1)', :flood, :top - 5000)),
    format('(%s,%s,t)', :top - 5001, test.balance('crowd') - 5001),
    'a page in the middle of it');
select is(test.rows(format('select count(*), min(version), max(version) from tokpay.history(test.id(''crowd''), null, 20000, %L, %1$L::timestamptz + interval ''1 microsecond'')', :'flood_at')),
    format('(10000,%s,%s)', :top - 9999, :top), 'all of it by its time');
select is(tokpay.balance_at(test.id('crowd'), :'flood_at'::timestamptz), test.balance('crowd'), 'balance_at its time is the balance after its last credit');
select is(tokpay.balance_at(test.id('crowd'), :'flood_at'::timestamptz - interval '1 microsecond'), test.balance('crowd') - 10000,
    'and before it that before its first');
select transfer from tokpay.reverse(:flood);
select is((select balance from tokpay.history(test.id('crowd'), 1)), null, 'before version 1 there is nothing');
select is(test.rows('select count(*), min(amount), max(amount), min(balance) from tokpay.history(test.id(''crowd''), null, 10000)'),
    format('(10000,-1,-1,%s)', test.balance('crowd')), 'its reverse is 10,000 entries, too');

-- Waypoints: one for every version divisible by 128
select is(test.rows('(select account, version, transfer, at from tokpay.waypoint except select account, version, transfer, at from tokpay.entries where version % 128 = 0)
    union all (select account, version, transfer, at from tokpay.entries where version % 128 = 0 except select account, version, transfer, at from tokpay.waypoint)'), '',
    'every 128th entry of every account is a waypoint, and nothing else');

-- What a page costs: the same near the newest entry and 20,000 entries back
select count(*) from tokpay.transfer_batch(array_fill(test.request(test.id('line'), test.ids('unused'), '{1}'), array[10000]));
select count(*) from tokpay.transfer_batch(array_fill(test.request(test.id('line'), test.ids('unused'), '{1}'), array[10000]));
create function pg_temp.blocks(query text) returns bigint language plpgsql as $$
declare
    plan jsonb;
begin
    execute format('explain (analyze, buffers, format json) %s', query) into plan;
    return (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
end $$;
select at as early from tokpay.history(test.id('unused'), 101, 1) \gset
select ok(pg_temp.blocks(query) < 2000, format('%s reads fewer than 2,000 blocks', what))
from (values ('a page of 10 far back', $$select * from tokpay.history(test.id('unused'), 100, 10)$$),
    ('a page of 10 by an early time', format($$select * from tokpay.history(test.id('unused'), null, 10, null, %L)$$, :'early')),
    ('a balance at an early time', format($$select tokpay.balance_at(test.id('unused'), %L)$$, :'early'))) as cases (what, query);
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
