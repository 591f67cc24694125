-- The calls of the interface in plain SQL, by the rules of oracle.sql. Every function has the name and the
-- arguments of the extension's, and last what the extension's reply told: ids and times are its to choose.

-- Money

create function oracle.member(request tokpay.transfer_request, told oracle.told, among_replays boolean default null)
    returns tokpay.transfer_outcome language plpgsql as $$
declare
    problem text := case when request is not distinct from null::tokpay.transfer_request then 'The request is null.'
        else coalesce(oracle.malformed_credits(request.debit, request.credits, request.amounts),
            oracle.malformed_texts(request.key, request.description)) end;
begin
    return case when problem is not null then oracle.refusal('invalid_request', null, problem)
        else oracle.execute(row('transfer', null, request.debit, request.credits, request.amounts, request.key,
            request.description, request.metadata, null)::oracle.request, told, among_replays) end;
end $$;

-- The requests first to last, together.
create function oracle.chain(requests tokpay.transfer_request[], told oracle.told[], first integer, last integer)
    returns setof tokpay.transfer_outcome language plpgsql as $$
declare
    outcomes tokpay.transfer_outcome[];
    outcome tokpay.transfer_outcome;
    place integer;
begin
    begin
        for i in first .. last loop
            place := i;
            outcome := oracle.member(requests[i], told[i], (outcomes[1]).replayed);
            if outcome.code <> 'ok' then
                raise exception using errcode = 'UNDO0';
            end if;
            outcomes := outcomes || outcome;
        end loop;
        return query select * from unnest(outcomes);
        return;
    exception when sqlstate 'UNDO0' then null;
    end;
    for i in first .. last loop
        return next case i when place then outcome
            else oracle.refusal('chain_failed', null,
                format('Another request of the same chain was refused: %s.', outcome.code)) end;
    end loop;
end $$;

create function oracle.transfer_batch(requests tokpay.transfer_request[], told oracle.told[])
    returns setof tokpay.transfer_outcome language plpgsql as $$
declare
    chains constant integer[] := array(select r.chain from unnest(requests) with ordinality as r order by r.ordinality);
    -- A chain in one piece begins once.
    split constant integer[] := array(select c.chain from (select chain, lag(chain) over (order by place) as before
            from unnest(chains) with ordinality as l (chain, place)) as c
        where c.chain is distinct from c.before and c.chain is not null group by c.chain having count(*) > 1);
    outcome tokpay.transfer_outcome;
    last integer;
    i integer := 1;
begin
    while i <= cardinality(requests) loop
        last := i;
        while chains[last + 1] = chains[i] loop
            last := last + 1;
        end loop;
        for outcome in
            select * from oracle.member(requests[i], told[i]) where chains[i] is null
            union all
            select o.* from generate_series(i, last), oracle.refusal('invalid_request', null,
                'The requests of this chain are not adjacent.') as o where chains[i] = any (split)
            union all
            select * from oracle.chain(requests, told, i, last) where chains[i] is not null and chains[i] <> all (split)
        loop
            outcome.position := i;
            return next outcome;
            i := i + 1;
        end loop;
    end loop;
end $$;

create function oracle.transfer(debit bigint, credits bigint[], amounts bigint[], key text, description text,
    metadata jsonb, told oracle.told) returns tokpay.transfer_result language sql
return oracle.result(oracle.member(row(debit, credits, amounts, key, description, metadata, null)::tokpay.transfer_request,
    told));

create function oracle.top_up(account bigint, amount bigint, key text, description text, told oracle.told)
    returns tokpay.transfer_result language plpgsql as $$
declare
    problem text := coalesce(case when account is null then 'account is null.' when amount is null then 'amount is null.'
        when amount <= 0 then format('amount is %s; an amount is positive.', amount) end, oracle.malformed_texts(key, description));
    funding bigint := (select f.id from oracle.account f, oracle.account a
        where a.id = top_up.account and f.name = 'funding/' || a.currency);
begin
    return oracle.result(case
        when problem is not null then oracle.refusal('invalid_request', null, problem)
        when funding is null then oracle.refusal('account_not_found', account, format('There is no account %s.', account))
        else oracle.execute(row('top_up', null, funding, array[account], array[amount], key, description, null, null)::oracle.request,
            told) end);
end $$;

create function oracle.hold(debit bigint, credits bigint[], amounts bigint[], key text, expires_in interval, description text,
    metadata jsonb, told oracle.told) returns tokpay.transfer_result language plpgsql as $$
declare
    problem text := coalesce(oracle.malformed_credits(debit, credits, amounts), oracle.malformed_texts(key, description),
        case when expires_in <= '0' then 'expires_in is positive, or null for never.'
            when expires_in > '36525 days' then 'expires_in is at most 100 years, or null for never.' end);
begin
    return oracle.result(case when problem is not null then oracle.refusal('invalid_request', null, problem)
        else oracle.execute(row('hold', null, debit, credits, amounts, key, description, metadata, expires_in)::oracle.request,
            told) end);
end $$;

create function oracle.capture(hold bigint, amounts bigint[], key text, told oracle.told) returns tokpay.transfer_result
language plpgsql as $$
declare
    target oracle.transfer;
    problem text := case when hold is null then 'hold is null.' else oracle.malformed_texts(key, null) end;
begin
    select * into target from oracle.transfer t where t.id = hold;
    if problem is null and amounts is not null then
        problem := coalesce(oracle.malformed_numbers('amounts', amounts),
            (select format('amounts[%s] is %s; an amount is not negative.', place, a)
            from unnest(amounts) with ordinality as l (a, place) where a < 0 order by place limit 1));
    end if;
    if problem is null and target.kind = 'hold' then
        problem := case when cardinality(amounts) <> cardinality(target.credits)
                then format('There are %s amounts; the hold has %s credits.', cardinality(amounts), cardinality(target.credits))
            else coalesce((select format('amounts[%s] is %s; the hold allows 0 to %s.', place, a, h)
                from unnest(amounts, target.amounts) with ordinality as l (a, h, place) where a > h order by place limit 1),
                case when 0 = all (amounts) then 'amounts are all 0; tokpay.void() releases a hold.' end) end;
    end if;
    return oracle.result(case when problem is not null then oracle.refusal('invalid_request', null, problem)
        when target.id is null then oracle.refusal('transfer_not_found', null, format('There is no transfer %s.', hold))
        else oracle.execute(row('capture', target.id, target.debit, target.credits, coalesce(amounts, target.amounts), key,
            null, null, null)::oracle.request, told) end);
end $$;

create function oracle.void(hold bigint, key text, told oracle.told) returns tokpay.transfer_result language plpgsql as $$
declare
    target oracle.transfer;
    problem text := coalesce(case when hold is null then 'hold is null.' end, oracle.malformed_texts(key, null));
begin
    select * into target from oracle.transfer t where t.id = hold;
    return oracle.result(case when problem is not null then oracle.refusal('invalid_request', null, problem)
        when target.id is null then oracle.refusal('transfer_not_found', null, format('There is no transfer %s.', hold))
        else oracle.execute(row('void', target.id, target.debit, target.credits, target.amounts, key, null, null, null)::oracle.request,
            told) end);
end $$;

create function oracle.reverse(transfer bigint, key text, description text, told oracle.told) returns tokpay.transfer_result
language plpgsql as $$
declare
    target oracle.transfer;
    problem text := coalesce(case when transfer is null then 'transfer is null.' end, oracle.malformed_texts(key, description));
begin
    select * into target from oracle.transfer t where t.id = transfer;
    problem := coalesce(problem, case when target.kind not in ('transfer', 'top_up', 'capture')
        then format('Transfer %s is a %s; transfers, top-ups and captures can be reversed.', transfer, target.kind) end);
    return oracle.result(case when problem is not null then oracle.refusal('invalid_request', null, problem)
        when target.id is null then oracle.refusal('transfer_not_found', null, format('There is no transfer %s.', transfer))
        else oracle.execute(row('reverse', target.id, target.debit, target.credits, array(select -a from unnest(target.amounts) as a),
            key, description, null, null)::oracle.request, told) end);
end $$;

create function oracle.expire_holds(max_rows integer, told oracle.told) returns integer language plpgsql as $$
declare
    ended integer;
begin
    if max_rows is null or max_rows < 1 then
        perform oracle.raise('invalid_request', 'max_rows is 1 or more.');
    end if;
    update oracle.transfer set status = 'expired' where id in (select id from oracle.transfer t
        where t.status = 'pending' and t.expires_at <= told.clock order by expires_at, id limit max_rows);
    get diagnostics ended = row_count;
    return ended;
end $$;

-- Accounts

create function oracle.open_account(name text, currency text, min_balance bigint, max_balance bigint, told oracle.told)
    returns bigint language plpgsql as $$
#variable_conflict use_variable
begin
    if min_balance > 0 then
        perform oracle.raise('invalid_request', 'min_balance is 0, negative, or null for no floor.');
    elsif min_balance < -4611686018427387904 or max_balance not between -4611686018427387904 and 4611686018427387904 then
        perform oracle.raise('invalid_request', 'Limits lie within -2^62 and 2^62.');
    elsif exists (select from oracle.account a where a.name = name) then
        perform oracle.raise('name_taken', format('There is an account named %L.', name));
    elsif max_balance < 0 then
        perform oracle.raise('balance_limit', format('A new account has balance 0, above max_balance %s.', max_balance));
    end if;
    insert into oracle.account (id, name, currency, min_balance, max_balance)
    values (told.transfer, name, currency, min_balance, max_balance);
    return told.transfer;
end $$;

-- The account of a change, or its refusal.
create function oracle.must_find(account bigint) returns oracle.account language plpgsql as $$
declare
    found_one oracle.account;
begin
    select * into found_one from oracle.account a where a.id = account;
    if account is null then
        perform oracle.raise('invalid_request', 'account is null.');
    elsif found_one.id is null then
        perform oracle.raise('account_not_found', format('There is no account %s.', account));
    end if;
    return found_one;
end $$;

create function oracle.set_limits(account bigint, min_balance bigint, max_balance bigint, told oracle.told) returns void
language plpgsql as $$
#variable_conflict use_variable
declare
    changed oracle.account;
begin
    if account is not null and (min_balance not between -4611686018427387904 and 4611686018427387904
            or max_balance not between -4611686018427387904 and 4611686018427387904) then
        perform oracle.raise('invalid_request', 'Limits lie within -2^62 and 2^62.');
    end if;
    changed := oracle.must_find(account);
    if changed.status = 'closed' then
        perform oracle.raise('account_closed', format('Account %s is closed.', account));
    elsif changed.balance - oracle.held(account) < min_balance then
        perform oracle.raise('balance_limit', format('Account %s has %s, of which %s held, against min_balance %s.',
            account, changed.balance, oracle.held(account), min_balance));
    elsif changed.balance > max_balance then
        perform oracle.raise('balance_limit', format('Account %s has %s, of which %s held, against max_balance %s.',
            account, changed.balance, oracle.held(account), max_balance));
    end if;
    update oracle.account a set min_balance = set_limits.min_balance, max_balance = set_limits.max_balance where a.id = account;
end $$;

create function oracle.set_metadata(account bigint, metadata jsonb, told oracle.told) returns void language plpgsql as $$
begin
    if account is not null and metadata is null then
        perform oracle.raise('invalid_request', 'metadata is null; use {} for none.');
    end if;
    perform oracle.must_find(account);
    update oracle.account a set metadata = set_metadata.metadata where a.id = account;
end $$;

create function oracle.freeze(account bigint, told oracle.told) returns void language plpgsql as $$
begin
    if (oracle.must_find(account)).status = 'closed' then
        perform oracle.raise('account_closed', format('Account %s is closed.', account));
    end if;
    update oracle.account a set status = 'frozen' where a.id = account;
end $$;

create function oracle.unfreeze(account bigint, told oracle.told) returns void language plpgsql as $$
begin
    if (oracle.must_find(account)).status = 'closed' then
        perform oracle.raise('account_closed', format('Account %s is closed.', account));
    end if;
    update oracle.account a set status = 'open' where a.id = account;
end $$;

create function oracle.close(account bigint, told oracle.told) returns void language plpgsql as $$
declare
    changed oracle.account := oracle.must_find(account);
begin
    if changed.balance <> 0 or oracle.held(account) <> 0 then
        perform oracle.raise('account_in_use', format('Account %s has %s, of which %s held.',
            account, changed.balance, oracle.held(account)));
    end if;
    update oracle.account a set status = 'closed' where a.id = account;
end $$;

-- Reads

create function oracle.balance_at(account bigint, at timestamptz, told oracle.told) returns bigint language plpgsql as $$
begin
    if account is not null and at is null then
        perform oracle.raise('invalid_request', 'at is null.');
    end if;
    perform oracle.must_find(account);
    return coalesce((select e.balance from oracle.entry e join oracle.transfer t on t.id = e.transfer
        where e.account = balance_at.account and t.at <= balance_at.at order by e.version desc limit 1), 0);
end $$;

create function oracle.history(account bigint, before bigint, max_rows integer, since timestamptz, until timestamptz, told oracle.told)
    returns table (version bigint, transfer bigint, amount bigint, balance bigint, kind text, counterparties bigint[],
    description text, metadata jsonb, at timestamptz) language plpgsql as $$
begin
    if account is not null and (max_rows is null or max_rows < 1) then
        perform oracle.raise('invalid_request', 'max_rows is 1 or more.');
    end if;
    perform oracle.must_find(account);
    return query
    select e.version, e.transfer, e.amount, e.balance, t.kind,
        case when e.account <> t.debit then array[t.debit]
            else array(select distinct c from unnest(t.credits, t.amounts) as l (c, a) where a <> 0 order by c) end,
        t.description, t.metadata, t.at
    from oracle.entry e join oracle.transfer t on t.id = e.transfer
    where e.account = history.account and (before is null or e.version < before) and (since is null or t.at >= since)
        and (until is null or t.at < until)
    order by e.version desc limit max_rows;
end $$;

create function oracle.transfer_by_key(debit bigint, key text, told oracle.told) returns tokpay.transfer_result language sql
return (select oracle.result(oracle.success(t, true)) from oracle.transfer t
    where t.debit = transfer_by_key.debit and t.key = transfer_by_key.key);

create function oracle.balances(accounts bigint[], told oracle.told) returns table
    (account bigint, balance bigint, held bigint, available bigint, version bigint, currency text) language sql as $$
    select l.id, a.balance::bigint, case when a.id is not null then oracle.held(a.id) end::bigint,
        case when a.min_balance is not null then least(oracle.available(a.id), 9223372036854775807) end::bigint, a.version, a.currency
    from unnest(accounts) with ordinality as l (id, place) left join oracle.account a on a.id = l.id order by l.place
$$;

-- The books, column by column as the extension's views show them

create view oracle.accounts as
select id, name, currency, balance::bigint, oracle.held(id)::bigint as held,
    case when min_balance is not null then least(oracle.available(id), 9223372036854775807) end::bigint as available,
    min_balance, max_balance, status, version, metadata
from oracle.account;

create view oracle.receipts as
select t.id, t.kind, t.status, a.currency, t.debit, (select sum(amount) from unnest(t.amounts) as amount)::bigint as amount,
    t.credits, t.amounts, t.key, case when t.kind in ('capture', 'void') then t.target end as hold,
    case when t.kind = 'reverse' then t.target end as reverses, r.id as reversed_by, t.description, t.metadata, t.at, t.expires_at,
    t.debit_balance, t.debit_version, t.credit_balances, t.credit_versions
from oracle.transfer t join oracle.account a on a.id = t.debit
    left join oracle.transfer r on r.target = t.id and r.kind = 'reverse';

create view oracle.entries as
select e.account, e.version, e.transfer, e.amount, e.balance, t.kind, t.at
from oracle.entry e join oracle.transfer t on t.id = e.transfer;

create view oracle.holds as
select id, debit, amount, credits, amounts, currency, at, expires_at
from oracle.receipts where kind = 'hold' and status = 'pending';

-- Takes over the accounts as they were opened.
create function oracle.take_over() returns void language sql as $$
    insert into oracle.account (id, name, currency, min_balance, max_balance)
    select id, name, currency, min_balance, max_balance from tokpay.accounts
$$;

grant usage on schema oracle to tokpay_reader;
grant all on all tables in schema oracle to tokpay_reader;
