-- verify() says ok of right books, and which check is broken by each kind of damage.
begin;
select plan(100);
select test.open('payer', 1000), test.open('ann'), test.open('bob', 20, min_balance => -10), test.open('eve', 0, max_balance => 40),
    test.open('euro', 100, 'EUR'), test.open('unused'), test.open('gone'), test.open('holder', 100);
select tokpay.transfer(test.id('payer'), test.ids('ann', 'bob', 'ann'), '{1,2,3}', 'k1', 'text', '{"a": 1}'),
    tokpay.transfer(test.id('bob'), test.ids('payer'), '{30}', 'k1'), tokpay.transfer(test.id('payer'), test.ids('eve'), '{40}', 'k2'),
    tokpay.transfer(test.id('ann'), test.ids('bob'), '{4}');
select count(*) from tokpay.transfer_batch(array_fill(test.request(test.id('payer'), test.ids('ann', 'bob'), '{1,1}'), array[150]));
select tokpay.hold(test.id('holder'), test.ids('ann', 'bob'), '{5,6}', 'pending', '1 day'), tokpay.hold(test.id('holder'), test.ids('ann'), '{1}', 'for ever', null),
    tokpay.hold(test.id('holder'), test.ids('ann', 'bob', 'ann'), '{3,4,5}', 'captured', '1 day'),
        tokpay.hold(test.id('holder'), test.ids('ann', 'bob'), '{2,3}', 'voided', '1 day'),
    tokpay.hold(test.id('holder'), test.ids('ann'), '{9}', 'expired', '1 microsecond');
-- The transfer of this key, the end of this hold.
create function pg_temp.of(key text) returns bigint language sql return (select j.id from tokpay.journal j where j.key = $1 order by j.id limit 1);
create function pg_temp.end_of(key text) returns bigint language sql return (select e.id from tokpay.journal e where e.target = pg_temp.of($1));
select tokpay.capture(pg_temp.of('captured'), '{3,0,1}'), tokpay.void(pg_temp.of('voided')), test.wait_past(expires_at) from tokpay.journal where key = 'expired';
select tokpay.expire_holds(), tokpay.reverse(pg_temp.of('k2'), 'reverse'), tokpay.close(test.id('gone'));
select is(test.rows('select check_name, ok from tokpay.verify()'),
    '(accounts,t) (balances,t) (conservation,t) (currencies,t) (entries,t) (epochs,t) (guards,t) (holds,t) (keys,t) (limits,t) (reverses,t) (sequences,t) (times,t) (transfers,t) (waypoints,t)',
    'all checks of a used book are ok');
select is((select count(*) from tokpay.verify() where detail is null), 0::bigint, 'and each says what it checked');

-- Damages the books as a superuser can, past the guards, answers what verify() finds, and undoes it.
create function pg_temp.found(damage text) returns text language plpgsql as $$
declare
    faults text;
begin
    alter table tokpay.journal disable trigger immutable, disable trigger immutable_row;
    alter table tokpay.account_state disable trigger immutable, disable trigger immutable_row;
    alter table tokpay.pending_hold disable trigger immutable, disable trigger immutable_row;
    alter table tokpay.waypoint disable trigger immutable, disable trigger immutable_row;
    execute damage;
    alter table tokpay.journal enable always trigger immutable, enable always trigger immutable_row;
    alter table tokpay.account_state enable always trigger immutable, enable always trigger immutable_row;
    alter table tokpay.pending_hold enable always trigger immutable, enable always trigger immutable_row;
    alter table tokpay.waypoint enable always trigger immutable, enable always trigger immutable_row;
    raise exception using errcode = 'UNDO0', message = test.faults();
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
-- The same for the guards themselves.
create function pg_temp.found_unguarded(damage text) returns text language plpgsql as $$
begin
    execute damage;
    raise exception using errcode = 'UNDO0', message = test.faults();
exception when sqlstate 'UNDO0' then return sqlerrm;
end $$;
-- The transfer of this key; the leg's part-th number moved by so much.
create function pg_temp.bend(leg integer, part integer, difference bigint) returns text language sql
return format('update tokpay.journal set legs[%1$s] = legs[%1$s] + %2$s where id = (select min(id) from tokpay.journal where key = ''k1'')',
    5 * (leg - 1) + part, difference);

select is(pg_temp.found(damage), checks, what)
from (values
    ('balances conservation', 'a balance', $$update tokpay.account_state set balance = balance + 1 where id = test.id('ann')$$),
    ('epochs', 'an epoch that there was not', $$update tokpay.journal set epoch = 7 where key = 'k2'$$),
    ('epochs', 'an epoch out of order', $$insert into tokpay.epoch values (1, 2, 1, 1), (2, 1, 1, 2)$$),
    ('balances', 'two balances that cancel out', $$update tokpay.account_state set balance = balance + case id when test.id('ann') then 1 else -1 end where id in (test.id('ann'), test.id('payer'))$$),
    ('balances', 'a version', $$update tokpay.account_state set version = version + 1 where id = test.id('ann')$$),
    ('balances', 'the version of an unused account', $$update tokpay.account_state set version = 1 where id = test.id('unused')$$),
    ('balances', 'the link to the last transfer', $$update tokpay.account_state set last_transfer = last_transfer - 1 where id = test.id('ann')$$),
    ('balances', 'the time of the last transfer', $$update tokpay.account_state set last_at = last_at + interval '1 second' where id = test.id('ann')$$),
    ('balances entries transfers', 'the amount of a transfer', $$update tokpay.journal set amount = amount + 1 where key = 'k2'$$),
    ('entries', 'the debit''s balance', $$update tokpay.journal set debit_balance = debit_balance + 1 where key = 'k2'$$),
    ('entries', 'the debit''s version', $$update tokpay.journal set debit_version = debit_version - 1 where key = 'k2'$$),
    ('entries', 'the debit''s link', $$update tokpay.journal set debit_previous = debit_previous - 1 where key = 'k2'$$),
    ('entries', 'a time before the one before', $$update tokpay.journal set at = at - interval '1 day' where key = 'k2'$$),
    ('balances entries transfers', 'a leg''s amount', pg_temp.bend(1, 2, 1)),
    ('entries', 'a leg''s balance', pg_temp.bend(1, 3, 1)),
    ('entries', 'a leg''s version', pg_temp.bend(2, 4, 1)),
    ('entries', 'a leg''s link', pg_temp.bend(3, 5, 1)),
    ('entries', 'the balance that a hold found', $$update tokpay.journal set debit_balance = debit_balance + 1 where key = 'pending'$$),
    ('entries', 'the version that a void found', $$update tokpay.journal set debit_version = debit_version + 1 where id = pg_temp.end_of('voided')$$),
    ('entries', 'the balance that an expiry found', $$update tokpay.journal set debit_balance = 0 where id = pg_temp.end_of('expired')$$),
    ('entries', 'the balance of a credit of which nothing was captured', $$update tokpay.journal set legs[8] = legs[8] + 1 where id = pg_temp.end_of('captured')$$),
    ('balances entries reverses transfers', 'legs of another shape', $$update tokpay.journal set legs = legs[1:4] where key = 'k2'$$),
    ('balances entries transfers', 'the lowest amount there is', $$update tokpay.journal set amount = -9223372036854775808 where key = 'k2'$$),
    ('holds limits', 'money held that is not there', $$update tokpay.account_state set held = 100 where id = test.id('eve')$$),
    ('holds limits', 'a negative amount held', $$update tokpay.account_state set held = -1 where id = test.id('unused')$$),
    ('limits', 'a balance below the floor', $$update tokpay.account_state set min_balance = balance + 1 where id = test.id('payer')$$),
    ('limits', 'a balance above the ceiling', $$update tokpay.account_state set max_balance = balance - 1 where id = test.id('eve')$$),
    ('holds', 'one cent more held than there are holds', $$update tokpay.account_state set held = held + 1 where id = test.id('holder')$$),
    ('holds', 'a pending hold forgotten', $$delete from tokpay.pending_hold where hold = pg_temp.of('pending')$$),
    ('holds', 'a pending hold of another amount', $$update tokpay.pending_hold set amount = amount + 1 where hold = pg_temp.of('pending')$$),
    ('holds', 'a pending hold of another account', $$update tokpay.pending_hold set debit = test.id('ann') where hold = pg_temp.of('pending')$$),
    ('holds', 'a pending hold that ends later', $$update tokpay.pending_hold set expires_at = 'infinity' where hold = pg_temp.of('pending')$$),
    ('holds', 'a pending hold that ends at last', $$update tokpay.pending_hold set expires_at = now() where hold = pg_temp.of('for ever')$$),
    ('holds', 'a pending hold that nobody made', $$insert into tokpay.pending_hold values (999999, test.id('unused'), 0, 'infinity')$$),
    ('holds', 'a hold captured and still pending', $$insert into tokpay.pending_hold values (pg_temp.of('captured'), test.id('unused'), 0, 'infinity')$$),
    ('holds', 'a capture after expiry', $$update tokpay.journal set expires_at = at + '1 microsecond' where key = 'captured'$$),
    ('holds', 'an expiry before its time', $$update tokpay.journal set expires_at = 'infinity' where key = 'expired'$$),
    ('holds', 'an expiry of another amount', $$update tokpay.journal set amount = amount + 1 where id = pg_temp.end_of('expired')$$),
    ('holds', 'an end of what is no hold', $$update tokpay.journal set target = pg_temp.of('k1') where id = pg_temp.end_of('voided')$$),
    ('holds', 'an end of nothing', $$update tokpay.journal set target = 999999 where id = pg_temp.end_of('voided')$$),
    ('holds', 'a void of other amounts', $$update tokpay.journal set legs[2] = 1, legs[7] = 4 where id = pg_temp.end_of('voided')$$),
    ('balances holds', 'a void for another credit', $$update tokpay.journal set legs[1] = test.id('eve') where id = pg_temp.end_of('voided')$$),
    ('holds transfers', 'a hold whose amount is not its credits''', $$update tokpay.journal set amount = amount + 1 where id = pg_temp.of('for ever')$$),
    ('holds transfers', 'a hold of nothing for one credit', $$update tokpay.journal set amount = 5, legs[7] = 0 where id = pg_temp.of('pending')$$),
    ('reverses', 'a reverse of another transfer', $$update tokpay.journal set target = pg_temp.of('k1') where key = 'reverse'$$),
    ('reverses', 'a reverse of nothing', $$update tokpay.journal set target = 999999 where key = 'reverse'$$),
    ('holds reverses', 'a reverse of a hold', $$update tokpay.journal set target = pg_temp.of('pending') where key = 'reverse'$$),
    ('waypoints', 'a waypoint missing', $$delete from tokpay.waypoint where account = test.id('ann')$$),
    ('waypoints', 'a waypoint to another transfer', $$update tokpay.waypoint set transfer = transfer - 1 where account = test.id('ann')$$),
    ('waypoints', 'a waypoint at another time', $$update tokpay.waypoint set at = at - interval '1 microsecond' where account = test.id('ann')$$),
    ('waypoints', 'a waypoint at another version', $$update tokpay.waypoint set version = 127 where account = test.id('ann')$$),
    ('waypoints', 'a waypoint too many', $$insert into tokpay.waypoint values (test.id('ann'), 64, 1, now())$$),
    ('waypoints', 'a waypoint ahead of its account', $$insert into tokpay.waypoint values (test.id('ann'), 256, 1, now())$$),
    ('sequences', 'transfer ids that come again', 'alter sequence tokpay.transfer_id_seq restart with 7'),
    ('sequences', 'account ids that come again', 'alter sequence tokpay.account_id_seq restart with 2'),
    ('sequences', 'a stride that is not kept', $$alter event trigger tokpay_sequence_settings disable; insert into tokpay.sequence_setting values ('transfer_id_seq', 1, 3, 1, 9223372036854775807, 1, false);
        alter sequence tokpay.transfer_id_seq increment 1$$),
    ('times', 'two transfers of an account at one time', $$update tokpay.journal set at = (select at from tokpay.journal where key = 'for ever') where key = 'pending'$$),
    ('accounts', 'a status that there is not', $$update tokpay.account_state set status = 'z' where id = test.id('unused')$$),
    ('accounts', 'a closed account with a balance', $$update tokpay.account_state set status = 'c' where id = test.id('ann')$$),
    ('keys', 'a key used twice', $$update tokpay.journal set key = 'k1' where key = 'k2'$$),
    ('keys', 'a key that its account''s filter does not know', $$update tokpay.account_state set key_filter = 0 where id = test.id('bob')$$),
    ('accounts', 'an account without information', $$delete from tokpay.account_info where account = test.id('unused')$$),
    ('accounts', 'information without an account', $$delete from tokpay.account_state where id = test.id('unused')$$)
) as cases (checks, what, damage);
select is(pg_temp.found(damage) ~ ('(^| )' || check_name || '( |$)'), true, what || ': ' || check_name || ' among the checks')
from (values
    ('entries', 'a missing transfer in the middle', $$delete from tokpay.journal where key = 'k2'$$),
    ('balances', 'the newest transfer missing', $$delete from tokpay.journal where id = (select max(id) from tokpay.journal)$$),
    ('balances', 'all transfers missing', $$delete from tokpay.journal$$),
    ('currencies', 'a leg in another currency', $$update tokpay.journal set legs[1] = test.id('euro') where key = 'k2'$$),
    ('transfers', 'a kind that there is not', $$update tokpay.journal set kind = 'q' where key = 'pending'$$),
    ('transfers', 'a void of no hold', $$update tokpay.journal set target = null where id = pg_temp.end_of('voided')$$),
    ('transfers', 'a transfer that ends a hold', $$update tokpay.journal set target = 999999 where id = pg_temp.of('k1')$$),
    ('transfers', 'a transfer that expires', $$update tokpay.journal set expires_at = at where key = 'k1'$$),
    ('currencies', 'a hold for a credit in another currency', $$update tokpay.journal set legs[1] = test.id('euro') where key = 'pending'$$),
    ('holds', 'a capture of more than a credit''s part', $$update tokpay.journal set legs[2] = 4, legs[12] = 0 where id = pg_temp.end_of('captured')$$),
    ('holds', 'an expiry missing', $$delete from tokpay.journal where id = pg_temp.end_of('expired')$$),
    ('holds', 'a capture missing', $$delete from tokpay.journal where id = pg_temp.end_of('captured')$$),
    ('holds', 'a hold missing', $$delete from tokpay.journal where key = 'captured'$$),
    ('reverses', 'a reverse of half', $$update tokpay.journal set amount = -20, legs[2] = -20 where key = 'reverse'$$),
    ('reverses', 'what is reversed missing', $$delete from tokpay.journal where key = 'k2'$$),
    ('transfers', 'a void''s legs of another shape', $$update tokpay.journal set legs = legs[1:4] where id = pg_temp.end_of('voided')$$),
    ('transfers', 'legs of two dimensions', $$update tokpay.journal set legs = array[legs] where key = 'k2'$$),
    ('transfers', 'legs with a gap', $$update tokpay.journal set legs[2] = null where key = 'k2'$$),
    ('reverses', 'a leg that nothing can mirror', $$update tokpay.journal set legs[2] = -9223372036854775808 where key = 'k2'$$),
    ('transfers', 'a self-credit', $$update tokpay.journal set legs[1] = debit where key = 'k2'$$)
) as cases (check_name, what, damage);

select is(pg_temp.found_unguarded(damage), 'guards', what)
from (values
    ('a guard switched off', 'alter table tokpay.journal disable trigger immutable'),
    ('a guard for replicas only', 'alter table tokpay.account_state enable replica trigger immutable'),
    ('a guard of rows switched off', 'alter table tokpay.journal disable trigger immutable_row'),
    ('a guard of pending holds switched off', 'alter table tokpay.pending_hold disable trigger immutable'),
    ('a guard of pending holds'' rows switched off', 'alter table tokpay.pending_hold disable trigger immutable_row'),
    ('a guard of waypoints switched off', 'alter table tokpay.waypoint disable trigger immutable'),
    ('a guard of waypoints'' rows dropped', 'drop trigger immutable_row on tokpay.waypoint'),
    ('a guard that never fires', 'create or replace trigger immutable before update or delete or truncate on tokpay.journal
        for each statement when (false) execute function tokpay.refuse_change(); alter table tokpay.journal enable always trigger immutable'),
    ('a guard of other events', 'create or replace trigger immutable_row before delete on tokpay.waypoint
        for each row execute function tokpay.refuse_change(); alter table tokpay.waypoint enable always trigger immutable_row'),
    ('a guard dropped', 'drop trigger immutable on tokpay.account_state')
) as cases (what, damage);
select is(test.sqlstate(format('insert into tokpay.journal select 999999, now(), debit, amount, debit_balance, debit_version, debit_previous, kind, legs, null, null, null, target, null
    from tokpay.journal where id = %s', id)), '23505', format('a second %s is refused even where it is forged', what))
from (values ('capture', pg_temp.end_of('captured')), ('void', pg_temp.end_of('voided')), ('expiry', pg_temp.end_of('expired')),
    ('reverse', pg_temp.of('reverse'))) as cases (what, id);
select is(test.faults(), '', 'undone, the books are right again');
select * from finish();
rollback;
