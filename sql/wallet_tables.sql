-- The people behind accounts: who signs in, as whom, and whom they pay. Nothing of it is part of the books.
create sequence wallet_user_id_seq;
create sequence wallet_session_id_seq;

create table wallet_user (
    id             bigint primary key default nextval('tokpay.wallet_user_id_seq'),
    owner          text collate "C" not null unique,    -- of the accounts: issuer and subject of the first identity
    account        bigint not null unique,              -- the wallet
    display_name   text not null check (length(display_name) between 1 and 100),
    locale         text,                                -- BCP 47; null: the browser's
    theme          text not null default 'system' check (theme in ('light', 'dark', 'system')),
    payees_version bigint not null default 0,           -- of the wallet, up to which wallet_payee is complete
    created_at     timestamptz not null default clock_timestamp()
);

-- A provider's user. Several may sign in to one wallet.
create table wallet_identity (
    issuer         text collate "C" not null,
    subject        text collate "C" not null,
    wallet_user    bigint not null references wallet_user,
    email          text,                                -- as the provider tells it
    email_verified boolean not null,
    linked_at      timestamptz not null default clock_timestamp(),
    primary key (issuer, subject)
);
create index wallet_identity_user on wallet_identity (wallet_user);

-- The addresses that can be paid, in lower case: verified by a provider that is authoritative for them.
create table wallet_address (
    email       text collate "C" primary key,
    issuer      text collate "C" not null,
    subject     text collate "C" not null,
    wallet_user bigint not null references wallet_user,
    foreign key (issuer, subject) references wallet_identity
);
create unique index wallet_address_identity on wallet_address (issuer, subject);

create table wallet_session (
    id           bigint primary key default nextval('tokpay.wallet_session_id_seq'),
    digest       bytea not null unique,                 -- SHA-256 of the cookie, with a prefix (gateway/src/access/browser_session.hpp)
    wallet_user  bigint not null references wallet_user,
    issuer       text not null,
    user_agent   text not null,
    created_at   timestamptz not null default clock_timestamp(),
    last_seen_at timestamptz not null default clock_timestamp(),
    idle_at      timestamptz not null,                  -- over by then unless it is used before
    expires_at   timestamptz not null,                  -- over by then in any case
    ended_at     timestamptz
);
create index wallet_session_user on wallet_session (wallet_user);

-- Addresses that somebody has looked up and found.
create table wallet_contact (
    wallet_user bigint not null references wallet_user,
    email       text collate "C" not null,
    account     bigint not null,
    primary key (wallet_user, email)
);
create index wallet_contact_account on wallet_contact (wallet_user, account);

-- Accounts that a wallet has paid.
create table wallet_payee (
    wallet_user  bigint not null references wallet_user,
    account      bigint not null,
    last_paid_at timestamptz not null,
    primary key (wallet_user, account)
);

-- Addresses looked up on a day, UTC.
create table wallet_budget (
    wallet_user bigint not null references wallet_user,
    day         date not null,
    addresses   integer not null,
    unknown     integer not null,
    primary key (wallet_user, day)
);

-- Sessions stay out of dumps: a restored one would be signed in again, however it had ended.
select pg_catalog.pg_extension_config_dump('tokpay.wallet_user_id_seq', '');
select pg_catalog.pg_extension_config_dump('tokpay.wallet_user', '');
select pg_catalog.pg_extension_config_dump('tokpay.wallet_identity', '');
select pg_catalog.pg_extension_config_dump('tokpay.wallet_address', '');
select pg_catalog.pg_extension_config_dump('tokpay.wallet_contact', '');
select pg_catalog.pg_extension_config_dump('tokpay.wallet_payee', '');
select pg_catalog.pg_extension_config_dump('tokpay.wallet_budget', '');
