-- A DBA's own indexes on the journal are kept like the extension's.
begin;
select plan(4);
select test.open('payer', 100), test.open('ann');
create index by_time on tokpay.journal (at);
create index by_description on tokpay.journal (description) where description is not null;
create unique index by_id_again on tokpay.journal (id) include (amount);
select tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}', 'keyed', 'with a description'),
    tokpay.transfer(test.id('payer'), test.ids('ann'), '{2}'),
    tokpay.transfer(test.id('payer'), test.ids('ann'), '{3}', null, 'with another');
set local enable_seqscan = off;
select is((select count(*) from tokpay.journal where at > '2000-01-01'), 4::bigint, 'one on a column that is not the id');
select is((select count(*) from tokpay.journal where description > 'with'), 2::bigint, 'a partial one');
select is((select array_agg(amount order by id) from tokpay.journal where id > 0), '{100,1,2,3}', 'a second one on the id');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
