-- Inside

create or replace function require_leader() returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_require_leader';

create or replace function leg_column(legs bigint[], part integer) returns bigint[]
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'tokpay_leg_column';

create or replace function account_entries(account bigint) returns table
    (version bigint, transfer bigint, amount bigint, balance bigint, kind text, at timestamptz)
language c stable strict parallel safe as 'MODULE_PATHNAME', 'tokpay_account_entries';

create or replace function kind_name(kind "char") returns text
language sql immutable strict parallel safe
return case kind when 't' then 'transfer' when 'u' then 'top_up' when 'h' then 'hold'
    when 'c' then 'capture' when 'v' then 'void' when 'r' then 'reverse' end;

create or replace function refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception using errcode = 'object_not_in_prerequisite_state',
        message = format('%s on tokpay.%I is refused: entries, transfers and balances are immutable',
            tg_op, tg_table_name),
        hint = 'Correct a mistake with a new transfer.';
end $$;

-- Inserts an account without asking; open_account checks, this one writes.
create or replace function insert_account(name text, currency text, min_balance bigint, max_balance bigint,
    metadata jsonb, owner text) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    new_id bigint := nextval('tokpay.account_id_seq');
begin
    insert into tokpay.account_info (account, name, owner, metadata)
    values (new_id, insert_account.name, insert_account.owner, insert_account.metadata);
    insert into tokpay.account_state (id, key_filter, currency, min_balance, max_balance)
    values (new_id, 0, insert_account.currency,
        coalesce(insert_account.min_balance, -9223372036854775808),
        coalesce(insert_account.max_balance, 9223372036854775807));
    return new_id;
end $$;

-- Opens the funding account of a currency where it is missing.
create or replace function ensure_funding(currency text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
begin
    if not exists (select from tokpay.account_info where name = 'funding/' || currency) then
        perform tokpay.insert_account('funding/' || currency, currency, null, null, '{}', null);
    end if;
exception when unique_violation then
    get stacked diagnostics violated = constraint_name;
    if violated <> 'account_info_name_key' then     -- else somebody else opened it just now
        raise;
    end if;
end $$;

-- Accounts

create or replace function open_account(name text default null, currency text default 'USD',
    min_balance bigint default 0, max_balance bigint default null, metadata jsonb default '{}',
    owner text default null) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    limit_bound constant bigint := 4611686018427387904;     -- 2^62
    problem text;
    new_id bigint;
    violated text;
begin
    problem := case
        when octet_length(name) not between 1 and 255 then 'A name has 1 to 255 bytes.'
        when name like 'funding/%' then 'Names that begin with funding/ are kept for the funding accounts.'
        when octet_length(owner) not between 1 and 255 then 'An owner has 1 to 255 bytes.'
        when min_balance > 0 then 'min_balance is 0, negative, or null for no floor.'
        when min_balance < -limit_bound or max_balance not between -limit_bound and limit_bound
            then 'Limits lie within -2^62 and 2^62.'
        when metadata is null then 'metadata is null; use {} for none.'
        when octet_length(metadata::text) > 1048576 then 'metadata has more than 1048576 bytes.'
    end;
    if problem is not null then
        raise exception using errcode = 'TP001', message = 'invalid request', detail = problem;
    end if;
    perform tokpay.require_leader();
    if not exists (select from tokpay.currency c where c.code = currency) then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = format('There is no currency %s.', coalesce(quote_literal(currency), 'null'));
    end if;
    perform tokpay.ensure_funding(currency);
    new_id := tokpay.insert_account(name, currency, min_balance, max_balance, metadata, owner);
    if max_balance < 0 then     -- after the name, as the codes' precedence has it
        raise exception using errcode = 'TP011', message = 'balance limit',
            detail = format('A new account has balance 0, above max_balance %s.', max_balance);
    end if;
    return new_id;
exception when unique_violation then
    get stacked diagnostics violated = constraint_name;
    if violated <> 'account_info_name_key' then
        raise;
    end if;
    perform tokpay.fence_refusal();
    raise exception using errcode = 'TP017', message = 'name taken',
        detail = format('There is an account named %L.', name),
        hint = 'Names are unique; tokpay.account_id() tells whose it is.';
end $$;

create or replace function add_currency(code text, exponent smallint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
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
    get stacked diagnostics violated = constraint_name;
    if violated <> 'currency_pkey' then
        raise;
    end if;
    perform tokpay.fence_refusal();
    raise exception using errcode = 'TP017', message = 'name taken',
        detail = format('There is a currency %s.', code);
end $$;

create or replace function set_limits(account bigint, min_balance bigint, max_balance bigint) returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_set_limits';

create or replace function freeze(account bigint) returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_freeze';

create or replace function unfreeze(account bigint) returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_unfreeze';

create or replace function close(account bigint) returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_close';

create or replace function set_metadata(account bigint, metadata jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    problem text;
begin
    problem := case
        when account is null then 'account is null.'
        when metadata is null then 'metadata is null; use {} for none.'
        when octet_length(metadata::text) > 1048576 then 'metadata has more than 1048576 bytes.'
    end;
    if problem is not null then
        raise exception using errcode = 'TP001', message = 'invalid request', detail = problem;
    end if;
    perform tokpay.require_leader();
    update tokpay.account_info i set metadata = set_metadata.metadata
    where i.account = set_metadata.account;
    if not found then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP003', message = 'account not found',
            detail = format('There is no account %s.', account);
    end if;
end $$;

create or replace function account_id(name text) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_id bigint;
begin
    perform tokpay.require_leader();
    -- Fenced when the row has been read; an expression of its own would cost a fifth of the call.
    select case when tokpay.fence() then i.account end into found_id
    from tokpay.account_info i where i.name = account_id.name;
    if found_id is null then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP003', message = 'account not found',
            detail = format('There is no account named %s.', coalesce(quote_literal(name), 'null')),
            hint = case when name like 'funding/%'
                then 'A funding account is opened with the first account of its currency.'
                else 'tokpay.open_account() opens one; the view tokpay.accounts lists them.' end;
    end if;
    return found_id;
end $$;

-- Reads

create or replace function balance(account bigint) returns bigint
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_balance';

create or replace function balances(accounts bigint[]) returns table (account bigint, balance bigint,
    held bigint, available bigint, version bigint, currency text)
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_balances';

create or replace function history(account bigint, before bigint default null, max_rows integer default 100,
    since timestamptz default null, until timestamptz default null) returns table
    (version bigint, transfer bigint, amount bigint, balance bigint, kind text,
    counterparties bigint[], description text, metadata jsonb, at timestamptz)
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_history';

create or replace function transfer_by_key(debit bigint, key text) returns transfer_result
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_transfer_by_key';

create or replace function balance_at(account bigint, at timestamptz) returns bigint
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_balance_at';

-- Money

create or replace function transfer(debit bigint, credits bigint[], amounts bigint[], key text default null,
    description text default null, metadata jsonb default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_transfer';

create or replace function transfer_batch(requests transfer_request[]) returns setof transfer_outcome
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_transfer_batch';

create or replace function top_up(account bigint, amount bigint, key text default null,
    description text default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_top_up';

create or replace function hold(debit bigint, credits bigint[], amounts bigint[],
    key text default null, expires_in interval default '7 days', description text default null,
    metadata jsonb default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_hold';

create or replace function capture(hold bigint, amounts bigint[] default null,
    key text default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_capture';

create or replace function void(hold bigint, key text default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_void';

create or replace function reverse(transfer bigint, key text default null,
    description text default null) returns transfer_result
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_reverse';

create or replace function expire_holds(max_rows integer default 1000) returns integer
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_expire_holds';

-- API keys

create or replace function create_api_key(name text, scopes text[], accounts bigint[] default null,
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

create or replace function revoke_api_key(id bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    update tokpay.api_key k set revoked_at = coalesce(revoked_at, clock_timestamp())
    where k.id = revoke_api_key.id;
    if not found then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = format('There is no API key %s.', id),
            hint = 'The view tokpay.api_keys lists them.';
    end if;
end $$;

create or replace function set_api_key_limit(id bigint, requests_per_second integer) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if requests_per_second not between 1 and 1000000 then
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = 'A limit is 1 to 1,000,000 requests a second, or null for none.';
    end if;
    perform tokpay.require_leader();
    update tokpay.api_key k set requests_per_second = set_api_key_limit.requests_per_second
    where k.id = set_api_key_limit.id;
    if not found then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = format('There is no API key %s.', id),
            hint = 'The view tokpay.api_keys lists them.';
    end if;
end $$;

-- Inside: what the gateway asks about credentials, one row for each in that order; nulls for an unknown, expired
-- or revoked key, which is an answer and so is fenced. What a good one opens has fences of its own.
create or replace function authenticate(digests bytea[]) returns table
    (id bigint, scopes text[], accounts bigint[], requests_per_second integer)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    any_unknown boolean := false;
begin
    perform tokpay.require_leader();
    for id, scopes, accounts, requests_per_second in
        select k.id, k.scopes, k.accounts, k.requests_per_second
        from unnest(digests) with ordinality as wanted (digest, position)
            left join tokpay.api_key k on k.digest = wanted.digest and k.revoked_at is null
                and (k.expires_at is null or k.expires_at > clock_timestamp())
        order by wanted.position
    loop
        any_unknown := any_unknown or id is null;
        return next;
    end loop;
    if any_unknown then perform tokpay.fence(); end if;
end $$;

-- Inside: the gateways say which keys were used; once a minute for each is enough.
create or replace function note_api_key_uses(ids bigint[]) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    update tokpay.api_key k set last_used_at = clock_timestamp()
    from (
        select u.id from tokpay.api_key u
        where u.id = any (ids)
            and (u.last_used_at is null or u.last_used_at <= clock_timestamp() - interval '1 minute')
        order by u.id for no key update skip locked             -- another gateway is writing it
    ) as used
    where k.id = used.id;
end $$;

-- Sequences: ALTER SEQUENCE is written down, and done again where a dump is restored.

create or replace function keep_sequence_settings() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into tokpay.sequence_setting as kept
    select c.relname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle
    from pg_event_trigger_ddl_commands() as d join pg_sequence s on s.seqrelid = d.objid
        join pg_class c on c.oid = s.seqrelid
    where d.classid = 'pg_class'::regclass and c.relnamespace = 'tokpay'::regnamespace
    on conflict (name) do update set (start_value, increment_by, min_value, max_value, cache_size, is_cycle)
        = row(excluded.start_value, excluded.increment_by, excluded.min_value, excluded.max_value,
            excluded.cache_size, excluded.is_cycle)
    where kept is distinct from excluded;
end $$;

create or replace function apply_sequence_setting() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    present bigint;
begin
    if not exists (select from pg_sequence s join pg_class c on c.oid = s.seqrelid
        where c.relnamespace = 'tokpay'::regnamespace
            and (c.relname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
                = (new.name, new.start_value, new.increment_by, new.min_value, new.max_value,
                    new.cache_size, new.is_cycle)) then
        execute format('select last_value from tokpay.%I', new.name) into present;
        execute format('alter sequence tokpay.%I start %s increment %s minvalue %s maxvalue %s cache %s %s %s',
            new.name, new.start_value, new.increment_by, new.min_value, new.max_value, new.cache_size,
            case when new.is_cycle then 'cycle' else 'no cycle' end,
            case when present not between new.min_value and new.max_value
                then format('restart %s', new.start_value) end);
    end if;
    return null;
end $$;

-- Inside: the counters of this server, all databases together, which the view stat shows.
create or replace function statistics(out since timestamptz, out calls bigint, out credits bigint, out replays bigint,
    out transfers bigint, out top_ups bigint, out holds bigint, out captures bigint, out voids bigint,
    out reversals bigint, out expiries bigint, out refusals jsonb, out batch_sizes jsonb, out fences bigint,
    out fence_waits bigint) returns setof record
language c volatile parallel restricted as 'MODULE_PATHNAME', 'tokpay_statistics';
