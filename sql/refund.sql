-- Refunds: a payee gives back what a transfer paid it, not more, however many refunds there are and however they race.

-- A refund is an ordinary transfer from the payee to the payer, which is counted against the original: its outcome as
-- gateway_packed_batch packs it, and its amount; wanted null: all that is left. Raises already_reversed where nothing is.
create or replace function gateway_refund(original bigint, account bigint, wanted bigint, key text, description text,
    principal text, may_fund boolean, out amount bigint, out outcome bytea)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
#variable_conflict use_column
declare
    payer bigint;
    received bigint;
    present bigint;             -- the transfer that has this key already
    counted tokpay.refund;
    returned bigint;
begin
    perform tokpay.require_reach(principal, account);
    select t.debit, sum(c.amount) into payer, received
    from tokpay.transfers t, unnest(t.credits, t.amounts) as c (account, amount)
    where t.id = original and t.kind in ('transfer', 'capture', 'top_up') and c.account = gateway_refund.account
    group by t.debit;
    if not received > 0 or received is null then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = format('Transfer %s paid account %s nothing.', original, account);
    end if;
    -- As every call does, in ascending order; then nobody else gives back of it, or takes it back.
    perform from tokpay.account_state s where s.id in (payer, gateway_refund.account) order by s.id for no key update;
    select k.transfer into present from tokpay.transfer_by_key(account, key) k;
    if present is not null then
        select * into counted from tokpay.refund r where r.transfer = present;
        if counted.original is distinct from original then
            perform tokpay.fence_refusal();
            raise exception using errcode = 'TP002', message = 'key reused',
                detail = case when counted.original is null then 'The key belongs to a transfer that is no refund.'
                    else format('The key belongs to a refund of transfer %s.', counted.original) end;
        end if;
        amount := coalesce(wanted, counted.amount, received);
    else
        select coalesce(sum(r.amount), 0) into returned from tokpay.refund r
        where r.original = gateway_refund.original and r.account = gateway_refund.account
            and not exists (select from tokpay.journal j where j.target = r.transfer and j.kind = 'r');
        amount := coalesce(wanted, received - returned);
        if returned = received or exists (select from tokpay.journal j where j.target = gateway_refund.original and j.kind = 'r') then
            perform tokpay.fence_refusal();
            raise exception using errcode = 'TP014', message = 'already reversed',
                detail = format('Nothing is left of what transfer %s paid account %s.', original, account);
        elsif amount > received - returned then
            perform tokpay.fence_refusal();
            raise exception using errcode = 'TP001', message = 'invalid request',
                detail = format('Transfer %s paid account %s %s, of which %s are given back already.', original, account, received, returned);
        elsif not may_fund and exists (select from tokpay.accounts a where a.id = account and a.min_balance is null) then
            perform tokpay.fence_refusal();
            raise exception using errcode = 'TP016', message = 'not permitted',
                detail = format('Account %s has no floor.', account);
        end if;
    end if;
    outcome := tokpay.gateway_packed_batch(array[row('transfer', account, array[payer], array[amount], key,
        description, null, null, null, null, principal)::tokpay.gateway_request]);
    if present is null then
        insert into tokpay.refund (transfer, original, account, amount)
        select k.transfer, gateway_refund.original, gateway_refund.account, gateway_refund.amount
        from tokpay.transfer_by_key(account, key) k where k.transfer is not null;
    end if;
end $$;

-- What payees have given back of a transfer, refunds that were reversed aside, of those that a principal sees in it.
create or replace function gateway_refunds(transfer bigint, principal text) returns table (account bigint, amount bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform tokpay.require_leader();
    return query
    select r.account, sum(r.amount)::bigint
    from tokpay.refund r join tokpay.transfers t on t.id = r.original
    where r.original = gateway_refunds.transfer
        and not exists (select from tokpay.journal j where j.target = r.transfer and j.kind = 'r') and (tokpay.reaches(principal, t.debit) or tokpay.reaches(principal, r.account))
    group by r.account order by r.account;
    if not tokpay.fence() then return; end if;
end $$;
