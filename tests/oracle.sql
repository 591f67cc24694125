-- The rules of the interface in plain SQL, one request at a time and slowly: what the extension is
-- compared with. oracle_calls.sql has the calls. Uses the extension's types and nothing else of it.

create schema oracle;

create table oracle.account (
    id bigint primary key,
    name text unique,
    currency text not null,
    balance numeric not null default 0,
    version bigint not null default 0,
    min_balance bigint,
    max_balance bigint,
    status text not null default 'open',
    metadata jsonb not null default '{}',
    last_at timestamptz not null default '-infinity'
);

create table oracle.transfer (
    id bigint primary key,
    kind text not null,
    status text not null,               -- posted; of a hold: pending, captured, voided, expired
    target bigint,                      -- of a capture or void: the hold; of a reverse: what it reverses
    debit bigint not null references oracle.account,
    credits bigint[] not null,
    amounts bigint[] not null,          -- of a reverse: negative
    key text,
    description text,
    metadata jsonb,
    at timestamptz not null,
    expires_at timestamptz,             -- of a hold, null: never
    debit_balance bigint,
    debit_version bigint,
    credit_balances bigint[],
    credit_versions bigint[],
    unique (debit, key)
);
create unique index on oracle.transfer (target) where target is not null;
create index on oracle.transfer (debit) where status = 'pending';
create index on oracle.transfer (expires_at, id) where status = 'pending';

create table oracle.entry (
    account bigint not null references oracle.account,
    version bigint not null,
    transfer bigint not null,
    amount bigint not null,
    balance bigint not null,
    unique (account, version)
);

-- A request of any kind, its target looked up.
create type oracle.request as (kind text, target bigint, debit bigint, credits bigint[], amounts bigint[], key text,
    description text, metadata jsonb, expires_in interval);
-- clock: shortly before the call. Nothing expires between that and the call.
create type oracle.told as (clock timestamptz, transfer bigint, at timestamptz);
-- A party of a request: the debit has place 0, the credits 1, 2, 3, ...; change: of its balance, by all of the request.
create type oracle.party as (place integer, change numeric, id bigint, currency text, balance numeric, held numeric,
    available numeric, min_balance bigint, max_balance bigint, status text);

-- What is held is the sum of the pending holds.
create function oracle.held(account bigint) returns numeric language plpgsql as $$
begin
    return (select coalesce(sum(a), 0) from oracle.transfer t, unnest(t.amounts) as a
    where t.debit = account and t.status = 'pending');
end $$;

create function oracle.available(account bigint) returns numeric language plpgsql as $$
begin
    return (select a.balance - oracle.held(a.id) - a.min_balance from oracle.account a where a.id = account);
end $$;

-- What expired holds would give back to an account that needs it.
create function oracle.expired(account bigint, clock timestamptz) returns numeric language plpgsql as $$
begin
    return (select coalesce(sum(a), 0) from oracle.transfer t, unnest(t.amounts) as a
    where t.debit = account and t.status = 'pending' and t.expires_at <= clock);
end $$;

create function oracle.parties(r oracle.request) returns setof oracle.party language plpgsql as $$
begin
    return query
    select p.place::integer, p.change, a.id, a.currency, a.balance, h.held, a.balance - h.held - a.min_balance, a.min_balance,
        a.max_balance, a.status
    from (
        select 0, r.debit, -sum(amount) from unnest(r.amounts) as amount
        union all
        select l.place, l.account, (select sum(m.amount) from unnest(r.credits, r.amounts) as m (account, amount)
            where m.account = l.account)
        from unnest(r.credits) with ordinality as l (account, place)
    ) as p (place, account, change) left join oracle.account a on a.id = p.account, oracle.held(a.id) as h (held)
    order by p.place;
end $$;

create function oracle.refusal(code text, account bigint, detail text, balance numeric default null,
    required numeric default null) returns tokpay.transfer_outcome language sql
return row(null, code, null, null, null, null, null, null, null, account, balance, required, detail)::tokpay.transfer_outcome;

create function oracle.success(t oracle.transfer, replayed boolean) returns tokpay.transfer_outcome language sql
return row(null, 'ok', t.id, t.at, t.debit_balance, t.debit_version, t.credit_balances, t.credit_versions, replayed,
    null, null, null, null)::tokpay.transfer_outcome;

-- The refusal of a call that has no row for it.
create function oracle.raise(code text, detail text) returns void language plpgsql as $$
begin
    raise exception using detail = detail, message = replace(code, '_', ' '), errcode = case code
        when 'invalid_request' then 'TP001' when 'key_reused' then 'TP002' when 'account_not_found' then 'TP003'
        when 'same_account' then 'TP004' when 'currency_mismatch' then 'TP005' when 'transfer_not_found' then 'TP006'
        when 'account_frozen' then 'TP007' when 'account_closed' then 'TP008' when 'amount_overflow' then 'TP009'
        when 'insufficient_funds' then 'TP010' when 'balance_limit' then 'TP011' when 'hold_not_pending' then 'TP013'
        when 'already_reversed' then 'TP014' when 'not_permitted' then 'TP016' when 'name_taken' then 'TP017'
        when 'account_in_use' then 'TP018' end;
end $$;

create function oracle.result(o tokpay.transfer_outcome) returns tokpay.transfer_result language plpgsql as $$
begin
    if o.code <> 'ok' then
        perform oracle.raise(o.code, o.detail);
    end if;
    return row(o.transfer, o.at, o.debit_balance, o.debit_version, o.credit_balances, o.credit_versions, o.replayed);
end $$;

-- What is wrong with a request itself, or null.

create function oracle.malformed_numbers(name text, numbers bigint[]) returns text language sql
return case
    when numbers is null then name || ' is null.'
    when cardinality(numbers) = 0 then name || ' is empty.'
    when array_ndims(numbers) > 1 then name || ' has more than one dimension.'
    when array_position(numbers, null) is not null then name || ' has a null element.'
end;

create function oracle.malformed_texts(key text, description text) returns text language sql
return case
    when octet_length(key) not between 1 and 255 then format('key has %s bytes; a key has 1 to 255.', octet_length(key))
    when octet_length(description) > 10000 then 'description has more than 10000 bytes.'
end;

create function oracle.malformed_credits(debit bigint, credits bigint[], amounts bigint[]) returns text language sql
return case
    when debit is null then 'debit is null.'
    else coalesce(oracle.malformed_numbers('credits', credits), oracle.malformed_numbers('amounts', amounts),
        case when cardinality(credits) <> cardinality(amounts)
                then format('There are %s credits and %s amounts.', cardinality(credits), cardinality(amounts))
            when cardinality(credits) > 10000
                then format('There are %s credits; a transfer has at most 10000.', cardinality(credits))
            else (select format('amounts[%s] is %s; an amount is positive.', place, a)
                from unnest(amounts) with ordinality as l (a, place) where a <= 0 order by place limit 1) end)
end;

-- The answer where the key was used already, or null.
create function oracle.known(r oracle.request) returns tokpay.transfer_outcome language plpgsql as $$
declare
    used oracle.transfer;
    field text;
begin
    select * into used from oracle.transfer t where t.debit = r.debit and t.key = r.key;
    if used.id is null then
        return null;
    end if;
    field := case when used.kind <> r.kind then 'kind'
        when used.target <> r.target then case r.kind when 'reverse' then 'reversed transfer' else 'hold' end
        when used.credits <> r.credits then 'credits' when used.amounts <> r.amounts then 'amounts'
        when used.description is distinct from r.description then 'description'
        when used.metadata is distinct from r.metadata then 'metadata' end;
    return case when field is null then oracle.success(used, true)
        else oracle.refusal('key_reused', r.debit, format('Account %s used key "%s" for transfer %s, which differs in its %s.',
            r.debit, r.key, used.id, field)) end;
end $$;

-- Every rule of the books that a request breaks: the first one answers, and of the parties that
-- break it the one that comes first.
create function oracle.broken_rules(r oracle.request, parties oracle.party[], clock timestamptz) returns table
    (rule integer, place integer, code text, account bigint, detail text, balance numeric, required numeric)
language plpgsql as $$
#variable_conflict use_column
begin
    return query
    with party as (
        select p.*, (p.balance + p.change) not between -9223372036854775808 and 9223372036854775807 as overflows
        from unnest(parties) as p
    ),
    payer as (select * from party where place = 0),
    target as (
        select t.*, e.id as ended_by from oracle.transfer t left join oracle.transfer e on e.target = t.id where t.id = r.target
    )

    select 1, place, 'account_not_found', (r.debit || r.credits)[place + 1],
        format('There is no account %s.', (r.debit || r.credits)[place + 1]), null::numeric, null::numeric
    from party where id is null
    union all
    select 2, place, 'not_permitted', id, format('Account %s has no floor.', id), null, null
    from party where min_balance is null and r.kind <> 'void' and not pg_has_role(current_user, 'tokpay_funder', 'usage')
        and case when r.kind = 'reverse' then change < 0 else place = 0 end
    union all
    select 3, 0, 'hold_not_pending', null, case
            when t.kind <> 'hold' then format('Transfer %s is a %s and no hold.', t.id, t.kind)
            when t.status in ('captured', 'voided') then format('Hold %s was %s by transfer %s.', t.id, t.status, t.ended_by)
            else format('Hold %s has expired.', t.id) end, null, null
    from target t where r.kind in ('capture', 'void')
        and (t.status <> 'pending' or r.kind = 'capture' and t.expires_at <= clock)
    union all
    select 4, 0, 'already_reversed', null, format('Transfer %s was reversed by transfer %s.', id, ended_by), null, null
    from target where r.kind = 'reverse' and ended_by is not null
    union all
    select 5, 0, 'same_account', r.debit, format('Account %s is debited and credited.', r.debit), null, null
    where r.debit = any (r.credits)
    union all
    select 6, p.place, 'currency_mismatch', p.id,
        format('Account %s is in %s, the debited one in %s.', p.id, p.currency, payer.currency), null, null
    from party p, payer where p.currency <> payer.currency
    union all
    select 7, place, 'account_frozen', id, format('Account %s is frozen.', id), null, null
    from party where status = 'frozen' and r.kind <> 'void'
    union all
    select 8, place, 'account_closed', id, format('Account %s is closed.', id), null, null
    from party where status = 'closed' and r.kind <> 'void'
    union all
    select 9, 0, 'amount_overflow', r.debit, format('The sum of the amounts that account %s is to pay does not fit a bigint.', r.debit), null, null
    from payer where change < -9223372036854775807
    union all
    select 10, place, 'amount_overflow', id, format('The balance of account %s would not fit a bigint.', id), null, null
    from party where overflows and r.kind not in ('hold', 'void')
    union all
    select 11, 0, 'amount_overflow', r.debit, format('The held amount of account %s would not fit a bigint.', r.debit), null, null
    from payer where r.kind = 'hold' and held - change > 9223372036854775807
    union all
    select 12, place, 'insufficient_funds', id, format('Account %s has %s available, the %s needs %s.',
        id, available, r.kind, -change), balance, -change
    from party where r.kind not in ('capture', 'void') and change < 0 and available + oracle.expired(id, clock) < -change
    union all
    select 13, place, 'balance_limit', id, format('Account %s has %s, a credit of %s would lift it above its max_balance %s.',
        id, balance, change, max_balance), balance, change
    from party where r.kind not in ('hold', 'void') and change > 0 and balance + change > max_balance;
end $$;

-- After the rules: the writes, and the first answer.
create function oracle.post(r oracle.request, parties oracle.party[], told oracle.told) returns tokpay.transfer_outcome
language plpgsql as $$
declare
    posted oracle.transfer;
    latest timestamptz := (select max(last_at) from oracle.account where id = r.debit or id = any (r.credits));
    has_entries constant boolean := r.kind not in ('hold', 'void');
    party oracle.party;
    amount numeric;
    after oracle.account;
begin
    -- Expired holds, the oldest first, until the money is there
    foreach party in array parties loop
        while r.kind not in ('capture', 'void') and party.change < 0 and oracle.available(party.id) < -party.change loop
            update oracle.transfer set status = 'expired' where id = (select id from oracle.transfer t
                where t.debit = party.id and t.status = 'pending' and t.expires_at <= told.clock order by expires_at, id limit 1);
        end loop;
    end loop;

    -- The time is the clock's, but later than all before
    posted.at := case when told.at > latest and told.at between told.clock and clock_timestamp() then told.at
        else greatest(told.clock, latest + interval '1 microsecond') end;
    posted.expires_at := case when r.expires_in is not null
        then greatest(posted.at + r.expires_in, posted.at + interval '1 microsecond') end;
    posted.id := coalesce(told.transfer, (select least(min(id), 0) - 1 from oracle.transfer));

    foreach party in array parties loop
        amount := case when not has_entries then 0 when party.place = 0 then party.change else r.amounts[party.place] end;
        update oracle.account set balance = balance + amount, version = version + (amount <> 0)::integer, last_at = posted.at
        where id = party.id returning * into after;
        if amount <> 0 then
            insert into oracle.entry values (after.id, after.version, posted.id, amount, after.balance);
        end if;
        if party.place = 0 then
            posted.debit_balance := after.balance;
            posted.debit_version := after.version;
        elsif has_entries then
            posted.credit_balances := posted.credit_balances || after.balance::bigint;
            posted.credit_versions := posted.credit_versions || after.version;
        end if;
    end loop;

    update oracle.transfer set status = case r.kind when 'capture' then 'captured' else 'voided' end
    where r.kind in ('capture', 'void') and id = r.target;
    insert into oracle.transfer values (posted.id, r.kind, case r.kind when 'hold' then 'pending' else 'posted' end, r.target,
        r.debit, r.credits, r.amounts, r.key, r.description, r.metadata, posted.at, posted.expires_at,
        posted.debit_balance, posted.debit_version, posted.credit_balances, posted.credit_versions);
    return oracle.success(posted, false);
end $$;

-- among_replays: in a chain, whether what came before in it was replayed.
create function oracle.execute(r oracle.request, told oracle.told, among_replays boolean default null)
    returns tokpay.transfer_outcome language plpgsql as $$
declare
    outcome tokpay.transfer_outcome := oracle.known(r);
    parties oracle.party[];
    broken record;
begin
    if outcome.code = 'key_reused' then
        return outcome;
    elsif among_replays <> (outcome.code is not null) then
        return oracle.refusal('key_reused', r.debit,
            'Some requests of this chain were executed before and others not; a chain is repeated as a whole.');
    elsif outcome.code = 'ok' then
        return outcome;
    end if;
    parties := array(select p from oracle.parties(r) as p order by (p).place);
    select * into broken from oracle.broken_rules(r, parties, told.clock) order by rule, place limit 1;
    return case when broken.rule is null then oracle.post(r, parties, told)
        else oracle.refusal(broken.code, broken.account, broken.detail, broken.balance, broken.required) end;
end $$;
