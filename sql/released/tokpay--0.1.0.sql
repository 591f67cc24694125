\echo Use "CREATE EXTENSION tokpay" to load this file. \quit
-- The books. account_state and journal are written by the C++ code only; every other writer is a
-- function of functions.sql. extension/README.md tells why the tables look like this.

-- A currency's funding account is the account named funding/<code>; it is opened with the first
-- account of the currency.
create table currency (
    code     text collate "C" primary key check (code ~ '^[A-Z][A-Z0-9]{2,11}$'),
    exponent smallint not null check (exponent between 0 and 18),
    seeded   boolean not null default false
);

create sequence account_id_seq;
create sequence transfer_id_seq;
create sequence api_key_id_seq;

-- The hot row, one per account. The C++ struct AccountRow mirrors it up to status: fixed-width NOT
-- NULL columns first, in this order. The extremes of bigint in the limits mean "no limit".
create table account_state (
    id            bigint not null primary key,
    balance       bigint not null default 0,
    held          bigint not null default 0,
    version       bigint not null default 0,            -- entries so far
    last_transfer bigint not null default 0,            -- head of the account's chain of entries
    last_at       timestamptz not null default '-infinity',
    min_balance   bigint not null,
    max_balance   bigint not null,
    status        "char" not null default 'o',          -- o open, f frozen, c closed
    currency      text collate "C" not null
) with (fillfactor = 75);

-- What is known of an account and never changes with its money.
create table account_info (
    account   bigint primary key,
    name      text collate "C" unique check (octet_length(name) between 1 and 255),
    owner     text collate "C" check (octet_length(owner) between 1 and 255),
    metadata  jsonb not null,
    opened_at timestamptz not null default clock_timestamp()
);

-- One row per transfer with its legs inside. legs holds five numbers per credit: account, amount,
-- balance and version after it, and the account's previous transfer; the debit's own five are
-- columns. "previous" links an account's entries from the newest to the first (0).
create table journal (
    id             bigint not null primary key,
    at             timestamptz not null,
    debit          bigint not null,
    amount         bigint not null,
    debit_balance  bigint not null,
    debit_version  bigint not null,
    debit_previous bigint not null,
    kind           "char" not null,                     -- t transfer, u top_up
    legs           bigint[] not null,
    key            text collate "C",
    description    text,
    metadata       jsonb
);
alter table journal alter column legs set storage external;

-- Eight bytes a key instead of the key itself: random keys dirty fewer index pages. Equal hashes
-- are told apart by the row. Uniqueness is kept under the debited account's row lock.
create index journal_key on journal (hashtextextended(key, debit)) where key is not null;

create table api_key (
    id           bigint primary key default nextval('tokpay.api_key_id_seq'),
    name         text not null check (octet_length(name) between 1 and 255),
    digest       bytea not null unique,                 -- SHA-256 of the key
    scopes       text[] not null,
    accounts     bigint[],                              -- null: all
    created_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

select pg_catalog.pg_extension_config_dump('tokpay.currency', 'where not seeded');
select pg_catalog.pg_extension_config_dump('tokpay.account_id_seq', '');
select pg_catalog.pg_extension_config_dump('tokpay.transfer_id_seq', '');
select pg_catalog.pg_extension_config_dump('tokpay.api_key_id_seq', '');
select pg_catalog.pg_extension_config_dump('tokpay.account_state', '');
select pg_catalog.pg_extension_config_dump('tokpay.account_info', '');
select pg_catalog.pg_extension_config_dump('tokpay.journal', '');
select pg_catalog.pg_extension_config_dump('tokpay.api_key', '');
-- ISO 4217, list one: the codes of money in use and the decimal places of its minor unit.
insert into currency (code, exponent, seeded)
select code, exponent, true
from (values
    (0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'),
    (2, 'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP '
        'BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD '
        'FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD '
        'KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD '
        'NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP '
        'SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED '
        'VES WST XCD YER ZAR ZMW ZWG'),
    (3, 'BHD IQD JOD KWD LYD OMR TND'),
    (4, 'CLF UYW')
) as iso (exponent, codes), regexp_split_to_table(codes, ' ') as code;
create type transfer_request as (
    debit bigint, credits bigint[], amounts bigint[], key text,
    description text, metadata jsonb, chain integer);

create type transfer_result as (
    transfer bigint, at timestamptz, debit_balance bigint, debit_version bigint,
    credit_balances bigint[], credit_versions bigint[], replayed boolean);

create type transfer_outcome as (
    position integer, code text, transfer bigint, at timestamptz,
    debit_balance bigint, debit_version bigint, credit_balances bigint[], credit_versions bigint[],
    replayed boolean, account bigint, balance bigint, required bigint, detail text);
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
create view currencies as
select c.code, c.exponent, i.account as funding
from currency c left join account_info i on i.name = 'funding/' || c.code;

-- available is computed exactly and then held within bigint, as the C++ code does.
create view accounts as
select s.id, i.name, s.currency, s.balance, s.held,
    case when s.min_balance <> -9223372036854775808
        then least(s.balance::numeric - s.held - s.min_balance, 9223372036854775807)::bigint
    end as available,
    nullif(s.min_balance, -9223372036854775808) as min_balance,
    nullif(s.max_balance, 9223372036854775807) as max_balance,
    case s.status when 'o' then 'open' when 'f' then 'frozen' when 'c' then 'closed' end as status,
    s.version, i.metadata, i.owner, i.opened_at
from account_state s join account_info i on i.account = s.id;

create view transfers as
select j.id, kind_name(j.kind) as kind, 'posted' as status, s.currency, j.debit, j.amount,
    leg_column(j.legs, 1) as credits, leg_column(j.legs, 2) as amounts, j.key,
    null::bigint as hold, null::bigint as reverses, null::bigint as reversed_by,
    j.description, j.metadata, j.at, null::timestamptz as expires_at
from journal j join account_state s on s.id = j.debit;

-- Entries of one account are found through its chain: filter by account.
create view entries as
select s.id as account, e.version, e.transfer, e.amount, e.balance, e.kind, e.at
from account_state s, lateral account_entries(s.id) e;

create view api_keys as
select id, name, scopes, accounts, created_at, expires_at, last_used_at, revoked_at from api_key;

-- A transfer with the balances and versions right after it.
create view receipts as
select t.*, j.debit_balance, j.debit_version,
    leg_column(j.legs, 3) as credit_balances, leg_column(j.legs, 4) as credit_versions
from transfers t join journal j on j.id = t.id;
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
do $$
declare
    role text;
begin
    foreach role in array array['tokpay_reader', 'tokpay_teller', 'tokpay_funder', 'tokpay_admin'] loop
        begin
            execute format('create role %I nologin', role);
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
end $$;

grant tokpay_reader to tokpay_teller;
grant tokpay_teller to tokpay_funder;
grant tokpay_funder to tokpay_admin;

revoke all on schema tokpay from public;
revoke all on all tables in schema tokpay from public;
revoke all on all sequences in schema tokpay from public;
revoke all on all functions in schema tokpay from public;
revoke usage on type transfer_request, transfer_result, transfer_outcome from public;

grant usage on schema tokpay to tokpay_reader;
grant usage on type transfer_request, transfer_result, transfer_outcome to tokpay_reader;
grant select on currencies, accounts, transfers, entries, receipts to tokpay_reader;
grant execute on function
    account_id(text), balance(bigint), balances(bigint[]), verify(),
    history(bigint, bigint, integer, timestamptz, timestamptz), transfer_by_key(bigint, text),
    leg_column(bigint[], integer), kind_name("char"), account_entries(bigint)
to tokpay_reader;

grant execute on function
    transfer(bigint, bigint[], bigint[], text, text, jsonb), transfer_batch(transfer_request[])
to tokpay_teller;

grant execute on function top_up(bigint, bigint, text, text) to tokpay_funder;

grant select on api_keys to tokpay_admin;
grant execute on function
    open_account(text, text, bigint, bigint, jsonb, text), add_currency(text, smallint),
    create_api_key(text, text[], bigint[], interval), revoke_api_key(bigint), authenticate(bytea)
to tokpay_admin;
comment on type transfer_request is 'one element of transfer_batch: the arguments of transfer, and a chain';
comment on type transfer_result is 'a transfer with the balances and versions right after it; replayed: this key was used before';
comment on type transfer_outcome is 'one answer of transfer_batch: code ok, or why not; account, balance, required and detail tell what a refusal was about';
comment on view accounts is 'every account; amounts in minor units of its currency';
comment on view transfers is 'every transfer; credits and amounts are its legs in order';
comment on view entries is 'every change of a balance; filter by account, since an account''s entries are found through its chain';
comment on view receipts is 'transfers with the balances and versions right after them';
comment on view currencies is 'codes, decimal places, and the funding account once there is one';
comment on view api_keys is 'the gateway''s API keys, without the keys';
comment on function account_id(text) is 'id of the account with this name; account_not_found (TP003)';
comment on function open_account(text, text, bigint, bigint, jsonb, text) is 'opens an account and returns its id; limits in minor units, min_balance null for no floor; invalid_request, balance_limit, name_taken';
comment on function add_currency(text, smallint) is 'adds a currency with its decimal places and opens its funding account; invalid_request, name_taken';
comment on function balance(bigint) is 'balance in minor units; account_not_found (TP003)';
comment on function balances(bigint[]) is 'balances in one snapshot, a row per element in its order; an unknown account has nulls';
comment on function history(bigint, bigint, integer, timestamptz, timestamptz) is 'entries of an account, newest first: versions below before, since <= at < until, at most max_rows';
comment on function transfer_by_key(bigint, text) is 'what became of a key of this debited account: the first result, or null where nothing is committed yet';
comment on function transfer(bigint, bigint[], bigint[], text, text, jsonb) is 'moves money from one account to 1 to 10,000 others, all or nothing; raises TP001 to TP017. Call it in FROM: (transfer(...)).* runs it once per column';
comment on function transfer_batch(transfer_request[]) is 'up to 10,000 transfers one after another in one call, an outcome per request in order; a refusal is an outcome, not an error. Call it in FROM';
comment on function top_up(bigint, bigint, text, text) is 'moves money from the currency''s funding account to this one. Call it in FROM: (top_up(...)).* runs it once per column';
comment on function verify() is 'checks the books in one snapshot; anything but ok = true is a defect';
comment on function create_api_key(text, text[], bigint[], interval) is 'makes an API key of the gateway and returns it, this once; scopes read, transfer, fund, admin; accounts null for all';
comment on function revoke_api_key(bigint) is 'ends an API key; gateways refuse it within a second';
comment on function require_leader() is 'internal: not_leader (TP015) on a standby';
comment on function leg_column(bigint[], integer) is 'internal: one of the five columns of journal.legs';
comment on function account_entries(bigint) is 'internal: the entries of one account, newest first';
comment on function kind_name("char") is 'internal: the name of a kind of transfer';
comment on function refuse_change() is 'internal: guard of the books';
comment on function insert_account(text, text, bigint, bigint, jsonb, text) is 'internal: writes an account';
comment on function ensure_funding(text) is 'internal: opens a currency''s funding account';
comment on function authenticate(bytea) is 'internal: what an API key may do, by its SHA-256 digest';
