-- Reads the books in one snapshot (STABLE: the caller's) and in plain SQL, so that it shares no
-- code with what it checks. A row per check; detail names the first offender.
create or replace function verify() returns table (check_name text, ok boolean, detail text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
with
-- In a CASE, because what asks for elements must not see an array of two dimensions.
sound as (
    select * from tokpay.journal
    where case when array_ndims(legs) = 1 then cardinality(legs) % 5 = 0 and array_position(legs, null) is null
        else kind = 'x' and legs = '{}' end
),
credit as materialized (
    select j.id as transfer, j.at, j.kind, l.place, l.account, l.amount, l.balance, l.version, l.previous
    from sound j, unnest(tokpay.leg_column(j.legs, 1), tokpay.leg_column(j.legs, 2),
        tokpay.leg_column(j.legs, 3), tokpay.leg_column(j.legs, 4), tokpay.leg_column(j.legs, 5))
        with ordinality as l (account, amount, balance, version, previous, place)
),
leg as materialized (
    select debit as account, debit_version as version, -amount::numeric as amount,
        debit_balance as balance, debit_previous as previous, id as transfer, at
    from tokpay.journal where kind in ('t', 'u', 'c', 'r')
    union all
    select account, version, amount, balance, previous, transfer, at
    from credit where kind in ('t', 'u', 'c', 'r') and amount <> 0
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
-- What transfers say of an account whose balance they do not change, and what its entries say of that time.
shown as (
    select debit as account, at, id as transfer, debit_balance as balance, debit_version as version
    from tokpay.journal where kind in ('h', 'v', 'x')
    union all
    select account, at, transfer, balance, version from credit where kind in ('c', 'r') and amount = 0
),
witness as (
    select account, transfer, balance, version, is_entry,
        coalesce(sum(amount) over w, 0) as expected_balance,
        coalesce(max(version) filter (where is_entry) over w, 0) as expected_version
    from (
        select account, at, transfer, balance, version, amount, true as is_entry
        from leg where account in (select account from shown)
        union all
        select account, at, transfer, balance, version, 0, false from shown) s
    window w as (partition by account order by at, version, is_entry desc
        rows between unbounded preceding and current row)
),
head as (
    select account, max(version) as version, sum(amount) as balance,
        (array_agg(transfer order by version desc))[1] as transfer
    from leg group by account
),
-- Every transfer of an account, whether it changed its balance or not.
mention as (
    select debit as account, at, id as transfer from tokpay.journal
    union
    select account, at, transfer from credit
),
latest as (
    select account, max(at) as at from mention group by account
),
hold as (
    select h.id, h.debit, h.amount, h.at, coalesce(h.expires_at, 'infinity') as expires_at, h.legs,
        e.id as ended_by
    from sound h left join tokpay.journal e on e.target = h.id
    where h.kind = 'h'
),
reserved as (
    select debit as account, sum(amount) as held from tokpay.pending_hold group by debit
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
    select 'accounts', format('account %s has the status %s', id, status)
    from tokpay.account_state
    where status not in ('o', 'f', 'c') or status = 'c' and (balance, held) <> (0, 0)
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
    where j.kind <> 'x' and not coalesce((select sum(a) = j.amount and bool_and(c <> j.debit
            and (a > 0 and j.kind <> 'r' or a < 0 and j.kind = 'r' or a = 0 and j.kind in ('c', 'r')))
        from unnest(tokpay.leg_column(j.legs, 1), tokpay.leg_column(j.legs, 2)) as l (c, a)), false)
    union all
    select 'transfers', format('transfer %s is of the kind %s', id, kind)
    from tokpay.journal where kind not in ('t', 'u', 'h', 'c', 'v', 'r', 'x')
        or (target is not null) <> (kind in ('c', 'v', 'r', 'x')) or expires_at is not null and kind <> 'h'
    union all
    select 'currencies', format('transfer %s touches account %s of another currency or of none',
        m.transfer, m.account)
    from mention m join tokpay.journal j on j.id = m.transfer
        left join tokpay.account_state s on s.id = m.account
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
    select 'entries', format('transfer %s says balance %s and version %s of account %s, its entries %s and %s',
        transfer, balance, version, account, expected_balance, expected_version)
    from witness where not is_entry and (balance, version) <> (expected_balance, expected_version)
    union all
    select 'times', format('account %s has %s transfers at %s', account, count(*), at)
    from mention group by account, at having count(*) > 1
    union all
    select 'balances', format('account %s: balance %s and version %s, its entries say %s and %s',
        s.id, s.balance, s.version, coalesce(h.balance, 0), coalesce(h.version, 0))
    from tokpay.account_state s left join head h on h.account = s.id
        left join latest l on l.account = s.id
    where (s.balance, s.version, s.last_transfer) is distinct from
            (coalesce(h.balance, 0), coalesce(h.version, 0), coalesce(h.transfer, 0))
        or s.last_at is distinct from coalesce(l.at, '-infinity')
    union all
    select 'holds', format('account %s holds %s, its pending holds say %s', s.id, s.held, coalesce(r.held, 0))
    from tokpay.account_state s left join reserved r on r.account = s.id
    where s.held <> coalesce(r.held, 0)
    union all
    select 'holds', format('hold %s is pending and not, or not as it was made', coalesce(h.id, p.hold))
    from (select * from hold where ended_by is null) h full join tokpay.pending_hold p on p.hold = h.id
    where (h.debit, h.amount, h.expires_at) is distinct from (p.debit, p.amount, p.expires_at)
    union all
    select 'holds', format('transfer %s does not end hold %s as it may', e.id, e.target)
    from sound e left join hold h on h.id = e.target
    where e.kind in ('c', 'v', 'x') and not coalesce(e.debit = h.debit and e.at > h.at and case e.kind
        when 'x' then e.at >= h.expires_at and e.amount = h.amount
        else tokpay.leg_column(e.legs, 1) = tokpay.leg_column(h.legs, 1)
            and (e.kind = 'v' or e.at < h.expires_at)
            and (select bool_and(case e.kind when 'c' then ended between 0 and held else ended = held end)
                from unnest(tokpay.leg_column(e.legs, 2), tokpay.leg_column(h.legs, 2)) as l (ended, held))
        end, false)
    union all
    select 'reverses', format('transfer %s does not mirror transfer %s', r.id, r.target)
    from sound r left join sound j on j.id = r.target
    where r.kind = 'r' and not coalesce(j.kind in ('t', 'u', 'c') and r.debit = j.debit and r.at > j.at
        and tokpay.leg_column(r.legs, 1) = tokpay.leg_column(j.legs, 1)
        and (select bool_and(reversed = -amount::numeric)
            from unnest(tokpay.leg_column(r.legs, 2), tokpay.leg_column(j.legs, 2)) as l (reversed, amount)),
        false)
    union all
    select 'waypoints', format('account %s, version %s: waypoint and entry differ',
        coalesce(w.account, l.account), coalesce(w.version, l.version))
    from tokpay.waypoint w
        full join (select account, version, transfer, at from leg where version % 128 = 0) l
            on (l.account, l.version) = (w.account, w.version)
    where (w.transfer, w.at) is distinct from (l.transfer, l.at)
    union all
    select 'keys', format('account %s used key %L %s times', debit, key, count(*))
    from tokpay.journal where key is not null group by debit, key having count(*) > 1
    union all
    select 'keys', format('account %s does not remember key %L of transfer %s', debit, key, j.id)
    from tokpay.journal j join tokpay.account_state s on s.id = j.debit,
        hashtextextended(key, debit) as hash
    where ~s.key_filter & ((1::bigint << (hash & 63)::integer) | (1::bigint << (hash >> 6 & 63)::integer)) <> 0
    union all
    select 'sequences', format('tokpay.%I is at %s, the highest id in use is %s; set it further with setval()',
        name, last_value, used)
    from (values
        ('account_id_seq', (select last_value from tokpay.account_id_seq),
            (select max(id) from tokpay.account_state)),
        ('transfer_id_seq', (select last_value from tokpay.transfer_id_seq),
            (select max(id) from tokpay.journal))) as s (name, last_value, used)
    where used > last_value
    union all
    select 'sequences', format('tokpay.%I does not count as it was set; touch its row in tokpay.sequence_setting',
        k.name)
    from tokpay.sequence_setting k left join pg_class c
            on c.relname = k.name and c.relnamespace = 'tokpay'::regnamespace
        left join pg_sequence s on s.seqrelid = c.oid
    where (s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle) is distinct from
        (k.increment_by, k.min_value, k.max_value, k.cache_size, k.is_cycle)
    union all
    select 'epochs', format('transfer %s was committed in epoch %s, which there is not', j.id, j.epoch)
    from tokpay.journal j left join tokpay.epoch e on e.id = j.epoch
    where j.epoch is not null and e.id is null
    union all
    select 'epochs', format('epoch %s is no later than the one before', id)
    from (select id, (incarnation, timeline, counter) <= lag((incarnation, timeline, counter)) over (order by id) as is_late
        from tokpay.epoch) e
    where is_late
    union all
    select 'guards', format('the guard %s of tokpay.%s is %s', i.guard, b.name, case
        when g.tgname is null then 'missing'
        when g.tgenabled not in ('A', 'O') then 'switched off'
        else 'another than it was' end)
    from (values ('journal'), ('account_state'), ('pending_hold'), ('waypoint')) as b (name)
        cross join (values
            ('immutable', 2 + 8 + 16 + 32),         -- before a delete, an update, a truncate (pg_trigger.h)
            ('immutable_row', 1 + 2 + 8 + 16)) as i (guard, type)
        left join pg_trigger g on g.tgname = i.guard
            and g.tgrelid = (select c.oid from pg_class c where c.relname = b.name
                and c.relnamespace = 'tokpay'::regnamespace)
    where g.tgname is null
        or g.tgenabled not in ('A', 'O')            -- pg_restore leaves O
        or (g.tgtype, g.tgfoid) <> (i.type, 'tokpay.refuse_change'::regproc) or g.tgqual is not null
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
    ('times', 'no account has two transfers at one time'),
    ('balances', 'every balance is the sum of its entries'),
    ('holds', 'what is held is what pending holds say, and every hold ends once'),
    ('reverses', 'every reverse mirrors its transfer'),
    ('waypoints', 'every 128th entry of an account is a waypoint'),
    ('keys', 'every key was used once per account'),
    ('sequences', 'sequences are beyond the ids in use and count as they were set'),
    ('epochs', 'every transfer was committed in an epoch that there was, or before the cluster'),
    ('guards', 'entries, transfers and balances are guarded')
) as c (name, what) left join fault f on f.check_name = c.name
group by c.name, c.what order by c.name;
end;
