-- The rules of a transfer in plain SQL, one request at a time and slowly: what the extension is
-- compared with. Uses the extension's type transfer_request and nothing else of it.

create schema oracle;

create table oracle.account (
    id bigint primary key,
    currency text not null,
    balance numeric not null default 0,
    version bigint not null default 0,
    min_balance bigint,
    max_balance bigint
);

create table oracle.transfer (
    id bigint generated always as identity primary key,
    kind text not null,
    debit bigint not null references oracle.account,
    credits bigint[] not null,
    amounts bigint[] not null,
    key text,
    description text,
    metadata jsonb,
    debit_balance bigint,
    debit_version bigint,
    credit_balances bigint[],
    credit_versions bigint[],
    unique (debit, key)
);

create table oracle.entry (
    account bigint not null references oracle.account,
    version bigint not null,
    transfer bigint not null,
    amount bigint not null,
    balance bigint not null,
    unique (account, version)
);

create type oracle.outcome as (
    position integer, code text, transfer bigint, debit_balance bigint, debit_version bigint,
    credit_balances bigint[], credit_versions bigint[], replayed boolean,
    account bigint, balance bigint, required bigint, detail text);

create function oracle.refusal(code text, account bigint, detail text, balance numeric default null,
    required numeric default null) returns oracle.outcome language sql
return row(null, code, null, null, null, null, null, null, account, balance, required, detail)::oracle.outcome;

-- What is wrong with the request itself, or null.
create function oracle.malformed(debit bigint, credits bigint[], amounts bigint[], key text,
    description text, metadata jsonb, chain integer) returns text language sql as $$
    select case
        when debit is null then 'debit is null.'
        when credits is null then 'credits is null.'
        when cardinality(credits) = 0 then 'credits is empty.'
        when array_ndims(credits) > 1 then 'credits has more than one dimension.'
        when exists (select from unnest(credits) as c where c is null) then 'credits has a null element.'
        when amounts is null then 'amounts is null.'
        when cardinality(amounts) = 0 then 'amounts is empty.'
        when array_ndims(amounts) > 1 then 'amounts has more than one dimension.'
        when exists (select from unnest(amounts) as a where a is null) then 'amounts has a null element.'
        when cardinality(credits) <> cardinality(amounts)
            then format('There are %s credits and %s amounts.', cardinality(credits), cardinality(amounts))
        when cardinality(credits) > 10000
            then format('There are %s credits; a transfer has at most 10000.', cardinality(credits))
        when exists (select from unnest(amounts) as a where a <= 0)
            then (select format('amounts[%s] is %s; an amount is positive.', place, a)
                from unnest(amounts) with ordinality as l (a, place) where a <= 0 order by place limit 1)
        when octet_length(key) not between 1 and 255
            then format('key has %s bytes; a key has 1 to 255.', octet_length(key))
        when octet_length(description) > 10000 then 'description has more than 10000 bytes.'
        when chain is not null then 'chain is not supported by this version.'
    end
$$;

-- One transfer. Each rule looks at the debit first, then at the credits in their order.
create function oracle.execute(kind text, debit bigint, credits bigint[], amounts bigint[], key text,
    description text, metadata jsonb) returns oracle.outcome language plpgsql as $$
#variable_conflict use_variable
declare
    used oracle.transfer;
    payer oracle.account;
    payee oracle.account;
    total numeric := (select sum(a) from unnest(amounts) as a);
    incoming numeric;
    new_id bigint;
    new_balances bigint[] := '{}';
    new_versions bigint[] := '{}';
    highest constant numeric := 9223372036854775807;
begin
    -- The key
    select * into used from oracle.transfer t where t.debit = debit and t.key = key;
    if used.id is not null then
        return case when (used.kind, used.credits, used.amounts, used.description, used.metadata)
                is not distinct from (kind, credits, amounts, description, metadata)
            then row(null, 'ok', used.id, used.debit_balance, used.debit_version, used.credit_balances,
                used.credit_versions, true, null, null, null, null)::oracle.outcome
            else oracle.refusal('key_reused', debit, format(
                'Account %s used key "%s" for transfer %s, which differs in its %s.', debit, key, used.id,
                case when used.kind <> kind then 'kind' when used.credits <> credits then 'credits'
                    when used.amounts <> amounts then 'amounts'
                    when used.description is distinct from description then 'description' else 'metadata' end))
            end;
    end if;

    -- The accounts
    for i in 0 .. cardinality(credits) loop
        if not exists (select from oracle.account a where a.id = case i when 0 then debit else credits[i] end) then
            return oracle.refusal('account_not_found', case i when 0 then debit else credits[i] end,
                format('There is no account %s.', case i when 0 then debit else credits[i] end));
        end if;
    end loop;
    select * into payer from oracle.account a where a.id = debit;
    if payer.min_balance is null and not pg_has_role(current_user, 'tokpay_funder', 'usage') then
        return oracle.refusal('not_permitted', debit, format('Account %s has no floor.', debit));
    end if;
    if debit = any (credits) then
        return oracle.refusal('same_account', debit, format('Account %s is debited and credited.', debit));
    end if;
    for i in 1 .. cardinality(credits) loop
        select * into payee from oracle.account a where a.id = credits[i];
        if payee.currency <> payer.currency then
            return oracle.refusal('currency_mismatch', payee.id, format('Account %s is in %s, the debited one in %s.',
                payee.id, payee.currency, payer.currency));
        end if;
    end loop;

    -- The amounts
    if total > highest then
        return oracle.refusal('amount_overflow', debit, 'The sum of the amounts does not fit a bigint.');
    end if;
    if payer.balance - total < -highest - 1 then
        return oracle.refusal('amount_overflow', debit, format('The balance of account %s would not fit a bigint.', debit));
    end if;
    for i in 1 .. cardinality(credits) loop
        select * into payee from oracle.account a where a.id = credits[i];
        select sum(amounts[j]) into incoming from generate_series(1, cardinality(credits)) as j where credits[j] = credits[i];
        if payee.balance + incoming > highest then
            return oracle.refusal('amount_overflow', payee.id, format('The balance of account %s would not fit a bigint.', payee.id));
        end if;
    end loop;
    if total > payer.balance - payer.min_balance then
        return oracle.refusal('insufficient_funds', debit, format('Account %s has %s available, the transfer needs %s.',
            debit, payer.balance - payer.min_balance, total), payer.balance, total);
    end if;
    for i in 1 .. cardinality(credits) loop
        select * into payee from oracle.account a where a.id = credits[i];
        select sum(amounts[j]) into incoming from generate_series(1, cardinality(credits)) as j where credits[j] = credits[i];
        if payee.balance + incoming > payee.max_balance then
            return oracle.refusal('balance_limit', payee.id, format(
                'Account %s has %s, a credit of %s would lift it above its max_balance %s.',
                payee.id, payee.balance, incoming, payee.max_balance), payee.balance, incoming);
        end if;
    end loop;

    -- The writes
    insert into oracle.transfer (kind, debit, credits, amounts, key, description, metadata)
    values (kind, debit, credits, amounts, key, description, metadata) returning id into new_id;
    update oracle.account a set balance = a.balance - total, version = a.version + 1 where a.id = debit returning * into payer;
    insert into oracle.entry values (debit, payer.version, new_id, -total, payer.balance);
    for i in 1 .. cardinality(credits) loop
        update oracle.account a set balance = a.balance + amounts[i], version = a.version + 1 where a.id = credits[i] returning * into payee;
        insert into oracle.entry values (payee.id, payee.version, new_id, amounts[i], payee.balance);
        new_balances := new_balances || payee.balance::bigint;
        new_versions := new_versions || payee.version;
    end loop;
    update oracle.transfer t set debit_balance = payer.balance, debit_version = payer.version,
        credit_balances = new_balances, credit_versions = new_versions where t.id = new_id;
    return row(null, 'ok', new_id, payer.balance, payer.version, new_balances, new_versions, false,
        null, null, null, null)::oracle.outcome;
end $$;

create function oracle.transfer_batch(requests tokpay.transfer_request[]) returns setof oracle.outcome
language plpgsql as $$
declare
    outcome oracle.outcome;
    request tokpay.transfer_request;
    problem text;
begin
    for i in 1 .. cardinality(requests) loop
        request := requests[i];
        problem := case when requests[i] is not distinct from null::tokpay.transfer_request then 'The request is null.'
            else oracle.malformed(request.debit, request.credits, request.amounts, request.key, request.description,
                request.metadata, request.chain) end;
        outcome := case when problem is not null then oracle.refusal('invalid_request', null, problem)
            else oracle.execute('transfer', request.debit, request.credits, request.amounts, request.key,
                request.description, request.metadata) end;
        outcome.position := i;
        return next outcome;
    end loop;
end $$;

create function oracle.top_up(account bigint, amount bigint, key text default null, description text default null)
    returns oracle.outcome language plpgsql as $$
declare
    problem text := case when account is null then 'account is null.' when amount is null then 'amount is null.'
        when amount <= 0 then format('amount is %s; an amount is positive.', amount)
        else oracle.malformed(account, array[account], array[amount], key, description, null, null) end;
    funding bigint := (select f.id from oracle.account f, oracle.account a
        where a.id = top_up.account and f.currency = a.currency order by f.id limit 1);
begin
    return case
        when problem is not null then oracle.refusal('invalid_request', null, problem)
        when funding is null then oracle.refusal('account_not_found', account, format('There is no account %s.', account))
        else oracle.execute('top_up', funding, array[account], array[amount], key, description, null) end;
end $$;

-- Takes over the accounts as they were opened; a currency's first account is its funding account.
create function oracle.take_over() returns void language sql as $$
    insert into oracle.account (id, currency, min_balance, max_balance)
    select id, currency, min_balance, max_balance from tokpay.accounts
$$;

grant usage on schema oracle to tokpay_reader;
grant all on all tables in schema oracle to tokpay_reader;
