-- The books cannot be changed through SQL, by their owner neither.
begin;
select plan(44);
select test.open('payer', 200), test.open('ann');
select tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}', 'k'), tokpay.hold(test.id('payer'), test.ids('ann'), '{1}');
select tokpay.transfer(test.id('payer'), array_fill(test.id('ann'), array[150]), array_fill(1, array[150])) is null;       -- a waypoint
create temporary table before as select * from tokpay.receipts;

select is(test.sqlstate(statement), '55000', statement)
from (values
    ('update tokpay.journal set amount = amount + 1'),
    ('update tokpay.journal set description = null'),
    ('update tokpay.journal set amount = 0 where false'),
    ('delete from tokpay.journal'),
    ('delete from tokpay.journal where id = 0'),
    ('truncate tokpay.journal'),
    ('update tokpay.account_state set balance = balance'),
    ('update tokpay.account_state set max_balance = 0 where false'),
    ('delete from tokpay.account_state'),
    ('truncate tokpay.account_state'),
    ('update tokpay.pending_hold set amount = 0'),
    ('update tokpay.pending_hold set expires_at = expires_at where false'),
    ('delete from tokpay.pending_hold'),
    ('truncate tokpay.pending_hold'),
    ('update tokpay.waypoint set transfer = 0'),
    ('delete from tokpay.waypoint where false'),
    ('truncate tokpay.waypoint'),
    ('truncate tokpay.account_info, tokpay.journal, tokpay.account_state cascade'),
    ('insert into tokpay.journal select * from tokpay.journal on conflict (id) do update set amount = 0'),
    ('merge into tokpay.account_state s using tokpay.account_info i on i.account = s.id when matched then update set balance = 0'),
    ('with gone as (delete from tokpay.journal returning id) select count(*) from gone')
) as cases (statement);
select is((a).sqlstate, '55000', 'with session_replication_role = replica: ' || statement)
from (values ('update tokpay.journal set amount = 0'), ('delete from tokpay.account_state'), ('truncate tokpay.journal'),
    ('update tokpay.pending_hold set amount = 0'), ('delete from tokpay.pending_hold'), ('delete from tokpay.waypoint'), ('truncate tokpay.waypoint')) as cases (statement),
    lateral (select test.attempt(format('do $$ begin set local session_replication_role = replica; %s; end $$', statement)) as a) as attempt;
select is(row((a).message, (a).hint)::text,
    '("DELETE on tokpay.journal is refused: entries, transfers and balances are immutable","Correct a mistake with a new transfer.")',
    'the error says what and what to do instead') from test.attempt('delete from tokpay.journal') as a;

-- Through a table above them neither
create table public.parent (like tokpay.journal) partition by list (kind);
alter table public.parent attach partition tokpay.journal default;
create table public.ancestor (balance bigint not null);
alter table tokpay.account_state inherit public.ancestor;
create table public.older (like tokpay.pending_hold);
alter table tokpay.pending_hold inherit public.older;
create table public.whole (like tokpay.waypoint) partition by list (account);
alter table public.whole attach partition tokpay.waypoint default;
select is(test.sqlstate(statement), '55000', statement)
from (values ('update public.parent set description = null'), ('delete from public.parent'),
    ('update public.ancestor set balance = balance + 1'), ('delete from public.older'), ('update public.older set amount = 0'),
    ('update public.whole set transfer = 0'), ('delete from public.whole')) as cases (statement);
alter table public.parent detach partition tokpay.journal;
alter table tokpay.account_state no inherit public.ancestor;
alter table tokpay.pending_hold no inherit public.older;
alter table public.whole detach partition tokpay.waypoint;

-- The views pass nothing on
select is(test.sqlstate(statement) <> 'ok', true, statement)
from (values ('update tokpay.transfers set amount = 0'), ('delete from tokpay.entries'), ('update tokpay.accounts set balance = 0'),
    ('delete from tokpay.receipts'), ('delete from tokpay.holds'), ('update tokpay.holds set amount = 0')) as cases (statement);

select is(test.rows('(table before except select * from tokpay.receipts) union all (select * from tokpay.receipts except table before)'), '',
    'the books are as they were');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
