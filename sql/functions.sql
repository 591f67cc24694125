-- Inside

create function require_leader() returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_require_leader';

create function leg_column(legs bigint[], part integer) returns bigint[]
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'tokpay_leg_column';

create function account_entries(account bigint) returns table
    (version bigint, transfer bigint, amount bigint, balance bigint, kind text, at timestamptz)
language c stable strict parallel safe as 'MODULE_PATHNAME', 'tokpay_account_entries';

create function kind_name(kind "char") returns text
language sql immutable strict parallel safe
return case kind when 't' then 'transfer' when 'u' then 'top_up' end;

create function refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception using errcode = 'object_not_in_prerequisite_state',
        message = format('%s on tokpay.%I is refused: entries, transfers and balances are immutable',
            tg_op, tg_table_name),
        hint = 'Correct a mistake with a new transfer.';
end $$;

create trigger immutable before update or delete or truncate on journal
for each statement execute function refuse_change();
create trigger immutable before update or delete or truncate on account_state
for each statement execute function refuse_change();
-- A statement on a parent table fires the row triggers of its children only.
create trigger immutable_row before update or delete on journal
for each row execute function refuse_change();
create trigger immutable_row before update or delete on account_state
for each row execute function refuse_change();
alter table journal enable always trigger immutable, enable always trigger immutable_row;
alter table account_state enable always trigger immutable, enable always trigger immutable_row;

-- Inserts an account without asking; open_account checks, this one writes.
create function insert_account(name text, currency text, min_balance bigint, max_balance bigint,
    metadata jsonb, owner text) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    new_id bigint := nextval('tokpay.account_id_seq');
begin
    insert into tokpay.account_info (account, name, owner, metadata)
    values (new_id, insert_account.name, insert_account.owner, insert_account.metadata);
    insert into tokpay.account_state (id, currency, min_balance, max_balance)
    values (new_id, insert_account.currency,
        coalesce(insert_account.min_balance, -9223372036854775808),
        coalesce(insert_account.max_balance, 9223372036854775807));
    return new_id;
end $$;

-- Opens the funding account of a currency where it is missing.
create function ensure_funding(currency text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from tokpay.account_info where name = 'funding/' || currency) then
        perform tokpay.insert_account('funding/' || currency, currency, null, null, '{}', null);
    end if;
exception when unique_violation then null;      -- somebody else opened it just now
end $$;

-- Accounts

create function open_account(name text default null, currency text default 'USD',
    min_balance bigint default 0, max_balance bigint default null, metadata jsonb default '{}',
    owner text default null) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    limit_bound constant bigint := 4611686018427387904;     -- 2^62
    problem text;
begin
    problem := case
        when octet_length(name) not between 1 and 255 then 'A name has 1 to 255 bytes.'
        when name like 'funding/%' then 'Names that begin with funding/ are kept for the funding accounts.'
        when octet_length(owner) not between 1 and 255 then 'An owner has 1 to 255 bytes.'
        when not exists (select from tokpay.currency c where c.code = currency)
            then format('There is no currency %s.', coalesce(quote_literal(currency), 'null'))
        when min_balance > 0 then 'min_balance is 0, negative, or null for no floor.'
        when min_balance < -limit_bound or max_balance not between -limit_bound and limit_bound
            then 'Limits lie within -2^62 and 2^62.'
        when metadata is null then 'metadata is null; use {} for none.'
    end;
    if problem is not null then
        raise exception using errcode = 'TP001', message = 'invalid request', detail = problem;
    end if;
    perform tokpay.require_leader();
    if max_balance < 0 then
        raise exception using errcode = 'TP011', message = 'balance limit',
            detail = format('A new account has balance 0, above max_balance %s.', max_balance);
    end if;
    perform tokpay.ensure_funding(currency);
    return tokpay.insert_account(name, currency, min_balance, max_balance, metadata, owner);
exception when unique_violation then
    raise exception using errcode = 'TP017', message = 'name taken',
        detail = format('There is an account named %L.', name),
        hint = 'Names are unique; tokpay.account_id() tells whose it is.';
end $$;

create function add_currency(code text, exponent smallint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if code !~ '^[A-Z][A-Z0-9]{2,11}$' or code is null
        or exponent not between 0 and 18 or exponent is null then
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = 'A code has 3 to 12 capital letters and digits, an exponent is 0 to 18.';
    end if;
    perform tokpay.require_leader();
    insert into tokpay.currency values (code, exponent);
    perform tokpay.ensure_funding(code);
exception when unique_violation then
    raise exception using errcode = 'TP017', message = 'name taken',
        detail = format('There is a currency %s.', code);
end $$;

create function account_id(name text) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_id bigint;
begin
    perform tokpay.require_leader();
    select i.account into found_id from tokpay.account_info i where i.name = account_id.name;
    if found_id is null then
        raise exception using errcode = 'TP003', message = 'account not found',
            detail = format('There is no account named %s.', coalesce(quote_literal(name), 'null')),
            hint = case when name like 'funding/%'
                then 'A funding account is opened with the first account of its currency.'
                else 'tokpay.open_account() opens one; the view tokpay.accounts lists them.' end;
    end if;
    return found_id;
end $$;

-- Reads

create function balance(account bigint) returns bigint
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_balance';

create function balances(accounts bigint[]) returns table (account bigint, balance bigint,
    held bigint, available bigint, version bigint, currency text)
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_balances';

create function history(account bigint, before bigint default null, max_rows integer default 100,
    since timestamptz default null, until timestamptz default null) returns table
    (version bigint, transfer bigint, amount bigint, balance bigint, kind text,
    counterparties bigint[], description text, metadata jsonb, at timestamptz)
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_history';

create function transfer_by_key(debit bigint, key text) returns transfer_result
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_transfer_by_key';

-- Money

create function transfer(debit bigint, credits bigint[], amounts bigint[], key text default null,
    description text default null, metadata jsonb default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_transfer';

create function transfer_batch(requests transfer_request[]) returns setof transfer_outcome
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_transfer_batch';

create function top_up(account bigint, amount bigint, key text default null,
    description text default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_top_up';

-- API keys

create function create_api_key(name text, scopes text[], accounts bigint[] default null,
    expires_in interval default null) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    problem text;
    secret text := 'tokpay_' || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
begin
    problem := case
        when name is null or octet_length(name) not between 1 and 255 then 'A name has 1 to 255 bytes.'
        when array_ndims(scopes) is distinct from 1
            or not scopes <@ array['read', 'transfer', 'fund', 'admin']
            or array_position(scopes, null) is not null
            then 'Scopes are one or more of read, transfer, fund, admin.'
        when array_ndims(accounts) <> 1 or array_position(accounts, null) is not null
            then 'A list of accounts has one dimension and no nulls.'
        when expires_in <= interval '0' then 'expires_in is positive, or null for never.'
    end;
    if problem is not null then
        raise exception using errcode = 'TP001', message = 'invalid request', detail = problem;
    end if;
    perform tokpay.require_leader();
    insert into tokpay.api_key (name, digest, scopes, accounts, expires_at)
    values (name, sha256(convert_to(secret, 'UTF8')), scopes, accounts, clock_timestamp() + expires_in);
    return secret;
end $$;

create function revoke_api_key(id bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    update tokpay.api_key k set revoked_at = coalesce(revoked_at, clock_timestamp())
    where k.id = revoke_api_key.id;
    if not found then
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = format('There is no API key %s.', id),
            hint = 'The view tokpay.api_keys lists them.';
    end if;
end $$;

-- Inside: what the gateway asks about a credential; no row for an unknown, expired or revoked key.
create function authenticate(digest bytea) returns table
    (id bigint, scopes text[], accounts bigint[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    return query select k.id, k.scopes, k.accounts from tokpay.api_key k
    where k.digest = authenticate.digest and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > clock_timestamp());
end $$;
