-- What the gateway asks for its callers. A principal says for whom: null, for somebody who reaches every account;
-- key:<id>, for whoever holds that API key; owner:<owner>, for the owner of accounts. What a principal does not
-- reach answers as what does not exist, and of a transfer a payee sees the payer and its own legs only.

create or replace function reaches(principal text, account bigint) returns boolean
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_reaches';

-- Inside: account_not_found for what is unknown or out of reach.
create or replace function require_reach(principal text, account bigint) returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not tokpay.reaches(principal, account)
        or not exists (select from tokpay.account_state s where s.id = require_reach.account) then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP003', message = 'account not found',
            detail = format('There is no account %s.', account);
    end if;
end $$;

-- Money

create or replace function gateway_batch(requests gateway_request[]) returns setof gateway_outcome
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_gateway_batch';

-- The same with the outcomes as bytes (extension/src/gateway_outcome.hpp): one value costs less than rows. Waits so
-- many milliseconds for a lock, null: as the session does; then raises 55P03, and its DETAIL begins with "Account <id>"
-- where it is an account that somebody else keeps locked.
create or replace function gateway_packed_batch(requests gateway_request[], lock_timeout integer default null) returns bytea
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_gateway_packed_batch';

-- Everything that would keep a transfer from happening now: the payer's row, then one per payee with what it gets.
create or replace function gateway_preview(debit bigint, credits bigint[], amounts bigint[], may_fund boolean,
    principal text) returns table (account bigint, name text, currency text, amount bigint, balance bigint,
    available bigint, codes text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    lowest constant numeric := -9223372036854775808;
    highest constant numeric := 9223372036854775807;
    total numeric := (select sum(a) from unnest(amounts) a);
    payer tokpay.accounts;
    expired numeric;
    affordable boolean;         -- whether a payee can hold a sum is told to those who have it
begin
    perform tokpay.require_leader();
    if tokpay.reaches(principal, debit) then
        select * into payer from tokpay.accounts a where a.id = debit;
    end if;
    -- Money of expired holds is there for the first transfer that needs it.
    select coalesce(sum(p.amount), 0) into expired from tokpay.pending_hold p
    where p.debit = payer.id and p.expires_at <= clock_timestamp();
    affordable := coalesce(total <= case
        when payer.min_balance is not null then payer.available + expired
        when may_fund then highest end, false);
    return query select debit, payer.name, payer.currency, case when total <= highest then total::bigint end,
        payer.balance, payer.available,
        case when payer.id is null then array['account_not_found'] else array_remove(array[
            case when payer.min_balance is null and not may_fund then 'not_permitted' end,
            case when debit = any (credits) then 'same_account' end,
            case payer.status when 'frozen' then 'account_frozen' when 'closed' then 'account_closed' end,
            case when total > highest or payer.balance - total < lowest then 'amount_overflow' end,
            case when payer.available + expired < total then 'insufficient_funds' end], null) end;
    return query select l.account, case when l.own then a.name end, a.currency,
        case when l.amount <= highest then l.amount::bigint end,
        case when l.own then a.balance end, case when l.own then a.available end,
        case when a.id is null then array['account_not_found'] else array_remove(array[
            case when a.currency <> payer.currency then 'currency_mismatch' end,
            case a.status when 'frozen' then 'account_frozen' when 'closed' then 'account_closed' end,
            case when (l.own or affordable) and a.balance + l.amount > highest then 'amount_overflow' end,
            case when (l.own or affordable) and a.balance + l.amount > a.max_balance then 'balance_limit' end], null) end
    from (
            select c.account, sum(c.amount) as amount, min(c.place) as place,
                tokpay.reaches(principal, c.account) as own
            from unnest(credits, amounts) with ordinality as c (account, amount, place)
            group by c.account
        ) as l left join tokpay.accounts a on a.id = l.account
    order by l.place;
    if not tokpay.fence() then return; end if;
end $$;

-- Demo funding: owners give their accounts money from nowhere. Who has the right to call gateway_demo_top_up decides
-- whether there is any, and the extension gives it to nobody.

-- In units of the currency, whatever its exponent: at once, and with all top-ups of an account in 24 hours.
create or replace function demo_funding_limits(out top_up integer, out daily integer)
language sql immutable as $$ select 1000, 5000 $$;

-- A top-up for the owner of an account: its outcome as gateway_packed_batch packs it; raises limit_exceeded (TP019).
create or replace function gateway_demo_top_up(account bigint, amount bigint, key text, principal text) returns bytea
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    request tokpay.gateway_request := row('top_up', null, array[account], array[amount], key, null, null, null, null,
        null, principal);
    unit numeric;
    funding bigint;
    gifts bigint[];
    given numeric;
    most record;
begin
    perform tokpay.require_leader();
    if principal not like 'owner:%' or principal is null then
        raise exception using errcode = 'TP016', message = 'not permitted',
            detail = 'Demo funding is for the owners of accounts.';
    end if;
    select c.funding, power(10::numeric, c.exponent) into funding, unit
    from tokpay.account_state s join tokpay.currencies c on c.code = s.currency
    where s.id = gateway_demo_top_up.account and tokpay.reaches(principal, s.id);
    if found then
        -- As every call does, in ascending order; then nobody else adds to what was given.
        perform from tokpay.account_state s where s.id in (funding, account) order by s.id for no key update;
    end if;
    if found and not exists (select from tokpay.transfer_by_key(funding, key) k where k.transfer is not null) then
        -- What a wallet is opened with, or a demo person (demo.sql), is none of the day's.
        gifts := array(
            select t.transfer
            from unnest(array['welcome/' || account, (select 'demo/' || a.name from tokpay.accounts a where a.id = gateway_demo_top_up.account)]) as g (name),
                lateral tokpay.transfer_by_key(funding, g.name) t
            where t.transfer is not null);
        select coalesce(sum(h.amount), 0) into given
        from tokpay.history(account, null, 2147483647, clock_timestamp() - interval '24 hours') h
        where h.kind = 'top_up' and h.transfer <> all (gifts);
        select l.top_up * unit as top_up, l.daily * unit as daily into most from tokpay.demo_funding_limits() l;
        if amount > most.top_up or given + amount > most.daily then
            perform tokpay.fence_refusal();
            raise exception using errcode = 'TP019', message = 'limit exceeded',
                detail = format('Demo funding tops up at most %s at once and up to %s in 24 hours; '
                    'account %s had %s in these.', round(most.top_up), round(most.daily), account, given);
        end if;
    end if;
    return tokpay.gateway_packed_batch(array[request]);
end $$;

-- Accounts

create or replace function gateway_balances(accounts bigint[], principals text[] default null) returns table
    (account bigint, balance bigint, held bigint, available bigint, version bigint, currency text)
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_gateway_balances';

-- The same as bytes (extension/src/read_functions.cpp): one value costs less than a row for each account.
create or replace function gateway_packed_balances(accounts bigint[], principals text[] default null) returns bytea
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_gateway_packed_balances';

create or replace function gateway_account(account bigint, principal text) returns setof accounts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select a.* from tokpay.accounts a
    where tokpay.reaches(principal, gateway_account.account) and a.id = gateway_account.account;
    if not tokpay.fence() then return; end if;
end $$;

-- The accounts that a principal reaches, in order of id.
create or replace function gateway_accounts(principal text, after bigint, max_rows integer) returns setof accounts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    listed bigint[];
begin
    perform tokpay.require_leader();
    if principal like 'owner:%' then
        return query select a.* from tokpay.accounts a
        where a.owner = substr(principal, 7) and a.id > after and tokpay.reaches(principal, a.id)
        order by a.id limit max_rows;
        if not tokpay.fence() then return; end if;
        return;
    end if;
    select k.accounts into listed from tokpay.api_key k where 'key:' || k.id = principal;
    if listed is not null then
        return query select a.* from tokpay.accounts a
        where a.id = any (listed) and a.id > after and tokpay.reaches(principal, a.id)
        order by a.id limit max_rows;
    else
        return query select a.* from tokpay.accounts a
        where a.id > after and tokpay.reaches(principal, a.id)
        order by a.id limit max_rows;
    end if;
    if not tokpay.fence() then return; end if;
end $$;

create or replace function gateway_balance_at(account bigint, at timestamptz, principal text) returns table
    (currency text, balance bigint, version bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_reach(principal, account);
    return query select s.currency, coalesce(e.balance, 0), coalesce(e.version, 0)
    from tokpay.account_state s left join tokpay.history(gateway_balance_at.account, null, 1, null,
        gateway_balance_at.at + interval '1 microsecond') e on true
    where s.id = gateway_balance_at.account;
    if not tokpay.fence() then return; end if;
end $$;

-- RFC 7396.
create or replace function merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    if jsonb_typeof(patch) <> 'object' then
        return patch;
    end if;
    if jsonb_typeof(target) is distinct from 'object' then
        target := '{}';
    end if;
    return (select coalesce(jsonb_object_agg(m.key, m.value), '{}') from (
        select t.key, t.value from jsonb_each(target) t where not patch ? t.key
        union all
        select p.key, tokpay.merge_patch(target -> p.key, p.value) from jsonb_each(patch) p
        where p.value <> 'null') as m);
end $$;

-- Applies a merge patch of min_balance, max_balance, metadata and status, all of it or nothing. No row where the
-- account is not as expected, which is the text of its row in accounts.
create or replace function gateway_patch_account(account bigint, principal text, patch jsonb, expected text)
returns setof accounts
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
    present tokpay.accounts;
    status text := patch ->> 'status';
begin
    perform tokpay.require_reach(principal, account);
    perform from tokpay.account_state s where s.id = gateway_patch_account.account for no key update;
    perform from tokpay.account_info i where i.account = gateway_patch_account.account for no key update;
    select * into present from tokpay.accounts a where a.id = gateway_patch_account.account;
    if expected <> present::text then
        if not tokpay.fence() then return; end if;
        return;
    end if;
    if status = 'open' then
        perform tokpay.unfreeze(account);
    elsif status = 'frozen' then
        perform tokpay.freeze(account);
    end if;
    if patch ?| array['min_balance', 'max_balance'] then
        perform tokpay.set_limits(account,
            case when patch ? 'min_balance' then (patch ->> 'min_balance')::bigint else present.min_balance end,
            case when patch ? 'max_balance' then (patch ->> 'max_balance')::bigint else present.max_balance end);
    end if;
    if patch ? 'metadata' then
        perform tokpay.set_metadata(account,
            coalesce(nullif(tokpay.merge_patch(present.metadata, patch -> 'metadata'), 'null'), '{}'));
    end if;
    if status = 'closed' then
        perform tokpay.close(account);
    end if;
    return query select a.* from tokpay.accounts a where a.id = gateway_patch_account.account;
    if not tokpay.fence() then return; end if;
end $$;

-- Transfers and entries

create or replace function gateway_transfer(transfer bigint, principal text) returns setof receipts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    return query select r.id, r.kind, r.status, r.currency, r.debit, l.amount, l.credits, l.amounts,
        case when p.payer then r.key end, r.hold, r.reverses, r.reversed_by, r.description,
        case when p.payer then r.metadata end, r.at, r.expires_at,
        case when p.payer then r.debit_balance end, case when p.payer then r.debit_version end,
        l.balances, l.versions
    from tokpay.receipts r
        cross join lateral (select tokpay.reaches(principal, r.debit) as payer) as p
        cross join lateral (
            select sum(c.amount)::bigint as amount, array_agg(c.account order by c.place) as credits,
                array_agg(c.amount order by c.place) as amounts,
                array_agg(case when c.own then c.balance end order by c.place) as balances,
                array_agg(case when c.own then c.version end order by c.place) as versions
            from (
                select u.*, tokpay.reaches(principal, u.account) as own
                from unnest(r.credits, r.amounts, r.credit_balances, r.credit_versions) with ordinality
                    as u (account, amount, balance, version, place)) as c
            where p.payer or c.own) as l
    where r.id = gateway_transfer.transfer and l.credits is not null;
    if not tokpay.fence() then return; end if;
end $$;

create or replace function gateway_transfer_by_key(debit bigint, key text, principal text) returns setof receipts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tokpay.reaches(principal, debit) then
        return query select t.* from tokpay.transfer_by_key(debit, key) k,
            lateral tokpay.gateway_transfer(k.transfer, principal) t;
    end if;
end $$;

-- The pending holds of an account that would pay them, in order of id.
create or replace function gateway_holds(account bigint, principal text, after bigint, max_rows integer)
returns setof receipts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_reach(principal, account);
    return query select t.* from (
            select p.hold from tokpay.pending_hold p
            where p.debit = gateway_holds.account and p.hold > after order by p.hold limit max_rows) as h,
        lateral tokpay.gateway_transfer(h.hold, principal) t
    order by t.id;
    if not tokpay.fence() then return; end if;
end $$;

-- A page of history() that is searched: q within the description, direction in or out, amounts without their sign.
-- A search ends after so many entries; then the last row has a version only, from which to go on.
create or replace function gateway_entries(account bigint, principal text, before bigint default null,
    max_rows integer default 100, since timestamptz default null, until timestamptz default null,
    q text default null, direction text default null, counterparty bigint default null,
    min_amount bigint default null, max_amount bigint default null) returns table
    (version bigint, transfer bigint, amount bigint, balance bigint, kind text,
    counterparties bigint[], description text, metadata jsonb, at timestamptz)
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_gateway_entries';

-- Inside: what every counterparty gave (positive) or got, since <= at < until.
create or replace function account_flows(account bigint, since timestamptz, until timestamptz,
    max_entries integer) returns table (at timestamptz, counterparty bigint, amount bigint)
language c stable strict parallel restricted as 'MODULE_PATHNAME', 'tokpay_account_flows';

-- A row per day, week or month of a time zone, since <= at < until.
create or replace function gateway_summary(account bigint, principal text, since timestamptz, until timestamptz,
    tz text, bucket text) returns table (start timestamptz, received bigint, spent bigint, closing bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    max_buckets constant integer := 1000;
    max_entries constant integer := 200000;
    max_sum constant numeric := 9223372036854775807;
    step interval := ('1 ' || bucket)::interval;
    opening bigint;
    problem text;
begin
    perform tokpay.require_reach(principal, account);
    problem := case
        when since >= until then 'from has to be earlier than to.'
        when since + max_buckets * step < until then format('There are at most %s buckets.', max_buckets)
    end;
    -- A name of the IANA's, not a POSIX rule: -05:00 would be five hours east there.
    begin
        perform since at time zone tz;
        if tz !~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$'
            or tz ~ '^[A-Za-z]{3,}[+-]?[0-9]' and tz <> all ('{EST5EDT,CST6CDT,MST7MDT,PST8PDT,GMT0,GMT+0,GMT-0}') then
            problem := format('There is no time zone %L.', tz);
        end if;
    exception when invalid_parameter_value then
        problem := format('There is no time zone %L.', tz);
    end;
    if problem is not null then
        raise exception using errcode = 'TP001', message = 'invalid request', detail = problem;
    end if;
    opening := tokpay.balance_at(account, since - interval '1 microsecond');
    return query
    with flow as (
        select date_trunc(bucket, f.at at time zone tz) as begins,
            coalesce(sum(f.amount) filter (where f.amount > 0), 0) as received,
            coalesce(-sum(f.amount) filter (where f.amount < 0), 0) as spent
        from tokpay.account_flows(gateway_summary.account, since, until, max_entries) f group by 1)
    select b.begins at time zone tz, least(coalesce(f.received, 0), max_sum)::bigint, least(coalesce(f.spent, 0), max_sum)::bigint,
        (opening + sum(coalesce(f.received - f.spent, 0)) over (order by b.begins))::bigint
    from generate_series(date_trunc(bucket, since at time zone tz),
            (until at time zone tz) - interval '1 microsecond', step) as b (begins)
        left join flow f on f.begins = b.begins
    order by b.begins;
    if not tokpay.fence() then return; end if;
end $$;

-- The counterparties with the largest turnover.
create or replace function gateway_counterparties(account bigint, principal text, since timestamptz,
    until timestamptz, max_rows integer) returns table (counterparty bigint, received bigint, spent bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    max_entries constant integer := 200000;
    max_sum constant numeric := 9223372036854775807;
begin
    perform tokpay.require_reach(principal, account);
    return query
    select f.counterparty, least(coalesce(sum(f.amount) filter (where f.amount > 0), 0), max_sum)::bigint,
        least(coalesce(-sum(f.amount) filter (where f.amount < 0), 0), max_sum)::bigint
    from tokpay.account_flows(gateway_counterparties.account, since, until, max_entries) f
    group by f.counterparty order by sum(abs(f.amount::numeric)) desc, f.counterparty limit max_rows;
    if not tokpay.fence() then return; end if;
end $$;

-- What has become of some accounts since versions that are known: a row with the balance of each, nulls where it is
-- out of reach, then its entries beyond the version, newest first, max_rows at most. One snapshot.
create or replace function gateway_changes(accounts bigint[], principals text[], versions bigint[],
    max_rows integer) returns table (place bigint, balance bigint, held bigint, available bigint, version bigint,
    currency text, transfer bigint, amount bigint, kind text, counterparties bigint[], description text,
    metadata jsonb, at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    with watched as materialized (
        select w.* from rows from (unnest(accounts), unnest(principals), unnest(versions),
            tokpay.gateway_balances(accounts, principals)) with ordinality
            as w (account, principal, known, id, balance, held, available, version, currency, place))
    select w.place, w.balance, w.held, w.available, w.version, w.currency, null::bigint, null::bigint, null::text,
        null::bigint[], null::text, null::jsonb, null::timestamptz
    from watched w
    union all
    select w.place, e.balance, null::bigint, null::bigint, e.version, null::text, e.transfer, e.amount, e.kind,
        e.counterparties, e.description, e.metadata, e.at
    from watched w, lateral tokpay.gateway_entries(w.account, w.principal, null,
        least(w.version - w.known, max_rows)::integer) e
    where w.version > w.known
    order by 1, 5 desc, 7 nulls first;
    if not tokpay.fence() then return; end if;
end $$;
