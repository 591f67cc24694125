-- The books. account_state, journal, pending_hold and waypoint are written by the C++ code only; every other writer is a
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
    currency      text collate "C" not null,
    key_filter    bigint not null default -1            -- two bits for every key used; all: unknown
) with (fillfactor = 75);

-- What is known of an account and never changes with its money.
create table account_info (
    account   bigint primary key,
    name      text collate "C" unique check (octet_length(name) between 1 and 255),
    owner     text collate "C" check (octet_length(owner) between 1 and 255),
    metadata  jsonb not null,
    opened_at timestamptz not null default clock_timestamp()
);
create index account_info_owner on account_info (owner) where owner is not null;

-- One row per transfer with its legs inside. legs holds five numbers per credit: account, amount,
-- balance and version after it, and the account's previous transfer; the debit's own five are
-- columns. "previous" links an account's entries from the newest to the first (0).
create table journal (
    id             bigint not null constraint journal_id primary key,
    at             timestamptz not null,
    debit          bigint not null,
    amount         bigint not null,
    debit_balance  bigint not null,
    debit_version  bigint not null,
    debit_previous bigint not null,
    kind           "char" not null,    -- t transfer, u top_up, h hold, c capture, v void, r reverse,
                                       -- x the end of a hold by time
    legs           bigint[] not null,  -- empty for x
    key            text collate "C",
    description    text,
    metadata       jsonb,
    target         bigint,             -- the hold that c, v or x ends, the transfer that r reverses
    expires_at     timestamptz,        -- of a hold; null: never
    epoch          integer             -- in which it was committed; null: before there was a cluster
);
alter table journal alter column legs set storage external;

-- Eight bytes a key instead of the key itself: random keys dirty fewer index pages. Equal hashes
-- are told apart by the row. Uniqueness is kept under the debited account's row lock.
create index journal_key on journal (hashtextextended(key, debit)) where key is not null;

-- A hold ends once, a transfer is reversed once.
create unique index journal_target on journal (target) where target is not null;

-- The holds that have no end yet.
create table pending_hold (
    hold       bigint not null primary key,
    debit      bigint not null,
    amount     bigint not null,
    expires_at timestamptz not null                     -- infinity: never
);
create index pending_hold_debit on pending_hold (debit, expires_at, hold);
create index pending_hold_expires_at on pending_hold (expires_at, hold);

-- One entry of an account in 128, so that its chain can be entered far back.
create table waypoint (
    account  bigint not null,
    version  bigint not null,
    transfer bigint not null,
    at       timestamptz not null,
    primary key (account, version)
);
create index waypoint_at on waypoint (account, at);

create table api_key (
    id           bigint primary key default nextval('tokpay.api_key_id_seq'),
    name         text not null check (octet_length(name) between 1 and 255),
    digest       bytea not null unique,                 -- SHA-256 of the key
    scopes       text[] not null,
    accounts     bigint[],                              -- null: all
    created_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    requests_per_second integer check (requests_per_second > 0)    -- null: no limit
);

-- What ALTER SEQUENCE has made of the sequences: dumps leave out the strides of an extension's own.
create table sequence_setting (
    name         text collate "C" primary key,
    start_value  bigint not null,
    increment_by bigint not null,
    min_value    bigint not null,
    max_value    bigint not null,
    cache_size   bigint not null,
    is_cycle     boolean not null
);

-- What payees have given back of transfers (refund.sql).
create table refund (
    transfer bigint primary key,                        -- by which
    original bigint not null,                           -- of which
    account  bigint not null,                           -- the payee
    amount   bigint not null check (amount > 0)
);
create index refund_original on refund (original, account);

-- Whether these books are a cluster's: they are where there is a row.
create table cluster (
    singleton   boolean primary key default true check (singleton),
    incarnation bigint not null check (incarnation > 0)     -- raised by the operator: what was acknowledged before may be lost
);

-- The times in which one server led the cluster, in their order.
create table epoch (
    id          integer primary key,
    incarnation bigint not null,
    timeline    integer not null,                       -- of the write-ahead log
    counter     bigint not null,
    began_at    timestamptz not null default clock_timestamp(),
    unique (incarnation, timeline, counter)
);

select pg_catalog.pg_extension_config_dump('tokpay.sequence_setting', '');
select pg_catalog.pg_extension_config_dump('tokpay.currency', 'where not seeded');
select pg_catalog.pg_extension_config_dump('tokpay.account_id_seq', '');
select pg_catalog.pg_extension_config_dump('tokpay.transfer_id_seq', '');
select pg_catalog.pg_extension_config_dump('tokpay.api_key_id_seq', '');
select pg_catalog.pg_extension_config_dump('tokpay.account_state', '');
select pg_catalog.pg_extension_config_dump('tokpay.account_info', '');
select pg_catalog.pg_extension_config_dump('tokpay.journal', '');
select pg_catalog.pg_extension_config_dump('tokpay.pending_hold', '');
select pg_catalog.pg_extension_config_dump('tokpay.waypoint', '');
select pg_catalog.pg_extension_config_dump('tokpay.refund', '');
select pg_catalog.pg_extension_config_dump('tokpay.api_key', '');
select pg_catalog.pg_extension_config_dump('tokpay.cluster', '');
select pg_catalog.pg_extension_config_dump('tokpay.epoch', '');
