-- The baselines: what a user of PostgreSQL writes in an afternoon. Two tables, a function for one
-- transfer and one for many; no entries, no keys. :first and :last are the accounts of the ledger
-- beside them, :payer and :payee two of their own.
create schema bench;
create extension pg_prewarm schema bench;

create table bench.plain_account (
    id       bigint primary key,
    balance  bigint not null,
    currency text not null default 'USD'
) with (fillfactor = 75);       -- as the ledger's: updates stay on their page

insert into bench.plain_account (id, balance)
select id, 1000000 from generate_series(:first::bigint, :last) as id
union all values (:payer::bigint, 1000000000000000), (:payee::bigint, 0);

create table bench.plain_transfer (
    id     bigint generated always as identity primary key,
    at     timestamptz not null default now(),
    debit  bigint not null,
    credit bigint not null,
    amount bigint not null
);

create function bench.plain_transfer(debit bigint, credit bigint, amount bigint) returns bigint
language plpgsql as $$
declare
    available bigint;
    transfer bigint;
begin
    perform from bench.plain_account where id = least(debit, credit) for no key update;
    perform from bench.plain_account where id = greatest(debit, credit) for no key update;
    select balance into available from bench.plain_account where id = debit;
    if available < amount then
        raise exception 'insufficient funds';
    end if;
    update bench.plain_account set balance = balance - amount where id = debit;
    update bench.plain_account set balance = balance + amount where id = credit;
    insert into bench.plain_transfer (debit, credit, amount) values (debit, credit, amount)
    returning id into transfer;
    return transfer;
end $$;

-- Set-based: one lock pass in id order, one INSERT, one aggregated UPDATE.
create function bench.plain_batch(debits bigint[], credits bigint[], amounts bigint[]) returns bigint
language plpgsql as $$
declare
    transfers bigint;
    overdrawn boolean;
begin
    perform from bench.plain_account where id = any(debits || credits) order by id for no key update;
    insert into bench.plain_transfer (debit, credit, amount)
    select * from unnest(debits, credits, amounts);
    get diagnostics transfers = row_count;
    with change as (
        select id, sum(amount)::bigint as amount
        from (
            select unnest(credits), unnest(amounts)
            union all select unnest(debits), -unnest(amounts)
        ) as leg (id, amount)
        group by id
    ), changed as (
        update bench.plain_account a set balance = a.balance + change.amount
        from change where a.id = change.id
        returning a.balance
    )
    select bool_or(balance < 0) into overdrawn from changed;
    if overdrawn then
        raise exception 'insufficient funds';
    end if;
    return transfers;
end $$;

grant usage on schema bench to tokpay_reader;
grant select, insert, update on all tables in schema bench to tokpay_teller;
