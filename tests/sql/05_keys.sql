-- Idempotency keys: replays, reuse, scope, and keys of refused requests.
begin;
select plan(47);
select test.open('payer', 1000), test.open('other', 1000), test.open('ann'), test.open('bob'),
    test.open('full', 10, max_balance => 10);

-- The same request again
select * from tokpay.transfer(test.id('payer'), test.ids('ann', 'bob'), '{1,2}', 'k', 'text', '{"a": 1, "b": [2, 3]}') \gset first_
select tokpay.transfer(test.id('payer'), test.ids('bob'), '{500}'), tokpay.transfer(test.id('bob'), test.ids('ann'), '{100}');
select is(row(r.*)::text, row(:first_transfer, :'first_at'::timestamptz, :first_debit_balance, :first_debit_version,
        :'first_credit_balances', :'first_credit_versions', true)::text,
    'a replay answers the first result, though the balances have moved')
from tokpay.transfer(test.id('payer'), test.ids('ann', 'bob'), '{1,2}', 'k', 'text', '{"a": 1, "b": [2, 3]}') as r;
select is(test.balance('payer'), 497::bigint, 'and moves no money');
select is((select count(*) from tokpay.transfers where key = 'k'), 1::bigint, 'and writes no transfer');

select is((r).replayed, true, 'metadata is the same as jsonb: ' || what)
from (values ('members in another order', '{"b": [2, 3], "a": 1}'), ('other blanks', '{"a":1,"b":[2,3]}'),
        ('equal numbers', '{"a": 1.0, "b": [2.00, 3e0]}'), ('a member twice', '{"a": 9, "a": 1, "b": [2, 3]}')) as cases (what, metadata),
    lateral (select tokpay.transfer(test.id('payer'), test.ids('ann', 'bob'), '{1,2}', 'k', 'text', metadata::jsonb) as r) as call;

-- Every field counts
select is(row(a.sqlstate, substring(a.detail from 'differs in its (\w+)'))::text, format('(TP002,%s)', field),
    'key_reused: ' || what)
from (values
    ('credits', 'legs in another order', $$test.ids('bob', 'ann'), '{2,1}', 'k', 'text', '{"a": 1, "b": [2, 3]}'$$),
    ('credits', 'another credit', $$test.ids('ann', 'other'), '{1,2}', 'k', 'text', '{"a": 1, "b": [2, 3]}'$$),
    ('credits', 'a credit less', $$test.ids('ann'), '{1}', 'k', 'text', '{"a": 1, "b": [2, 3]}'$$),
    ('credits', 'a credit more', $$test.ids('ann', 'bob', 'bob'), '{1,2,3}', 'k', 'text', '{"a": 1, "b": [2, 3]}'$$),
    ('amounts', 'amounts the other way round', $$test.ids('ann', 'bob'), '{2,1}', 'k', 'text', '{"a": 1, "b": [2, 3]}'$$),
    ('description', 'another description', $$test.ids('ann', 'bob'), '{1,2}', 'k', 'Text', '{"a": 1, "b": [2, 3]}'$$),
    ('description', 'no description', $$test.ids('ann', 'bob'), '{1,2}', 'k', null, '{"a": 1, "b": [2, 3]}'$$),
    ('description', 'an empty description', $$test.ids('ann', 'bob'), '{1,2}', 'k', '', '{"a": 1, "b": [2, 3]}'$$),
    ('metadata', 'no metadata', $$test.ids('ann', 'bob'), '{1,2}', 'k', 'text'$$),
    ('metadata', 'another array', $$test.ids('ann', 'bob'), '{1,2}', 'k', 'text', '{"a": 1, "b": [3, 2]}'$$),
    ('metadata', 'a member more', $$test.ids('ann', 'bob'), '{1,2}', 'k', 'text', '{"a": 1, "b": [2, 3], "c": null}'$$),
    ('metadata', 'a text for a number', $$test.ids('ann', 'bob'), '{1,2}', 'k', 'text', '{"a": "1", "b": [2, 3]}'$$)
) as cases (field, what, arguments),
    lateral test.attempt(format('select tokpay.transfer(test.id(''payer''), %s)', arguments)) as a;
select tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}', 'bare');
select is(test.sqlstate($$select tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}', 'bare', null, 'null')$$),
    'TP002', 'JSON null is not the same as no metadata');

-- Scope: the debited account and the exact bytes
select is((tokpay.transfer(test.id('other'), test.ids('ann', 'bob'), '{1,2}', 'k', 'text', '{"a": 1, "b": [2, 3]}')).replayed,
    false, 'another debited account has keys of its own');
select is((tokpay.transfer(test.id('payer'), test.ids('ann', 'bob'), '{1,2}', key, 'text', '{"a": 1, "b": [2, 3]}')).replayed,
    false, format('the key %L is another one', key))
from (values ('K'), ('k '), (' k'), ('kk'), (repeat('k', 255))) as cases (key);

-- A refused request leaves its key free
select is(test.sqlstate($$select tokpay.transfer(test.id('payer'), test.ids('full'), '{1}', 'later')$$), 'TP011', 'a first try is refused');
select is(tokpay.transfer_by_key(test.id('payer'), 'later') is null, true, 'and leaves no trace');
select tokpay.transfer(test.id('full'), test.ids('ann'), '{5}');
select is((tokpay.transfer(test.id('payer'), test.ids('full'), '{1}', 'later')).replayed, false, 'its key may be tried again');
select is((tokpay.transfer(test.id('payer'), test.ids('full'), '{1}', 'later')).replayed, true, 'and is used then');
select is(test.rows(format($$select position, code, debit_balance, replayed from tokpay.transfer_batch(array[
        test.request(%1$s, %2$L, '{5000}', 'fresh'), test.request(%1$s, %2$L, '{5}', 'fresh')])$$,
        test.id('other'), test.ids('ann'))),
    '(1,insufficient_funds,,) (2,ok,992,f)', 'within one batch, too');

-- Twice in one batch
select is(test.rows(format($$select position, code, debit_balance, debit_version, credit_balances = '{%3$s}', replayed
        from tokpay.transfer_batch(array[test.request(%1$s, %2$L, '{1}', 'twice'), test.request(%1$s, %2$L, '{1}'),
            test.request(%1$s, %2$L, '{1}', 'twice'), test.request(%1$s, %2$L, '{2}', 'twice')])$$,
        test.id('other'), test.ids('bob'), test.balance('bob') + 1)),
    '(1,ok,991,4,t,f) (2,ok,990,5,f,f) (3,ok,991,4,t,t) (4,key_reused,,,,)',
    'a key used twice in one batch is a replay, or reused');

-- Transfers and top-ups share one key space
select tokpay.top_up(test.id('ann'), 5, 'gift');
select is((tokpay.top_up(test.id('ann'), 5, 'gift')).replayed, true, 'a top-up replays');
select is(substring((test.attempt(format('select tokpay.transfer(%s, %L, ''{5}'', ''gift'')', test.id('funding/USD'), test.ids('ann')))).detail
        from 'differs in its (\w+)'), 'kind', 'a transfer is not the top-up of the same key');
select tokpay.transfer(test.id('funding/USD'), test.ids('ann'), '{5}', 'grant');
select is(test.sqlstate($$select tokpay.top_up(test.id('ann'), 5, 'grant')$$), 'TP002', 'nor the other way round');
select is((tokpay.top_up(test.id('ann'), 5, 'k')).replayed, false, 'a top-up''s key is the funding account''s');

select is(array(select test.sqlstate(format('select tokpay.top_up(%s)', arguments)) from (values
        (1, $$test.id('bob'), 5, 'gift'$$), (2, $$test.id('ann'), 6, 'gift'$$), (3, $$test.id('ann'), 5, 'gift', 'for you'$$)
    ) as cases (place, arguments) order by place), '{TP002,TP002,TP002}'::text[], 'every field of a top-up counts');

-- Lengths and scope of the keys of every operation
select transfer as spent from tokpay.transfer(test.id('payer'), test.ids('bob'), '{1}', 'spent') \gset
select transfer as held from tokpay.hold(test.id('payer'), test.ids('bob'), '{1}', 'held') \gset
select is(array(select test.sqlstate(format('select tokpay.%s', replace(call, ':key', key))) from (values
        (1, $$''$$), (2, $$'x'$$), (3, $$repeat('k', 254)$$), (4, $$repeat('x', 255)$$), (5, $$repeat('k', 256)$$), (6, $$repeat('é', 127)$$),
            (7, $$repeat('é', 128)$$), (8, 'null')
    ) as keys (place, key) order by place),
    '{TP001,ok,ok,ok,TP001,ok,TP001,ok}'::text[], format('keys of 0 to 256 bytes: %s', split_part(call, '(', 1)))
from (values ($$transfer(test.id('other'), test.ids('ann'), '{1}', :key)$$), ($$top_up(test.id('ann'), 1, :key)$$),
    ($$hold(test.id('other'), test.ids('ann'), '{1}', :key)$$),
    (format('capture(%s, null, :key)', :held)), (format('void(%s, :key)', :held)), (format('reverse(%s, :key)', :spent))) as calls (call);
select is(substring((test.attempt(format('select tokpay.%s', call))).detail from 'Account (\d+) used key'), test.id('payer')::text,
    format('the key of a %s is the debited account''s', what))
from (values ('capture', format($$capture(%s, null, 'spent')$$, :held)), ('void', format($$void(%s, 'spent')$$, :held)),
    ('reverse', format($$reverse(%s, 'held')$$, :spent))) as cases (what, call);
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
