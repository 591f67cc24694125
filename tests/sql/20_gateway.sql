-- What the gateway asks: every kind in one call, each for a principal, who reaches its own accounts and nothing else.
begin;
select plan(103);
select tokpay.open_account('ann', owner => 'ann'), tokpay.open_account('bob', owner => 'bob'), tokpay.open_account('eve'),
    tokpay.open_account('euro', 'EUR'), tokpay.open_account('full', max_balance => 5), tokpay.open_account('floorless', min_balance => null);
select tokpay.top_up(test.id('ann'), 1000), tokpay.top_up(test.id('bob'), 50);
select tokpay.create_api_key('list', array['transfer'], test.ids('ann', 'eve')), tokpay.create_api_key('all', array['transfer']),
    tokpay.create_api_key('none', array['transfer'], '{}'), tokpay.create_api_key('ended', array['transfer'], test.ids('ann')),
    tokpay.create_api_key('old', array['transfer'], test.ids('ann'), '1 microsecond');
select tokpay.revoke_api_key((select id from tokpay.api_keys where name = 'ended'));

-- key:list as the principal of the key of that name
create function pg_temp.principal(name text) returns text language sql security definer
return case when name like 'key:%' then coalesce('key:' || (select k.id from tokpay.api_keys k where k.name = substr($1, 5)), $1) else name end;

create function pg_temp.ask(kind text, debit text default null, credits text[] default null, amounts bigint[] default null, key text default null,
    description text default null, metadata jsonb default null, chain integer default null, target bigint default null, expires_in interval default null,
    principal text default null) returns tokpay.gateway_request language sql
return row(kind, test.id(debit), case when credits is not null then test.ids(variadic credits) end, amounts, key, description, metadata, chain, target, expires_in,
    pg_temp.principal(principal))::tokpay.gateway_request;

-- 'code' of every answer
create function pg_temp.codes(variadic requests tokpay.gateway_request[]) returns text language sql
return (select string_agg(o.code, ' ' order by o.position) from tokpay.gateway_batch(requests) o);

-- A value with its size before it, and the bytes that gateway_packed_batch makes of a row (extension/src/gateway_outcome.hpp).
create function pg_temp.field(bytes bytea) returns bytea language sql
return coalesce(int4send(length(bytes)) || bytes, int4send(-1));
create function pg_temp.field(figures bigint[]) returns bytea language sql
return pg_temp.field(case when figures is not null then
    (select string_agg(pg_temp.field(int8send(f.figure)), '' order by f.place) from unnest(figures) with ordinality as f (figure, place)) end);
create function pg_temp.packed(o tokpay.gateway_outcome) returns bytea language sql
return pg_temp.field(textsend(o.code)) || pg_temp.field(int8send(o.transfer)) || pg_temp.field(timestamptz_send(o.at)) || pg_temp.field(textsend(o.kind))
    || pg_temp.field(textsend(o.currency)) || pg_temp.field(int8send(o.debit)) || pg_temp.field(int8send(o.debit_balance)) || pg_temp.field(int8send(o.debit_version))
    || pg_temp.field(o.credits) || pg_temp.field(o.amounts) || pg_temp.field(o.credit_balances) || pg_temp.field(o.credit_versions)
    || pg_temp.field(boolsend(o.replayed)) || pg_temp.field(textsend(o.metadata::text)) || pg_temp.field(timestamptz_send(o.expires_at))
    || pg_temp.field(int8send(o.account)) || pg_temp.field(int8send(o.balance)) || pg_temp.field(int8send(o.required)) || pg_temp.field(int8send(o.available))
    || pg_temp.field(textsend(o.detail));

-- The epoch of a single server, which everything packed begins with.
create function pg_temp.packed_epoch() returns bytea language sql
return int8send(1) || int4send((select timeline_id from pg_control_checkpoint())) || int8send(0);

-- Who reaches what
select is(tokpay.reaches(pg_temp.principal(principal), test.id(account)), reached, format('%s reaches %s: %s', coalesce(principal, 'nobody special'), account, reached))
from (values
    (null, 'ann', true), (null, 'nobody', false), ('owner:ann', 'ann', true), ('owner:ann', 'bob', false), ('owner:ann', 'eve', false), ('owner:', 'eve', false),
    ('owner:an', 'ann', false), ('owner:ann ', 'ann', false), ('OWNER:ann', 'ann', false), ('ann', 'ann', false), ('', 'ann', false), ('owner:ann', 'nobody', false),
    ('key:list', 'ann', true), ('key:list', 'eve', true), ('key:list', 'bob', false), ('key:all', 'bob', true), ('key:none', 'ann', false),
    ('key:ended', 'ann', false), ('key:old', 'ann', false), ('key:999999', 'ann', false), ('key:', 'ann', false), ('key:1 ', 'ann', false), ('key:-1', 'ann', false)
) as cases (principal, account, reached);

-- Every kind
create temporary table done as
select * from tokpay.gateway_batch(array[
    pg_temp.ask('transfer', 'ann', '{bob,eve}', '{10,20}', 'k', 'lunch', '{"a": 1.0}', principal => 'owner:ann'),
    pg_temp.ask('transfer', 'ann', '{bob,eve}', '{10,20}', 'k', 'lunch', '{"a": 1}', principal => 'key:list'),
    pg_temp.ask('hold', 'ann', '{bob}', '{40}', 'h', 'room', '{}', expires_in => '1 day', principal => 'owner:ann'),
    pg_temp.ask('top_up', credits => '{ann}', amounts => '{5}', key => 'u', principal => 'owner:ann')]);
select is(test.rows('select position, code, kind, currency, debit_balance, debit_version, credit_balances, credit_versions, replayed, metadata, expires_at - at as lasts from done'),
    '(1,ok,transfer,USD,970,2,"{NULL,NULL}","{NULL,NULL}",f,"{""a"": 1.0}",) (2,ok,transfer,USD,970,2,"{NULL,20}","{NULL,1}",t,"{""a"": 1.0}",) '
    '(3,ok,hold,USD,970,2,,,f,{},"1 day") (4,ok,top_up,USD,,,{975},{3},f,,)', 'every kind answers, with the balances that its principal reaches');
select is((select array_agg(transfer) from done where position < 3), (select array[transfer, transfer] from done where position = 1), 'a replay is the first transfer');
select is((select debit from done where position = 4), test.id('funding/USD'), 'a top-up comes from the funding account');
select transfer as hold from done where position = 3 \gset
select transfer as paid from done where position = 1 \gset
create temporary table ended as
select * from tokpay.gateway_batch(array[
    pg_temp.ask('capture', key => 'c', amounts => '{30}', target => :hold, principal => 'owner:ann'),
    pg_temp.ask('void', key => 'v', target => :hold, principal => 'owner:ann'),
    pg_temp.ask('capture', key => 'c', amounts => '{30}', target => :hold, principal => 'owner:ann'),
    pg_temp.ask('reverse', key => 'r', description => 'sorry', target => :paid),
    pg_temp.ask('reverse', key => 'r2', target => :paid)]);
select is(test.rows('select code, kind, credits = test.ids(''bob'') as bob, amounts, debit_balance, credit_balances, replayed, detail is not null as says_why from ended'),
    '(ok,capture,t,{30},945,{NULL},f,f) (hold_not_pending,,,,,,,t) (ok,capture,t,{30},945,{NULL},t,f) (ok,reverse,f,"{-10,-20}",975,"{80,0}",f,f) (already_reversed,,,,,,,t)',
    'a target ends once in a call, too, and a replay is a replay');
select tokpay.open_account('slow', owner => 'slow'), tokpay.open_account('quick');
select tokpay.top_up(test.id('slow'), 100);
select transfer as first from tokpay.hold(test.id('slow'), test.ids('quick'), '{60}', expires_in => '1 millisecond') \gset
select transfer as second from tokpay.hold(test.id('slow'), test.ids('quick'), '{30}', expires_in => '1 millisecond') \gset
select at as last_held from tokpay.hold(test.id('slow'), test.ids('quick'), '{10}', expires_in => '1 millisecond') \gset
select test.wait_past(:'last_held'::timestamptz + interval '2 milliseconds');
select is(test.rows(format($$select code, detail like '%%has expired.' as expired from tokpay.gateway_batch(array[pg_temp.ask('transfer', 'slow', '{quick}', '{1}'),
        pg_temp.ask('void', target => %s), pg_temp.ask('capture', target => %1$s), pg_temp.ask('void', target => %s), pg_temp.ask('transfer', 'slow', '{quick}', '{95}')])$$, :first, :second)),
    '(ok,) (hold_not_pending,t) (hold_not_pending,t) (ok,) (ok,)', 'in one call, too, a hold ends by its time or by a void and not by both');
select is(test.rows('select balance, held from tokpay.accounts where name = ''slow'''), '(4,0)', 'each is released once');
select array[pg_temp.ask('transfer', 'ann', '{bob,eve}', '{10,20}', 'k', 'lunch', '{"a": 1}', principal => 'key:list'),
    pg_temp.ask('hold', 'ann', '{bob}', '{40}', 'h', 'room', '{}', expires_in => '1 day', principal => 'owner:ann'),
    pg_temp.ask('capture', key => 'c', amounts => '{30}', target => :hold, principal => 'owner:ann'),
    pg_temp.ask('transfer', 'ann', '{bob}', '{100000}'), pg_temp.ask('transfer', 'nobody', '{bob}', '{1}')] as repeated \gset
select is(tokpay.gateway_packed_batch(:'repeated'), pg_temp.packed_epoch() || (select string_agg(pg_temp.packed(o), '' order by o.position) from tokpay.gateway_batch(:'repeated') o),
    'replays and refusals as bytes');
select is(pg_temp.codes(pg_temp.ask('capture', chain => 1, target => :hold), pg_temp.ask('transfer', 'ann', '{eve}', '{1}', chain => 1)), 'invalid_request chain_failed',
    'what is about a target stands in no chain');
select is(pg_temp.codes(pg_temp.ask('transfer', 'ann', '{bob}', '{1}', chain => 1, principal => 'owner:ann'), pg_temp.ask('transfer', 'bob', '{ann}', '{1}', chain => 1, principal => 'owner:ann')),
    'chain_failed account_not_found', 'an account out of reach fails its chain');

-- Out of reach is unknown, whatever else is wrong; figures of others stay hidden
select is(test.rows(format('select code, account, balance, required, available, detail from tokpay.gateway_batch(array[%s])', request)), test.fill(answer), what)
from (values
    ($$pg_temp.ask('transfer', 'bob', '{ann}', '{1000000}', principal => 'owner:ann')$$, '(account_not_found,{bob},,,,"There is no account {bob}.")', 'another''s account'),
    ($$pg_temp.ask('transfer', 'ann', '{ann}', '{1}', 'k', principal => 'key:none')$$, '(account_not_found,{ann},,,,"There is no account {ann}.")', 'before its keys'),
    ($$pg_temp.ask('transfer', 'nobody', '{ann}', '{1}', principal => 'owner:ann')$$, '(invalid_request,,,,,"debit is null.")', 'no account at all'),
    ($$pg_temp.ask('top_up', credits => '{bob}', amounts => '{1}', principal => 'owner:ann')$$, '(account_not_found,{bob},,,,"There is no account {bob}.")', 'a top-up of another''s'),
    ($$pg_temp.ask('hold', 'bob', '{ann}', '{1}', principal => 'key:list')$$, '(account_not_found,{bob},,,,"There is no account {bob}.")', 'a hold of another''s'),
    ($$pg_temp.ask('transfer', 'ann', '{bob}', '{1}', principal => 'key:ended')$$, '(not_permitted,,,,,"The API key is revoked or has expired.")', 'a revoked key'),
    ($$pg_temp.ask('transfer', 'ann', '{bob}', '{1}', principal => 'key:old')$$, '(not_permitted,,,,,"The API key is revoked or has expired.")', 'an expired key'),
    ($$pg_temp.ask('transfer', 'ann', '{bob}', '{2000}', principal => 'owner:ann')$$,
        '(insufficient_funds,{ann},975,2000,975,"Account {ann} has 975 available, the transfer needs 2000.")', 'one''s own account with figures'),
    ($$pg_temp.ask('transfer', 'ann', '{full}', '{6}', principal => 'owner:ann')$$, '(balance_limit,{full},,,,"Account {full} cannot take this.")', 'a payee''s without'),
    ($$pg_temp.ask('transfer', 'ann', '{full}', '{6}')$$, '(balance_limit,{full},0,6,,"Account {full} has 0, a credit of 6 would lift it above its max_balance 5.")',
        'and with them where nobody is kept out'),
    ($$pg_temp.ask('transfer', 'ann', '{bob}', '{9223372036854775807}', principal => 'owner:ann')$$,
        '(insufficient_funds,{ann},975,9223372036854775807,975,"Account {ann} has 975 available, the transfer needs 9223372036854775807.")',
        'what a payee could hold is told to those who have it'),
    ($$pg_temp.ask('transfer', 'ann', '{bob}', '{9223372036854775807}')$$, '(amount_overflow,{bob},,,,"The balance of account {bob} would not fit a bigint.")',
        'and to those who see all'),
    ($$pg_temp.ask('refund', 'ann', '{bob}', '{1}')$$, '(invalid_request,,,,,"kind is not that of a transfer.")', 'an unknown kind'),
    ($$pg_temp.ask(null)$$, '(invalid_request,,,,,"kind is not that of a transfer.")', 'no kind'),
    ($$null::tokpay.gateway_request$$, '(invalid_request,,,,,"The request is null.")', 'no request'),
    ($$pg_temp.ask('capture')$$, '(invalid_request,,,,,"target is null.")', 'no target'),
    ($$pg_temp.ask('top_up', credits => '{ann,bob}', amounts => '{1,1}')$$, '(invalid_request,,,,,"A top-up has one credit.")', 'a top-up of two'),
    ($$pg_temp.ask('hold', 'ann', '{bob}', '{1}', expires_in => '0')$$, '(invalid_request,,,,,"expires_in is positive, or null for never.")', 'a hold of no time'),
    ($$pg_temp.ask('void', target => 987654321)$$, '(transfer_not_found,,,,,"There is no transfer 987654321.")', 'an unknown hold')
) as cases (request, answer, what);
select is((select codes from tokpay.gateway_preview(test.id('ann'), test.ids('full'), array[amount], false, 'owner:ann') where account = test.id('full')), codes, 'preview, a payee''s limits: ' || amount)
from (values (6::bigint, array['balance_limit']), (976, '{}')) as cases (amount, codes);
select is(pg_temp.codes(pg_temp.ask('void', target => :hold, principal => 'owner:bob'), pg_temp.ask('reverse', target => :paid, principal => 'owner:bob'),
    pg_temp.ask('capture', target => :hold, principal => 'key:ended')), 'transfer_not_found transfer_not_found not_permitted', 'a payee is not the payer''s principal');
set local role tokpay_teller;
select is(pg_temp.codes(pg_temp.ask('top_up', credits => '{ann}', amounts => '{1}')), 'not_permitted', 'a teller creates no money');
reset role;

-- Reads
select is(test.rows($$select account = any (test.ids('ann')) as ann, balance from tokpay.gateway_balances(test.ids('ann', 'bob', 'ann'), array['owner:ann', 'owner:ann', null])$$),
    '(t,975) (f,) (t,975)', 'balances with a principal each');
select is(test.rows($$select balance from tokpay.gateway_balances(test.ids('ann', 'bob'))$$), test.rows($$select balance from tokpay.balances(test.ids('ann', 'bob'))$$), 'and with none at all');
select is(test.sqlstate($$select tokpay.gateway_balances(test.ids('ann', 'bob'), array['owner:ann'])$$), 'TP001', 'one principal is not enough for two accounts');
select is(pg_temp.packed_epoch() || (select string_agg(case when b.balance is null then '\x00' else case when b.available is null then '\x02' else '\x01' end::bytea || int8send(b.balance)
        || int8send(b.held) || int8send(coalesce(b.available, 0)) || int8send(b.version) || int4send(3) || convert_to(b.currency, 'UTF8') end, '' order by b.place)
    from tokpay.gateway_balances(test.ids('ann', 'bob', 'funding/USD'), array['owner:ann', 'owner:ann', null]) with ordinality as b (account, balance, held, available, version, currency, place)),
    tokpay.gateway_packed_balances(test.ids('ann', 'bob', 'funding/USD'), array['owner:ann', 'owner:ann', null]), 'the same as bytes');
select is(tokpay.gateway_packed_balances(array[null, 987654321]::bigint[]), pg_temp.packed_epoch() || '\x0000'::bytea, 'unknown accounts as bytes');
select is(test.sqlstate($$select tokpay.gateway_packed_balances(test.ids('ann', 'bob'), array['owner:ann'])$$), 'TP001', 'and one principal is not enough');
select is(test.rows(format('select amount, credits = test.ids(''bob'') as own, key, metadata, debit_balance, credit_balances, status, reversed_by is not null as reversed
    from tokpay.gateway_transfer(%s, ''owner:bob'')', :paid)), '(10,t,,,,{60},posted,t)', 'a payee sees its own legs, no key, no metadata');
select is(test.rows(format('select amount, amounts, key, metadata, debit_balance, credit_balances from tokpay.gateway_transfer(%s, ''owner:ann'')', :paid)),
    '(30,"{10,20}",k,"{""a"": 1.0}",970,"{NULL,NULL}")', 'the payer sees all but their balances');
select is(test.rows(format('select id from tokpay.gateway_transfer(%s, pg_temp.principal(%L))', :paid, principal)), '', principal || ' sees nothing')
from (values ('owner:eve'), ('key:none'), ('key:ended')) as cases (principal);
select is(test.rows(format('select id from tokpay.gateway_transfer_by_key(test.id(''ann''), ''k'', %L)', principal)), case when seen then format('(%s)', :paid) else '' end,
    'by key: ' || coalesce(principal, 'anybody'))
from (values (null, true), ('owner:ann', true), ('owner:bob', false)) as cases (principal, seen);
select is(test.rows(format('select id = test.id(''ann'') as own from tokpay.gateway_account(test.id(''ann''), pg_temp.principal(%L))', principal)), answer,
    'the account: ' || coalesce(principal, 'anybody'))
from (values (null, '(t)'), ('owner:ann', '(t)'), ('owner:bob', ''), ('key:none', '')) as cases (principal, answer);
select is(test.rows($$select amount, metadata from tokpay.gateway_entries(test.id('bob'), 'owner:bob', null, 10, null, null, 'LUN')$$), '(10,)', 'entries: the metadata is the payer''s');
select is(test.rows(format('select amount, balance from tokpay.gateway_entries(test.id(''ann''), null, %s)', arguments)), answer, 'entries: ' || what)
from (values
    ($$null, 100, direction => 'out'$$, '(-30,945) (-30,970)', 'out'), ($$null, 100, direction => 'in'$$, '(30,975) (5,975) (1000,1000)', 'in'),
    ($$null, 1, direction => 'out'$$, '(-30,945)', 'a page'), ($$4, 100, direction => 'out'$$, '(-30,970)', 'before'),
    ($$null, 100, min_amount => 30, max_amount => 30$$, '(30,975) (-30,945) (-30,970)', 'amounts without their sign'),
    ($$null, 100, counterparty => test.id('eve')$$, '(30,975) (-30,970)', 'a counterparty'), ($$null, 100, q => 'nothing'$$, '', 'words nobody said')
) as cases (arguments, answer, what);
select is(test.sqlstate(format('select tokpay.%s', call)), 'TP003', call)
from (values ($$gateway_entries(test.id('bob'), 'owner:ann')$$), ($$gateway_holds(test.id('bob'), 'owner:ann', 0, 1)$$), ($$gateway_balance_at(test.id('bob'), now(), 'owner:ann')$$),
    ($$gateway_patch_account(test.id('bob'), 'owner:ann', '{}', null)$$), ($$gateway_summary(test.id('bob'), 'owner:ann', now() - interval '1 day', now(), 'UTC', 'day')$$),
    ($$gateway_counterparties(test.id('bob'), 'owner:ann', now() - interval '1 day', now(), 1)$$)) as cases (call);
select is(test.rows($$select name from tokpay.gateway_accounts('owner:ann', 0, 10)$$) || test.rows($$select name from tokpay.gateway_accounts(pg_temp.principal('key:list'), 0, 10)$$)
    || test.rows($$select name from tokpay.gateway_accounts(pg_temp.principal('key:ended'), 0, 10)$$), '(ann)(ann) (eve)', 'the accounts of a principal');

select is(test.rows($$select place, version, balance, amount from tokpay.gateway_changes(test.ids('ann', 'bob', 'eve'), array[null, 'owner:ann', 'owner:ann'], '{3,0,0}', 2)$$),
    '(1,5,975,) (1,5,975,30) (1,4,945,-30) (2,,,) (3,,,)', 'changes: each account''s balance, then its new entries, newest first');
select is(test.rows($$select place, version, amount from tokpay.gateway_changes(test.ids('ann', 'ann'), array[null, null], '{4,3}', 10)$$) || ' and '
    || test.rows($$select place, version, amount from tokpay.gateway_changes(test.ids('ann'), array[null], '{3}', 1)$$),
    '(1,5,) (1,5,30) (2,5,) (2,5,30) (2,4,-30) and (1,5,) (1,5,30)', 'changes: none that are known, and max_rows at most');

select is(test.sqlstate($$select tokpay.gateway_entries(test.id('ann'), null, null, 10, direction => '')$$), 'TP001', 'entries: there are two directions');
select is(array(select test.sqlstate(format($$select tokpay.gateway_summary(test.id('ann'), null, now() - interval '1 day', now(), %L, 'day')$$, zone))
    from unnest('{Europe/Berlin,Etc/GMT+5,EST5EDT,UTC,-05:00,+05:00,UTC-3,Foo3,Nowhere/Else}'::text[]) with ordinality as zones (zone, place) order by place),
    '{ok,ok,ok,ok,TP001,TP001,TP001,TP001,TP001}'::text[], 'summary: time zones are the IANA''s');

-- A merge patch
select is(test.rows(format('select min_balance, max_balance, metadata, status from tokpay.gateway_patch_account(test.id(''eve''), null, %L, null)', patch)), answer, patch)
from (values
    ('{"metadata": {"a": {"b": 1, "c": [1]}, "d": 2}, "min_balance": -7}', '(-7,,"{""a"": {""b"": 1, ""c"": [1]}, ""d"": 2}",open)'),
    ('{"metadata": {"a": {"b": null}, "d": {"e": null}}, "max_balance": 9}', '(-7,9,"{""a"": {""c"": [1]}, ""d"": {}}",open)'),
    ('{"min_balance": -8}', '(-8,9,"{""a"": {""c"": [1]}, ""d"": {}}",open)'),
    ('{"metadata": null, "min_balance": null, "max_balance": null}', '(,,{},open)'), ('{"status": "frozen"}', '(,,{},frozen)'),
    ('{"status": "open", "min_balance": 0}', '(0,,{},open)'), ('{}', '(0,,{},open)')) as cases (patch, answer);
select is(test.sqlstate($$select tokpay.gateway_patch_account(test.id('ann'), null, '{"metadata": {"x": 1}, "status": "closed"}', null)$$) || (select metadata from tokpay.accounts where name = 'ann'),
    'TP018{}', 'all or nothing');
select is(test.rows(format('select id is not null from tokpay.gateway_patch_account(test.id(''eve''), null, ''{}'', (select %s from tokpay.accounts a where name = ''eve''))', expected)), answer,
    'expected: ' || expected) from (values ('a::text', '(t)'), ($$'(something else)'$$, '')) as cases (expected, answer);
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
