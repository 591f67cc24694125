-- From 0.1.0: what CREATE OR REPLACE cannot do; extension/Makefile appends the parts that it can.
alter table journal add column target bigint, add column expires_at timestamptz, add column epoch integer;
-- A backend that still holds the library of 0.1.0 looks for the old name and stops there, before it
-- writes rows of the old shape.
alter index journal_pkey rename to journal_id;
-- The volatile default makes ALTER TABLE write every row anew: the C++ code finds the column in all.
alter table account_state add column key_filter bigint not null default random()::bigint * 0 - 1;
alter table account_state alter column key_filter set default -1;

-- The gateway asks about many keys at once, and keys may have a limit.
alter table api_key add column requests_per_second integer check (requests_per_second > 0);
drop function authenticate(bytea);

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
select pg_catalog.pg_extension_config_dump('tokpay.pending_hold', '');
select pg_catalog.pg_extension_config_dump('tokpay.waypoint', '');
select pg_catalog.pg_extension_config_dump('tokpay.refund', '');
select pg_catalog.pg_extension_config_dump('tokpay.cluster', '');
select pg_catalog.pg_extension_config_dump('tokpay.epoch', '');

-- The entries that are there.
insert into waypoint
select account, version, transfer, at
from (
    select debit, debit_version, id, at from journal
    union all
    select l.account, l.version, j.id, j.at
    from journal j, unnest(leg_column(j.legs, 1), leg_column(j.legs, 4)) as l (account, version)
) as entry (account, version, transfer, at)
where version % 128 = 0;

-- A request of the gateway: kind as in transfers, debit and credits of a transfer, hold or (credits alone) top-up,
-- target the hold or transfer of a capture, void or reverse, principal for whom (gateway.sql).
create type gateway_request as (
    kind text, debit bigint, credits bigint[], amounts bigint[], key text, description text, metadata jsonb,
    chain integer, target bigint, expires_in interval, principal text);

-- credits and amounts are null where the request had them; balances and versions of accounts out of reach are null.
create type gateway_outcome as (
    position integer, code text, transfer bigint, at timestamptz, kind text, currency text,
    debit bigint, debit_balance bigint, debit_version bigint, credits bigint[], amounts bigint[],
    credit_balances bigint[], credit_versions bigint[], replayed boolean, metadata jsonb, expires_at timestamptz,
    account bigint, balance bigint, required bigint, available bigint, detail text);

create index account_info_owner on account_info (owner) where owner is not null;

