-- verify() says ok of right books, and which check is broken by each kind of damage.
begin;
select plan(36);
select test.open('payer', 1000), test.open('ann'), test.open('bob', 20, min_balance => -10), test.open('eve', 0, max_balance => 40),
    test.open('euro', 100, 'EUR'), test.open('unused');
select tokpay.transfer(test.id('payer'), test.ids('ann', 'bob', 'ann'), '{1,2,3}', 'k1', 'text', '{"a": 1}'),
    tokpay.transfer(test.id('bob'), test.ids('payer'), '{30}', 'k1'), tokpay.transfer(test.id('payer'), test.ids('eve'), '{40}', 'k2'),
    tokpay.transfer(test.id('ann'), test.ids('bob'), '{4}');
select count(*) from tokpay.transfer_batch(array_fill(test.request(test.id('payer'), test.ids('ann', 'bob'), '{1,1}'), array[50]));
select is(test.rows('select check_name, ok from tokpay.verify()'),
    '(accounts,t) (balances,t) (conservation,t) (currencies,t) (entries,t) (guards,t) (keys,t) (limits,t) (transfers,t)',
    'all checks of a used book are ok');
select is((select count(*) from tokpay.verify() where detail is null), 0::bigint, 'and each says what it checked');

-- Damages the books as a superuser can, past the guards, answers what verify() finds, and undoes it.
create function pg_temp.found(damage text) returns text language plpgsql as $$
declare
    faults text;
begin
    alter table tokpay.journal disable trigger immutable, disable trigger immutable_row;
    alter table tokpay.account_state disable trigger immutable, disable trigger immutable_row;
    execute damage;
    alter table tokpay.journal enable always trigger immutable, enable always trigger immutable_row;
    alter table tokpay.account_state enable always trigger immutable, enable always trigger immutable_row;
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
    ('balances', 'two balances that cancel out', $$update tokpay.account_state set balance = balance + case id when test.id('ann') then 1 else -1 end where id in (test.id('ann'), test.id('payer'))$$),
    ('balances', 'a version', $$update tokpay.account_state set version = version + 1 where id = test.id('ann')$$),
    ('balances', 'the version of an unused account', $$update tokpay.account_state set version = 1 where id = test.id('unused')$$),
    ('balances', 'the link to the last transfer', $$update tokpay.account_state set last_transfer = last_transfer - 1 where id = test.id('ann')$$),
    ('balances', 'the time of the last transfer', $$update tokpay.account_state set last_at = last_at + interval '1 second' where id = test.id('ann')$$),
    ('balances entries transfers', 'the amount of a transfer', $$update tokpay.journal set amount = amount + 1 where key = 'k2'$$),
    ('entries', 'the debit''s balance', $$update tokpay.journal set debit_balance = debit_balance + 1 where key = 'k2'$$),
    ('entries', 'the debit''s version', $$update tokpay.journal set debit_version = debit_version - 1 where key = 'k2'$$),
    ('entries', 'the debit''s link', $$update tokpay.journal set debit_previous = debit_previous - 1 where key = 'k2'$$),
    ('balances entries', 'a time before the one before', $$update tokpay.journal set at = at - interval '1 day' where key = 'k2'$$),
    ('balances entries transfers', 'a leg''s amount', pg_temp.bend(1, 2, 1)),
    ('entries', 'a leg''s balance', pg_temp.bend(1, 3, 1)),
    ('entries', 'a leg''s version', pg_temp.bend(2, 4, 1)),
    ('entries', 'a leg''s link', pg_temp.bend(3, 5, 1)),
    ('balances transfers', 'legs of another shape', $$update tokpay.journal set legs = legs[1:4] where key = 'k2'$$),
    ('balances entries transfers', 'the lowest amount there is', $$update tokpay.journal set amount = -9223372036854775808 where key = 'k2'$$),
    ('limits', 'money held that is not there', $$update tokpay.account_state set held = 100 where id = test.id('eve')$$),
    ('limits', 'a negative amount held', $$update tokpay.account_state set held = -1 where id = test.id('unused')$$),
    ('limits', 'a balance below the floor', $$update tokpay.account_state set min_balance = balance + 1 where id = test.id('payer')$$),
    ('limits', 'a balance above the ceiling', $$update tokpay.account_state set max_balance = balance - 1 where id = test.id('eve')$$),
    ('keys', 'a key used twice', $$update tokpay.journal set key = 'k1' where key = 'k2'$$),
    ('accounts', 'an account without information', $$delete from tokpay.account_info where account = test.id('unused')$$),
    ('accounts', 'information without an account', $$delete from tokpay.account_state where id = test.id('unused')$$)
) as cases (checks, what, damage);
select is(pg_temp.found(damage) ~ ('(^| )' || check_name || '( |$)'), true, what || ': ' || check_name || ' among the checks')
from (values
    ('entries', 'a missing transfer in the middle', $$delete from tokpay.journal where key = 'k2'$$),
    ('balances', 'the newest transfer missing', $$delete from tokpay.journal where id = (select max(id) from tokpay.journal)$$),
    ('balances', 'all transfers missing', $$delete from tokpay.journal$$),
    ('currencies', 'a leg in another currency', $$update tokpay.journal set legs[1] = test.id('euro') where key = 'k2'$$),
    ('transfers', 'a self-credit', $$update tokpay.journal set legs[1] = debit where key = 'k2'$$)
) as cases (check_name, what, damage);

select is(pg_temp.found_unguarded(damage), 'guards', what)
from (values
    ('a guard switched off', 'alter table tokpay.journal disable trigger immutable'),
    ('a guard for replicas only', 'alter table tokpay.account_state enable replica trigger immutable'),
    ('a guard of rows switched off', 'alter table tokpay.journal disable trigger immutable_row'),
    ('a guard dropped', 'drop trigger immutable on tokpay.account_state')
) as cases (what, damage);
select is(test.faults(), '', 'undone, the books are right again');
select * from finish();
rollback;
