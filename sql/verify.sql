-- Reads the books in one snapshot (STABLE: the caller's) and in plain SQL, so that it shares no
-- code with what it checks. A row per check; detail names the first offender.
create function verify() returns table (check_name text, ok boolean, detail text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
with
sound as (
    select * from tokpay.journal
    where array_ndims(legs) = 1 and cardinality(legs) % 5 = 0 and array_position(legs, null) is null
),
leg as materialized (
    select debit as account, debit_version as version, -amount::numeric as amount,
        debit_balance as balance, debit_previous as previous, id as transfer, at
    from tokpay.journal
    union all
    select l.account, l.version, l.amount, l.balance, l.previous, j.id, j.at
    from sound j, unnest(tokpay.leg_column(j.legs, 1), tokpay.leg_column(j.legs, 2),
        tokpay.leg_column(j.legs, 3), tokpay.leg_column(j.legs, 4), tokpay.leg_column(j.legs, 5))
        as l (account, amount, balance, version, previous)
),
chain as (
    select account, version, amount, balance, previous, transfer, at,
        row_number() over w as expected_version,
        sum(amount) over w as expected_balance,
        coalesce(lag(transfer) over w, 0) as expected_previous,
        lag(at) over w as at_before
    from leg
    window w as (partition by account order by version
        rows between unbounded preceding and current row)
),
head as (
    select account, max(version) as version, sum(amount) as balance, max(at) as at,
        (array_agg(transfer order by version desc))[1] as transfer
    from leg group by account
),
fault as (
    select 'conservation' as check_name,
        format('balances in %s sum to %s', currency, sum(balance)) as detail
    from tokpay.account_state group by currency having sum(balance) <> 0
    union all
    select 'accounts', format('account %s has no state or no information', coalesce(s.id, i.account))
    from tokpay.account_state s full join tokpay.account_info i on i.account = s.id
    where s.id is null or i.account is null
    union all
    select 'limits', format('account %s: balance %s, held %s', id, balance, held)
    from tokpay.account_state
    where held < 0 or balance > max_balance
        or min_balance <> -9223372036854775808 and balance::numeric - held < min_balance
    union all
    select 'transfers', format('the legs of transfer %s are not rows of five numbers', id)
    from tokpay.journal where id not in (select id from sound)
    union all
    select 'transfers', format('transfer %s does not debit what it credits', j.id)
    from sound j
    where not coalesce((select sum(a) = j.amount and bool_and(a > 0 and c <> j.debit)
        from unnest(tokpay.leg_column(j.legs, 1), tokpay.leg_column(j.legs, 2)) as l (c, a)), false)
    union all
    select 'currencies', format('transfer %s touches account %s of another currency or of none',
        leg.transfer, leg.account)
    from leg join tokpay.journal j on j.id = leg.transfer
        left join tokpay.account_state s on s.id = leg.account
        left join tokpay.account_state d on d.id = j.debit
    where s.currency is distinct from d.currency or s.id is null
    union all
    select 'entries', format('account %s, version %s: balance %s after transfer %s',
        account, version, balance, transfer)
    from chain
    where version <> expected_version or balance <> expected_balance
        or previous <> expected_previous
        or at <= at_before and previous <> transfer
    union all
    select 'balances', format('account %s: balance %s and version %s, its entries say %s and %s',
        s.id, s.balance, s.version, coalesce(h.balance, 0), coalesce(h.version, 0))
    from tokpay.account_state s left join head h on h.account = s.id
    where (s.balance, s.version, s.last_transfer) is distinct from
            (coalesce(h.balance, 0), coalesce(h.version, 0), coalesce(h.transfer, 0))
        or s.last_at is distinct from coalesce(h.at, '-infinity')
    union all
    select 'keys', format('account %s used key %L %s times', debit, key, count(*))
    from tokpay.journal where key is not null group by debit, key having count(*) > 1
    union all
    select 'guards', format('the guard %s of tokpay.%s is %s', t.guard, t.name,
        case when g.tgname is null then 'missing' else 'switched off' end)
    from (values ('journal', 'immutable'), ('journal', 'immutable_row'),
        ('account_state', 'immutable'), ('account_state', 'immutable_row')) as t (name, guard)
        left join pg_trigger g on g.tgname = t.guard
            and g.tgrelid = (select c.oid from pg_class c where c.relname = t.name
                and c.relnamespace = 'tokpay'::regnamespace)
    where g.tgenabled is null or g.tgenabled not in ('A', 'O')     -- pg_restore leaves O
)
select c.name, count(f.check_name) = 0,
    coalesce(min(f.detail) || case when count(*) > 1 then format(' (and %s more)', count(*) - 1) else '' end,
        c.what)
from (values
    ('conservation', 'balances sum to zero in every currency'),
    ('accounts', 'every account is whole'),
    ('limits', 'no account is below its floor or above its ceiling'),
    ('transfers', 'every transfer debits exactly what it credits'),
    ('currencies', 'no transfer mixes currencies'),
    ('entries', 'versions count 1, 2, 3, balances add up, times increase'),
    ('balances', 'every balance is the sum of its entries'),
    ('keys', 'every key was used once per account'),
    ('guards', 'entries, transfers and balances are guarded')
) as c (name, what) left join fault f on f.check_name = c.name
group by c.name, c.what order by c.name;
end;
