-- reverse: the whole of a transfer, top-up or capture taken back, once, where the money still is.
begin;
select plan(52);
select test.open('payer', 1000), test.open('ann'), test.open('bob', 5), test.open('eve'), test.open('full', 10, max_balance => 10);
select tokpay.open_account('floorless', min_balance => null);

-- 'balance version' of an account
create function pg_temp.state(name text) returns text language sql
return (select concat_ws(' ', a.balance, a.version) from tokpay.accounts a where a.name = $1);

-- What it answers, writes and shows
select * from tokpay.transfer(test.id('payer'), test.ids('ann', 'bob', 'ann'), '{30,20,10}', 'lunch', 'May', '{"a": 1}') \gset t_
select * from tokpay.reverse(:t_transfer, 'back', 'not eaten') \gset r_
select is(row(:r_debit_balance, :r_debit_version, :'r_credit_balances'::bigint[], :'r_credit_versions'::bigint[], :'r_replayed'::boolean)::text,
    '(1000,3,"{10,5,0}","{3,3,4}",f)', 'reverse answers like a transfer, with the debit and credits of the original');
select is(test.rows(format('select kind, status, currency, debit, amount, credits, amounts, key, hold, reverses, reversed_by, description,
        metadata, at > %L, expires_at from tokpay.transfers where id = %s', :'t_at', :r_transfer)),
    format('(reverse,posted,USD,%s,-60,"{%s}","{-30,-20,-10}",back,,%s,,"not eaten",,t,)', test.id('payer'),
        array_to_string(test.ids('ann', 'bob', 'ann'), ','), :t_transfer),
    'the view transfers shows it with negative amounts and what it reverses');
select is((select reversed_by from tokpay.transfers where id = :t_transfer), :r_transfer::bigint, 'and at the original by what it was reversed');
select is(test.rows(format('select status, amount, description from tokpay.transfers where id = %s', :t_transfer)), '(posted,60,May)',
    'the original stays as it is');
select is(test.rows(format('select account, version, amount, balance, kind from tokpay.entries where transfer = %s order by account, version', :r_transfer)),
    format('(%s,3,60,1000,reverse) (%s,3,-30,10,reverse) (%2$s,4,-10,0,reverse) (%s,3,-20,5,reverse)', test.id('payer'), test.id('ann'), test.id('bob')),
    'entries: what was paid comes back, what was received goes');
select is(test.rows(format('select account, array_agg(amount order by version), array_agg(counterparties order by version) from tokpay.history(%1$s) as h, (select %1$s as account) as a
        where transfer = %2$s group by account', account, :r_transfer)), format(line, account), 'history: ' || what)
from (values (test.id('ann'), '(%s,"{-30,-10}","{{' || test.id('payer') || '},{' || test.id('payer') || '}}")', 'a payee gave it back to the payer'),
    (test.id('payer'), '(%s,{60},"{{' || array_to_string(test.ids('ann', 'bob'), ',') || '}}")', 'the payer got it from the payees')) as cases (account, line, what);

-- Of every kind
select transfer as gift from tokpay.top_up(test.id('eve'), 70) \gset
select is((tokpay.reverse(:gift)).credit_balances, '{0}', 'a top-up');
select is(test.rows(format('select kind, debit, amount from tokpay.transfers where reverses = %s', :gift)), format('(reverse,%s,-70)', test.id('funding/USD')),
    'goes back to the funding account');
select transfer as room from tokpay.hold(test.id('payer'), test.ids('ann', 'eve', 'bob'), '{50,40,30}') \gset
select transfer as captured from tokpay.capture(:room, '{5,0,3}') \gset
select is(test.rows(format('select debit_balance, credit_balances, credit_versions from tokpay.reverse(%s)', :captured)), '(1000,"{0,0,5}","{6,2,5}")',
    'a part that was captured');
select is(test.rows(format('select amount, amounts, hold, reverses from tokpay.transfers where reverses = %s', :captured)),
    format('(-8,"{-5,0,-3}",,%s)', :captured), 'with its amounts');
select is(test.rows(format('select count(*), sum(amount) from tokpay.entries where transfer in (select id from tokpay.transfers where reverses = %s)', :captured)),
    '(3,0)',
    'and no entry where nothing was captured');
select is(pg_temp.state('eve'), '0 2', 'nor a version');
select is((select status from tokpay.transfers where id = :room), 'captured', 'the hold does not come back');
select transfer as open_hold from tokpay.hold(test.id('payer'), test.ids('ann'), '{1}') \gset
select transfer as voided from tokpay.void(:open_hold) \gset

-- Refusals
select is(row(a.sqlstate, a.detail)::text, row(expected, why)::text, 'reverse: ' || what)
from (values
    ('TP001', 'transfer is null.', 'no transfer', 'null'),
    ('TP006', 'There is no transfer 999999999.', 'an unknown transfer', '999999999'),
    ('TP006', 'There is no transfer 0.', 'transfer 0', '0'),
    ('TP001', 'key has 0 bytes; a key has 1 to 255.', 'an empty key', format($$%s, ''$$, :gift)),
    ('TP001', 'description has more than 10000 bytes.', 'a long description', format($$%s, null, repeat('d', 10001)$$, :gift)),
    ('TP001', format('Transfer %s is a hold; transfers, top-ups and captures can be reversed.', :room), 'a hold', :'room'),
    ('TP001', format('Transfer %s is a void; transfers, top-ups and captures can be reversed.', :voided), 'a void', :'voided'),
    ('TP001', format('Transfer %s is a reverse; transfers, top-ups and captures can be reversed.', :r_transfer), 'a reverse', :'r_transfer'),
    ('TP014', format('Transfer %s was reversed by transfer %s.', :t_transfer, :r_transfer), 'what is reversed already', :'t_transfer'),
    ('TP002', format('Account %s used key "lunch" for transfer %s, which differs in its kind.', test.id('payer'), :t_transfer), 'the original''s key',
        format($$%s, 'lunch'$$, :t_transfer)),
    ('TP002', format('Account %s used key "back" for transfer %s, which differs in its reversed transfer.', test.id('payer'), :r_transfer),
        'the key of another reverse', format($$%s, 'back'$$, :captured)),
    ('TP002', format('Account %s used key "back" for transfer %s, which differs in its description.', test.id('payer'), :r_transfer), 'another description',
        format($$%s, 'back'$$, :t_transfer)),
    ('ok', null, 'the same again', format($$%s, 'back', 'not eaten'$$, :t_transfer)),
    ('ok', null, 'the same key of another account', format($$%s, 'back', 'not eaten'$$, (select transfer from tokpay.top_up(test.id('eve'), 1))))
) as cases (expected, why, what, arguments), lateral test.attempt(format('select tokpay.reverse(%s)', arguments)) as a;
select is(row(r.*)::text, row(:r_transfer, :'r_at'::timestamptz, :r_debit_balance, :r_debit_version, :'r_credit_balances', :'r_credit_versions', true)::text,
    'a replay answers the first result') from tokpay.reverse(:t_transfer, 'back', 'not eaten') as r;

-- What has to be there: payer paid ann 10 and 5, bob 20; then something happens
create function pg_temp.after(statements text) returns text language plpgsql as $$
declare
    paid bigint;
    statement text;
    a test.attempt;
begin
    paid := (tokpay.transfer(test.id('payer'), test.ids('ann', 'bob', 'ann'), '{10,20,5}')).transfer;
    foreach statement in array regexp_split_to_array(statements, ';\s+') loop
        execute test.fill('select ' || statement);
    end loop;
    a := test.attempt(format('select tokpay.reverse(%s)', paid));
    raise exception using errcode = 'UNDO0', message = concat_ws(' ', a.sqlstate, a.detail);
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select is(pg_temp.after(statements), test.fill(outcome), 'reverse after ' || what)
from (values
    ('ok', 'nothing', '1'),
    ('TP010 Account {ann} has 14 available, the reverse needs 15.', 'one cent of two credits is spent', $$tokpay.transfer({ann}, '{{eve}}', '{1}')$$),
    ('TP010 Account {ann} has 0 available, the reverse needs 15.', 'both payees spent, the first of them',
        $$tokpay.transfer({ann}, '{{eve}}', '{15}'), tokpay.transfer({bob}, '{{eve}}', '{25}')$$),
    ('TP010 Account {bob} has 19 available, the reverse needs 20.', 'the second payee spent', $$tokpay.transfer({bob}, '{{eve}}', '{6}')$$),
    ('TP010 Account {bob} has 19 available, the reverse needs 20.', 'it is held', $$tokpay.hold({bob}, '{{eve}}', '{6}')$$),
    ('ok', 'it was held and the hold is void', $$tokpay.void(transfer) from tokpay.hold({bob}, '{{eve}}', '{6}')$$),
    ('ok', 'it was held and the hold has expired', $$test.wait_past(at + '1 microsecond') from tokpay.hold({bob}, '{{eve}}', '{25}', null, '1 microsecond')$$),
    ('ok', 'other money came', $$tokpay.transfer({bob}, '{{eve}}', '{25}'); tokpay.transfer({payer}, '{{bob}}', '{20}')$$),
    ('ok', 'a payee was given credit', $$tokpay.transfer({bob}, '{{eve}}', '{25}'); tokpay.set_limits({bob}, -20, null)$$),
    ('TP007 Account {payer} is frozen.', 'the payer is frozen', 'tokpay.freeze({payer})'),
    ('TP007 Account {bob} is frozen.', 'a payee is frozen', 'tokpay.freeze({bob})'),
    ('TP008 Account {bob} is closed.', 'a payee is closed', $$tokpay.transfer({bob}, '{{eve}}', '{25}'); tokpay.close({bob})$$),
    ('TP008 Account {payer} is closed.', 'the payer is closed', $$tokpay.transfer({payer}, '{{eve}}', '{965}'); tokpay.close({payer})$$),
    ('TP011 Account {payer} has 965, a credit of 35 would lift it above its max_balance 999.', 'the payer has a ceiling', 'tokpay.set_limits({payer}, 0, 999)'),
    ('TP010 Account {ann} has 14 available, the reverse needs 15.', 'a lack of money and a ceiling',
        $$tokpay.transfer({ann}, '{{eve}}', '{1}'); tokpay.set_limits({payer}, 0, 999)$$)
) as cases (outcome, what, statements);
select is(left(pg_temp.after($$tokpay.reverse(max(id)) from tokpay.transfers; tokpay.freeze({bob})$$), 5), 'TP014', 'already reversed answers before frozen');

-- Once it was refused it may be tried again; a credit without a floor takes a funder
select transfer as paid from tokpay.transfer(test.id('payer'), test.ids('eve'), '{9}') \gset
select tokpay.transfer(test.id('eve'), test.ids('bob'), '{9}');
select is(test.sqlstate(format($$select tokpay.reverse(%s, 'later')$$, :paid)), 'TP010', 'a first try is refused');
select tokpay.transfer(test.id('bob'), test.ids('eve'), '{9}');
select is(test.rows(format($$select debit_balance, replayed from tokpay.reverse(%s, 'later')$$, :paid)), '(1000,f)', 'and leaves no trace');
select transfer as given from tokpay.transfer(test.id('payer'), test.ids('floorless'), '{9}') \gset
select is(array(select test.sqlstate(format('select tokpay.reverse(%s)', :given), role)
        from (values (1, 'tokpay_teller'), (2, 'tokpay_funder')) as r (place, role) order by place),
    '{TP016,ok}'::text[], 'debiting an account without a floor takes a funder in a reverse, too');
select is(test.sqlstate(format('select tokpay.reverse(%s)', (select transfer from tokpay.top_up(test.id('eve'), 1))), 'tokpay_teller'), 'ok',
    'crediting one does not');
select transfer as promised from tokpay.hold(test.id('payer'), test.ids('floorless', 'ann'), '{5,5}') \gset
select transfer as nothing from tokpay.capture(:promised, '{0,5}') \gset
select is(test.sqlstate(format('select tokpay.reverse(%s)', :nothing), 'tokpay_teller'), 'ok', 'nor one that got nothing');
select is(test.rows('select currency, sum(balance) from tokpay.accounts group by currency'), '(USD,0)', 'money is conserved');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
