-- Holds: reserving, capturing all or part, voiding, expiring; exactly one of the three.
begin;
select plan(145);
select test.open('payer', 1000), test.open('ann'), test.open('bob'), test.open('full', 10, max_balance => 10), test.open('euro', 100, 'EUR'),
    test.open('other', 100), test.open('huge', 9000000000000000000);
select tokpay.open_account('line', min_balance => -50), tokpay.open_account('floorless', min_balance => null);

-- 'balance held available version' of an account
create function pg_temp.state(name text) returns text language sql
return (select concat_ws(' ', a.balance, a.held, a.available, a.version) from tokpay.accounts a where a.name = $1);
-- What became of a hold.
create function pg_temp.status(hold bigint) returns text language sql
return (select t.status from tokpay.transfers t where t.id = $1);

-- Reserving
create temporary table h as select * from tokpay.hold(test.id('payer'), test.ids('ann', 'bob', 'ann'), '{30,20,10}', 'h', '7 days', 'room 7', '{"nights": 2}');
select transfer as h_transfer, at as h_at from h \gset
select is(test.rows('select debit_balance, debit_version, credit_balances, credit_versions, replayed from h'), '(1000,1,,,f)',
    'a hold answers the balance and version as they stay, and nothing of the credits');
select is(pg_temp.state('payer'), '1000 60 940 1', 'it is held, not gone');
select is(pg_temp.state('ann'), '0 0 0 0', 'and not yet the payee''s');
select is(test.rows(format('select kind, status, currency, debit, amount, credits, amounts, key, hold, reverses, reversed_by, description,
        metadata, at, expires_at - at from tokpay.transfers where id = %s', :h_transfer)),
    format('(hold,pending,USD,%s,60,"{%s}","{30,20,10}",h,,,,"room 7","{""nights"": 2}","%s","7 days")',
        test.id('payer'), array_to_string(test.ids('ann', 'bob', 'ann'), ','), :'h_at'),
    'the view transfers shows it as it was asked for');
select is(test.rows(format('select debit, amount, credits, amounts, currency, at = %L, expires_at - at from tokpay.holds where id = %s', :'h_at', :h_transfer)),
    format('(%s,60,"{%s}","{30,20,10}",USD,t,"7 days")', test.id('payer'), array_to_string(test.ids('ann', 'bob', 'ann'), ',')), 'and so does the view holds');
select is((select count(*) from tokpay.entries where transfer = :h_transfer), 0::bigint, 'a hold has no entry');
select is(test.rows(format('select balance, held, available, version from tokpay.balances(array[%s])', test.id('payer'))), '(1000,60,940,1)',
    'balances() shows what is held');
select is(tokpay.balance(test.id('payer')), 1000::bigint, 'balance() does not');
select is(test.rows(format('select debit_balance, debit_version, credit_balances, credit_versions from tokpay.receipts where id = %s', :h_transfer)), '(1000,1,,)',
    'the view receipts has what it answered');
select is((test.attempt(statement)).detail, test.fill(why), 'what is held cannot be spent by a ' || what)
from (values ('transfer', 'Account {payer} has 940 available, the transfer needs 941.', $$select tokpay.transfer(test.id('payer'), test.ids('bob'), '{941}')$$),
    ('hold', 'Account {payer} has 940 available, the hold needs 941.', $$select tokpay.hold(test.id('payer'), test.ids('bob'), '{941}')$$)
) as cases (what, why, statement);
select is(test.sqlstate(statement), 'ok', 'the rest can by a ' || what)
from (values ('transfer', $$select tokpay.transfer(test.id('payer'), test.ids('bob'), '{940}')$$),
    ('hold', $$select tokpay.hold(test.id('payer'), test.ids('bob'), '{940}')$$),
    ('hold down to a negative floor', $$select tokpay.hold(test.id('line'), test.ids('bob'), '{50}')$$)) as cases (what, statement);
select is(test.sqlstate($$select tokpay.hold(test.id('line'), test.ids('bob'), '{51}')$$), 'TP010', 'a negative floor holds');
select is(test.sqlstate($$select tokpay.hold(test.id('payer'), test.ids('full'), '{500}')$$), 'ok', 'a ceiling is not looked at yet');
select is(test.sqlstate($$select tokpay.hold(test.id('payer'), test.ids('huge'), '{900}')$$), 'ok', 'nor whether the credit fits');

-- Capturing: amounts, what was captured of each credit, payer and ann and bob afterwards
create function pg_temp.captured(amounts text) returns text language plpgsql as $$
declare
    held tokpay.transfer_result;
    done tokpay.transfer_result;
begin
    held := tokpay.hold(test.id('payer'), test.ids('ann', 'bob', 'ann'), '{30,20,10}');
    execute format('select * from tokpay.capture(%s%s)', held.transfer, ', ' || quote_literal(amounts)) into done;
    raise exception using errcode = 'UNDO0', message = concat_ws(', ', pg_temp.state('payer'), pg_temp.state('ann'), pg_temp.state('bob'),
        done.debit_balance, done.debit_version, done.credit_balances, done.credit_versions,
        (select concat_ws(' ', t.kind, t.status, t.amount, t.amounts, t.hold = held.transfer) from tokpay.transfers t where t.id = done.transfer),
        (select string_agg(amount::text, ' ' order by account, version) from tokpay.entries where transfer = done.transfer), pg_temp.status(held.transfer));
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select is(pg_temp.captured(amounts), outcome, 'capture of ' || what)
from (values
    ('all by default', null, '940 60 880 2, 40 0 40 2, 20 0 20 1, 940, 2, {30,20,40}, {1,1,2}, capture posted 60 {30,20,10} t, -60 30 10 20, captured'),
    ('all by its amounts', '{30,20,10}', '940 60 880 2, 40 0 40 2, 20 0 20 1, 940, 2, {30,20,40}, {1,1,2}, capture posted 60 {30,20,10} t, -60 30 10 20, captured'),
    ('a part', '{1,2,3}', '994 60 934 2, 4 0 4 2, 2 0 2 1, 994, 2, {1,2,4}, {1,1,2}, capture posted 6 {1,2,3} t, -6 1 3 2, captured'),
    ('nothing of one credit', '{30,0,10}', '960 60 900 2, 40 0 40 2, 0 0 0 0, 960, 2, {30,0,40}, {1,0,2}, capture posted 40 {30,0,10} t, -40 30 10, captured'),
    ('nothing of an account''s first credit', '{0,20,10}', '970 60 910 2, 10 0 10 1, 20 0 20 1, 970, 2, {0,20,10}, {0,1,1}, capture posted 30 {0,20,10} t, -30 10 20, captured'),
    ('one cent', '{0,0,1}', '999 60 939 2, 1 0 1 1, 0 0 0 0, 999, 2, {0,0,1}, {0,0,1}, capture posted 1 {0,0,1} t, -1 1, captured')
) as cases (what, amounts, outcome);

select is(row(a.sqlstate, a.detail)::text, row(expected, why)::text, 'capture: ' || what)
from (values
    ('TP001', 'hold is null.', 'no hold', 'null'),
    ('TP001', 'amounts is empty.', 'empty amounts', $${h}, '{}'$$),
    ('TP001', 'amounts has a null element.', 'a null amount', $${h}, '{30,null,10}'$$),
    ('TP001', 'amounts has more than one dimension.', 'two dimensions', $${h}, '{{30},{20},{10}}'$$),
    ('TP001', 'amounts[2] is -1; an amount is not negative.', 'a negative amount', $${h}, '{30,-1,10}'$$),
    ('TP001', 'amounts[3] is 11; the hold allows 0 to 10.', 'more than is held for a credit, though the sum is not', $${h}, '{1,1,11}'$$),
    ('TP001', 'There are 2 amounts; the hold has 3 credits.', 'an amount too few', $${h}, '{30,20}'$$),
    ('TP001', 'There are 4 amounts; the hold has 3 credits.', 'an amount too many', $${h}, '{30,20,10,0}'$$),
    ('TP001', 'amounts are all 0; tokpay.void() releases a hold.', 'nothing at all', $${h}, '{0,0,0}'$$),
    ('TP001', 'key has 0 bytes; a key has 1 to 255.', 'an empty key', $${h}, null, ''$$),
    ('TP006', 'There is no transfer 999999999.', 'an unknown hold', '999999999'),
    ('TP006', 'There is no transfer -1.', 'hold -1', '-1, null')
) as cases (expected, why, what, arguments),
    lateral test.attempt(format('select tokpay.capture(%s)', replace(arguments, '{h}', :'h_transfer'))) as a;

select transfer as parts from tokpay.hold(test.id('payer'), test.ids('bob', 'ann'), '{1,1}') \gset
select transfer as part from tokpay.capture(:parts, '{1,0}') \gset
select is((select counterparties from tokpay.history(test.id('payer'), max_rows => 1)), test.ids('bob'), 'history names those who got something');

-- Once: what a second end is told
create temporary table ended (what text, hold bigint);
with opened as (select what, (tokpay.hold(test.id('payer'), test.ids('ann'), '{5}', null, expires_in)).transfer as hold
    from (values ('captured', interval '1 day'), ('voided', '1 day'), ('expired', '1 microsecond')) as w (what, expires_in))
insert into ended select * from opened;
select tokpay.capture(hold) from ended where what = 'captured';
select tokpay.void(hold) from ended where what = 'voided';
select test.wait_past(max(expires_at)) from tokpay.holds join ended on hold = id where what = 'expired';
select is(tokpay.expire_holds(), 1, 'expire_holds ends what has expired and nothing else');
select is(pg_temp.status(hold), what, format('the view transfers says %s', what)) from ended;
select is(row(a.sqlstate, regexp_replace(a.detail, 'transfer \d+', 'transfer N'))::text,
    format('(TP013,"Hold %s %s.")', hold, case what when 'expired' then 'has expired' else format('was %s by transfer N', what) end),
        format('%s of a hold that is %s', call, what))
from ended, (values ('capture'), ('void')) as calls (call), lateral test.attempt(format('select tokpay.%s(%s)', call, hold)) as a;
select is(test.rows('select count(*) from tokpay.holds join ended on hold = id'), '(0)', 'the view holds has none of them');
select is(row(a.sqlstate, a.detail)::text, format('(TP013,"Transfer %s is a %s and no hold.")', t.id, t.kind), format('%s of a %s', call, t.kind))
from (select distinct on (kind) id, kind from tokpay.transfers where kind in ('top_up', 'capture', 'void') order by kind, id) as t,
    (values ('capture'), ('void')) as calls (call), lateral test.attempt(format('select tokpay.%s(%s)', call, t.id)) as a;

-- Voiding
select transfer as v_transfer, at as v_at from tokpay.hold(test.id('other'), test.ids('ann', 'bob'), '{40,60}') \gset
select pg_temp.state('other') as reserved \gset
create temporary table w as select * from tokpay.void(:v_transfer, 'gone');
select transfer as w_transfer from w \gset
select is(:'reserved' || ', then ' || pg_temp.state('other'), '100 100 0 1, then 100 0 100 1', 'void releases all, and no version counts');
select is(test.rows('select debit_balance, debit_version, credit_balances, credit_versions, replayed from w'), '(100,1,,,f)', 'void answers like a hold');
select is(test.rows(format('select kind, status, amount, credits, amounts, key, hold, expires_at, at > %L from tokpay.transfers where id = %s',
        :'v_at', :w_transfer)),
    format('(void,posted,100,"{%s}","{40,60}",gone,%s,,t)', array_to_string(test.ids('ann', 'bob'), ','), :v_transfer),
    'the view transfers shows a void with its hold, credits and amounts');
select is((select count(*) from tokpay.entries where transfer = :w_transfer), 0::bigint, 'a void has no entry');
select is(test.sqlstate(format('select tokpay.void(%s)', arguments)), expected, 'void: ' || what)
from (values ('TP001', 'no hold', 'null'), ('TP001', 'an empty key', format($$%s, ''$$, :h_transfer)), ('TP006', 'an unknown hold', '999999999'),
    ('TP006', 'hold 0', '0'),
    ('ok', 'a pending hold', :'h_transfer')) as cases (expected, what, arguments);

-- Expiry: how long
select is(test.sqlstate(format('select tokpay.hold(test.id(''payer''), test.ids(''ann''), ''{1}'', null, %s)', expires_in)), expected, 'expires_in ' || expires_in)
from (values ('ok', 'null'), ('ok', $$'1 microsecond'$$), ('ok', $$'36525 days'$$), ('ok', $$'1200 months'$$), ('TP001', $$'0'$$), ('TP001', $$'-1 microsecond'$$),
    ('TP001', $$'36525 days 1 microsecond'$$), ('TP001', $$'1218 months'$$), ('TP001', $$'1 month -30 days'$$), ('TP001', $$'178000000 years'$$)
) as cases (expected, expires_in);
select is(test.rows(format('select expires_at from tokpay.transfers where id = %1$s union all select expires_at from tokpay.holds where id = %1$s',
        (select transfer from tokpay.hold(test.id('payer'), test.ids('ann'), '{1}', null, null)))), '() ()', 'expires_in null: never');
select transfer as week from tokpay.hold(test.id('payer'), test.ids('ann'), '{1}') \gset
select is((select expires_at - at from tokpay.holds where id = :week), '7 days', 'a week by default');
select at as made_at, transfer as made from tokpay.hold(test.id('payer'), test.ids('ann'), '{1}', null, '-1 month 31 days') \gset
select is((select expires_at > :'made_at' from tokpay.holds where id = :made), true, 'a day by a month of 30 days is later, whatever the calendar says');
select is((test.attempt($$select tokpay.hold(test.id('payer'), test.ids('ann'), '{1}', expires_in => '-1 day')$$)).detail,
    'expires_in is positive, or null for never.',
    'the detail says what expires_in may be');

-- Expiry: until its end is recorded an expired hold counts, and can be voided but not captured
select test.open('late', 100);
select transfer as late_hold from tokpay.hold(test.id('late'), test.ids('ann'), '{60}', 'late', '1 microsecond') \gset
select test.wait_past(expires_at) from tokpay.holds where id = :late_hold;
select is(pg_temp.state('late') || ' ' || pg_temp.status(:late_hold), '100 60 40 1 pending', 'an expired hold counts until its end is recorded');
select is((a).sqlstate || ' ' || (a).detail, format('TP013 Hold %s has expired.', :late_hold), 'it cannot be captured')
from test.attempt(format('select tokpay.capture(%s)', :late_hold)) as a;
select is(test.sqlstate(format('select tokpay.void(%s)', :late_hold)), 'ok', 'it can be voided');
select is((tokpay.hold(test.id('late'), test.ids('ann'), '{60}', 'late', '1 microsecond')).replayed, true, 'it replays');
select is(test.sqlstate(format('select tokpay.expire_holds(%s)', max_rows)), expected, 'expire_holds of at most ' || max_rows)
from (values ('TP001', '0'), ('TP001', '-1'), ('TP001', 'null'), ('ok', '1'), ('ok', '2147483647')) as cases (expected, max_rows);
select tokpay.expire_holds();
select is(pg_temp.state('late') || ' ' || pg_temp.status(:late_hold), '100 0 100 1 expired', 'expire_holds gives it back');
select is(tokpay.expire_holds(), 0, 'once');
select is((select count(*) from tokpay.transfers where debit = test.id('late')), 1::bigint, 'an expiry is no transfer of its own');
select is(test.sqlstate(format('select tokpay.%s(%s)', call, id)), 'TP006', call || ' of an expiry''s own id')
from (select max(id) as id from tokpay.journal where kind = 'x') as x, (values ('capture'), ('void'), ('reverse')) as calls (call);

-- Expiry on need: spender has three holds of 10 each, a, b and c, due in the order c, a, b, and 5 more
create function pg_temp.spend(statement text) returns text language plpgsql as $$
declare
    due timestamptz;
    ids bigint[];
    answer text;
begin
    perform test.open('spender', 30);
    loop        -- until no pause came between the clock and the holds
        due := clock_timestamp() + '20 milliseconds';
        ids := array(select (tokpay.hold(test.id('spender'), test.ids('ann'), '{10}', null, greatest(due + delay - clock_timestamp(), '1 microsecond'))).transfer
            from unnest(array['2 milliseconds', '4 milliseconds', '0']::interval[]) with ordinality as u (delay, place) order by place);
        exit when array(select id from tokpay.holds where id = any (ids) order by expires_at) = array[ids[3], ids[1], ids[2]];
        perform tokpay.void(id) from unnest(ids) as id;
    end loop;
    perform tokpay.top_up(test.id('spender'), 5);
    perform test.wait_past(max(expires_at)) from tokpay.holds where id = any (ids);
    answer := test.execute(test.fill(statement));
    raise exception using errcode = 'UNDO0', message = concat_ws(', ', answer, pg_temp.state('spender'),
        (select string_agg(pg_temp.status(id), ' ' order by place) from unnest(ids) with ordinality as u (id, place)));
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select is(pg_temp.spend(statement), outcome, 'expiry on need: ' || what)
from (values
    ('none where there is enough', 'ok, 30 30 0 3, pending pending pending', $$select tokpay.transfer({spender}, '{{bob}}', '{5}')$$),
    ('the oldest first', 'ok, 29 20 9 3, pending pending expired', $$select tokpay.transfer({spender}, '{{bob}}', '{6}')$$),
    ('one that is exactly enough', 'ok, 20 20 0 3, pending pending expired', $$select tokpay.transfer({spender}, '{{bob}}', '{15}')$$),
    ('as many as needed', 'ok, 19 10 9 3, expired pending expired', $$select tokpay.transfer({spender}, '{{bob}}', '{16}')$$),
    ('all', 'ok, 0 0 0 3, expired expired expired', $$select tokpay.transfer({spender}, '{{bob}}', '{35}')$$),
    ('none where all are not enough', 'TP010, 35 30 5 2, pending pending pending', $$select tokpay.transfer({spender}, '{{bob}}', '{36}')$$),
    ('none where another rule is broken', 'TP011, 35 30 5 2, pending pending pending', $$select tokpay.transfer({spender}, '{{full}}', '{6}')$$),
    ('for a hold', 'ok, 35 26 9 2, pending pending expired', $$select tokpay.hold({spender}, '{{bob}}', '{6}')$$),
    ('none for a credit', 'ok, 36 30 6 3, pending pending pending', $$select tokpay.transfer({payer}, '{{spender}}', '{1}')$$),
    ('in a batch', 'ok, 14 10 4 5, expired pending expired',
        $$select count(*) from tokpay.transfer_batch(array_fill(test.request({spender}, '{{bob}}', '{7}'), array[2]) || test.request({spender}, '{{bob}}', '{7}'))$$),
    ('none by a chain that fails', 'ok, 35 30 5 2, pending pending pending',
        $$select count(*) from tokpay.transfer_batch(array[test.request({spender}, '{{bob}}', '{6}', chain => 1), test.request({spender}, '{{full}}', '{1}', chain => 1)])$$),
    ('after a chain that failed they are there for the next', 'ok, 29 20 9 3, pending pending expired',
        $$select count(*) from tokpay.transfer_batch(array[test.request({spender}, '{{bob}}', '{16}', chain => 1), test.request({spender}, '{{full}}', '{1}', chain => 1),
            test.request({spender}, '{{bob}}', '{6}')])$$),
    ('none by a request of a batch that is refused', 'ok, 30 30 0 3, pending pending pending',
        $$select count(*) from tokpay.transfer_batch(array[test.request({spender}, '{{full}}', '{6}'), test.request({spender}, '{{bob}}', '{5}')])$$),
    ('and after a refusal', 'ok, 19 10 9 3, expired pending expired',
        $$select count(*) from tokpay.transfer_batch(array[test.request({spender}, '{{full}}', '{6}'), test.request({spender}, '{{bob}}', '{16}')])$$),
    ('in one chain, one after another', 'ok, 14 10 4 4, expired pending expired',
        $$select count(*) from tokpay.transfer_batch(array[test.request({spender}, '{{bob}}', '{7}', chain => 1), test.request({spender}, '{{bob}}', '{14}', chain => 1)])$$),
    ('expire_holds(1) ends the oldest', 'ok, 35 20 15 2, pending pending expired', 'select tokpay.expire_holds(1)'),
    ('expire_holds(2) the two oldest', 'ok, 35 10 25 2, expired pending expired', 'select tokpay.expire_holds(2)')
) as cases (what, outcome, statement);

-- The clock set back: the account's latest transfer is in 2100, so that every time is one microsecond after the one before
create function pg_temp.in_2100(statements text) returns text language plpgsql as $$
declare
    answers text[] := '{}';
    statement text;
begin
    perform test.open('ahead', 10);
    alter table tokpay.account_state disable trigger immutable, disable trigger immutable_row;
    update tokpay.account_state set last_at = '2100-01-01' where id = test.id('ahead');
    create temporary table made on commit drop as select transfer as hold from tokpay.hold(test.id('ahead'), test.ids('ann'), '{8}', null, '2 microseconds');
    foreach statement in array regexp_split_to_array(statements, ';\s+') loop
        answers := answers || test.execute(test.fill('select ' || statement));
    end loop;
    raise exception using errcode = 'UNDO0', message = concat_ws(', ', array_to_string(answers, ' '), pg_temp.state('ahead'),
        pg_temp.status((select hold from made)),
        (select string_agg(format('%s %s', j.kind, extract(microseconds from j.at)), ' ' order by j.id)
            from tokpay.journal j where j.debit = test.id('ahead') and j.at > '2100-01-01'));
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select is(pg_temp.in_2100(statements), outcome, 'with the clock set back: ' || what)
from (values
    ('ok, 2 0 2 2, captured, h 1 c 2', 'a capture before expiry', 'tokpay.capture(hold) from made'),
    ('ok TP013, 9 8 1 2, pending, h 1 t 2', 'none from its expiry on', $$tokpay.transfer({ahead}, '{{ann}}', '{1}'); tokpay.capture(hold) from made$$),
    ('ok ok, 9 0 9 2, voided, h 1 t 2 v 3', 'a void from its expiry on', $$tokpay.transfer({ahead}, '{{ann}}', '{1}'); tokpay.void(hold) from made$$),
    ('TP010, 10 8 2 1, pending, h 1', 'not spent before expiry', $$tokpay.transfer({ahead}, '{{ann}}', '{3}')$$),
    ('ok ok, 6 0 6 3, expired, h 1 t 2 x 3 t 4', 'spent from its expiry on',
        $$tokpay.transfer({ahead}, '{{ann}}', '{1}'); tokpay.transfer({ahead}, '{{ann}}', '{3}')$$),
    ('ok 22012, 9 8 1 2, pending, h 1 t 2', 'expire_holds goes by the clock', $$tokpay.transfer({ahead}, '{{ann}}', '{1}'); 1 / tokpay.expire_holds()$$)
) as cases (outcome, what, statements);

-- Freezing and closing: on either side
create function pg_temp.as(role text) returns text language sql return set_config('role', role, true);
create function pg_temp.with_status(statements text) returns text language plpgsql as $$
declare
    answers text[] := '{}';
    statement text;
begin
    perform test.open('giver', 100), test.open('taker');
    create temporary table kept on commit drop as
        select transfer as hold from tokpay.hold(test.id('giver'), test.ids('taker', 'ann'), '{1,2}', null, '1 day');
    create temporary table brief on commit drop as
        select transfer as hold from tokpay.hold(test.id('giver'), test.ids('taker', 'ann'), '{1,2}', null, '1 microsecond');
    foreach statement in array regexp_split_to_array(statements, ';\s+') loop
        answers := answers || test.execute(test.fill('select ' || statement));
    end loop;
    raise exception using errcode = 'UNDO0', message = array_to_string(answers, ' ');
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
select is(pg_temp.with_status(statements), outcomes, what)
from (values
    ('a frozen payer', 'ok TP007 TP007 ok ok',
        $$tokpay.freeze({giver}); tokpay.hold({giver}, '{{ann}}', '{1}'); tokpay.capture(hold) from kept; tokpay.void(hold) from kept; 1 / tokpay.expire_holds()$$),
    ('a frozen payee', 'ok TP007 TP007 ok ok',
        $$tokpay.freeze({taker}); tokpay.hold({giver}, '{{taker}}', '{1}'); tokpay.capture(hold) from kept; tokpay.void(hold) from kept; 1 / tokpay.expire_holds()$$),
    ('a frozen payee, nothing captured for it', 'ok TP007 ok', $$tokpay.freeze({taker}); tokpay.capture(hold, '{0,2}') from kept; tokpay.void(hold) from kept$$),
    ('a closed payee', 'ok TP008 TP008 ok ok',
        $$tokpay.close({taker}); tokpay.hold({giver}, '{{taker}}', '{1}'); tokpay.capture(hold) from kept; tokpay.void(hold) from kept; 1 / tokpay.expire_holds()$$),
    ('a closed payee, nothing captured for it', 'ok TP008 ok', $$tokpay.close({taker}); tokpay.capture(hold, '{0,2}') from kept; tokpay.void(hold) from kept$$),
    ('a payer unfrozen', 'ok ok ok', $$tokpay.freeze({giver}); tokpay.unfreeze({giver}); tokpay.capture(hold) from kept$$),
    ('a payee''s new ceiling is looked at', 'ok TP011 ok', $$tokpay.set_limits({taker}, 0, 0); tokpay.capture(hold) from kept; tokpay.capture(hold, '{0,2}') from kept$$),
    ('a payer that lost its floor needs a funder', 'ok TP016 TP016 ok ok',
        $$tokpay.set_limits({giver}, null, null); pg_temp.as('tokpay_teller'), tokpay.capture(hold) from kept; pg_temp.as('tokpay_teller'), tokpay.hold({giver}, '{{ann}}', '{1}');
            pg_temp.as('none'); tokpay.capture(hold) from kept$$)
) as cases (what, outcomes, statements);

-- Floorless: all can be held, by a funder
select is((tokpay.hold(test.id('floorless'), test.ids('ann'), '{500}', 'grant')).debit_balance, 0::bigint, 'an account without a floor holds what it has not');
select is(pg_temp.state('floorless'), '0 500 0', 'and nothing is available or not');

-- Keys: a replay answers the first result, after the hold's end, too
create function pg_temp.of(key text) returns bigint language sql
return (select t.id from tokpay.transfers t where t.key = $1 and t.debit = test.id('other'));
create function pg_temp.answer(call text) returns text language plpgsql as $$
declare
    line text;
begin
    execute format('select row(r.*)::text from tokpay.%s as r', test.fill(call)) into line;
    return line;
end $$;
create temporary table first (key text, answer text);
insert into first values ('void me', pg_temp.answer($$hold({other}, '{{ann}}', '{10}', 'void me')$$)),
    ('k hold', pg_temp.answer($$hold({other}, '{{ann},{bob}}', '{10,20}', 'k hold', '1 day', 'text', '{"a": 1}')$$));
insert into first values ('k capture', pg_temp.answer($$capture(pg_temp.of('k hold'), '{10,20}', 'k capture')$$)),
    ('k void', pg_temp.answer($$void(pg_temp.of('void me'), 'k void')$$)),
    ('k transfer', pg_temp.answer($$transfer({other}, '{{bob}}', '{3}', 'k transfer')$$));
select is(pg_temp.answer(call), regexp_replace(answer, 'f\)$', 't)'), 'a replay: ' || what)
from (values
    ('k hold', 'hold', $$hold({other}, '{{ann},{bob}}', '{10,20}', 'k hold', '1 day', 'text', '{"a": 1.0}')$$),
    ('k hold', 'hold with another expiry', $$hold({other}, '{{ann},{bob}}', '{10,20}', 'k hold', null, 'text', '{"a": 1}')$$),
    ('k hold', 'transfer_by_key of a hold', $$transfer_by_key({other}, 'k hold')$$),
    ('k capture', 'capture', $$capture(pg_temp.of('k hold'), '{10,20}', 'k capture')$$),
    ('k capture', 'capture of all, unnamed', $$capture(pg_temp.of('k hold'), null, 'k capture')$$),
    ('k capture', 'transfer_by_key of a capture', $$transfer_by_key({other}, 'k capture')$$),
    ('k void', 'void', $$void(pg_temp.of('void me'), 'k void')$$),
    ('k void', 'transfer_by_key of a void', $$transfer_by_key({other}, 'k void')$$)
) as cases (key, what, call) join first using (key);
select is(substring(a.detail from 'differs in its (\w+)'), field, 'key_reused: ' || what)
from (values
    ('kind', 'a transfer with a hold''s key', $$transfer({other}, '{{ann},{bob}}', '{10,20}', 'k hold', 'text', '{"a": 1}')$$),
    ('kind', 'a hold with a transfer''s key', $$hold({other}, '{{bob}}', '{3}', 'k transfer')$$),
    ('kind', 'a capture with its hold''s key', $$capture(pg_temp.of('k hold'), null, 'k hold')$$),
    ('kind', 'a void with a capture''s key', $$void(pg_temp.of('k hold'), 'k capture')$$),
    ('credits', 'a hold for somebody else', $$hold({other}, '{{bob},{ann}}', '{10,20}', 'k hold', '1 day', 'text', '{"a": 1}')$$),
    ('amounts', 'a hold of more', $$hold({other}, '{{ann},{bob}}', '{10,21}', 'k hold', '1 day', 'text', '{"a": 1}')$$),
    ('description', 'a hold for another reason', $$hold({other}, '{{ann},{bob}}', '{10,20}', 'k hold', '1 day', null, '{"a": 1}')$$),
    ('metadata', 'a hold with other metadata', $$hold({other}, '{{ann},{bob}}', '{10,20}', 'k hold', '1 day', 'text')$$),
    ('amounts', 'a capture of less', $$capture(pg_temp.of('k hold'), '{10,19}', 'k capture')$$),
    ('hold', 'a capture of another hold', $$capture(pg_temp.of('void me'), null, 'k capture')$$),
    ('hold', 'a void of another hold', $$void(pg_temp.of('k hold'), 'k void')$$)
) as cases (field, what, call), lateral test.attempt(test.fill('select tokpay.' || call)) as a;
select is((tokpay.capture(h.transfer, null, 'k capture')).replayed, false, 'another account''s hold has keys of its own')
from tokpay.hold(test.id('payer'), test.ids('ann'), '{1}') as h;

select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
