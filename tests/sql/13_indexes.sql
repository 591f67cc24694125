-- A DBA's own indexes on the tables that the C++ code writes are kept like the extension's.
begin;
select plan(9);
select test.open('payer', 1000), test.open('ann');
create index by_time on tokpay.journal (at);
create index by_description on tokpay.journal (description) where description is not null;
create unique index by_id_again on tokpay.journal (id) include (amount);
select tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}', 'keyed', 'with a description'),
    tokpay.transfer(test.id('payer'), test.ids('ann'), '{2}'),
    tokpay.transfer(test.id('payer'), test.ids('ann'), '{3}', null, 'with another');
create index holds_by_amount on tokpay.pending_hold (amount);
create index waypoints_by_transfer on tokpay.waypoint (transfer);
create index accounts_by_balance on tokpay.account_state (balance);
select transfer as kept from tokpay.hold(test.id('payer'), test.ids('ann'), '{40}', 'kept') \gset
select transfer as ended from tokpay.hold(test.id('payer'), test.ids('ann'), '{30}') \gset
select transfer is not null from tokpay.void(:ended);
select transfer is not null from tokpay.transfer(test.id('payer'), array_fill(test.id('ann'), array[130]), array_fill(1, array[130]));      -- crosses a waypoint
set local enable_seqscan = off;
select is((select count(*) from tokpay.journal where at > '2000-01-01'), 8::bigint, 'one on a column that is not the id');
select is((select count(*) from tokpay.journal where description > 'with'), 2::bigint, 'a partial one');
select is((select array_agg(amount order by id) from tokpay.journal where id > 0), '{1000,1,2,3,40,30,30,130}', 'a second one on the id');
select is((select array_agg(hold) from tokpay.pending_hold where amount > 0), array[:kept]::bigint[], 'one on pending holds');
select is(test.rows('select balance from tokpay.account_state where balance > 0 order by balance'), '(136) (864)',
    'one on the balances, which makes every update write the indexes');
select is((tokpay.hold(test.id('payer'), test.ids('ann'), '{40}', 'kept')).replayed, true, 'the extension''s own index of keys');
select is(test.sqlstate(format('select tokpay.void(%s)', :ended)), 'TP013', 'the extension''s own index of what is ended');
select is((select count(*) from tokpay.waypoint where transfer > 0), 1::bigint, 'one on waypoints');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
