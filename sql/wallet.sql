-- Wallets: people who sign in with a provider, their sessions, and the people they pay.

-- Inside: what a provider says of one of its users now. An address is payable while a provider that is authoritative
-- for it calls it verified; where it passes to another user of that provider, it goes along.
create or replace function note_identity(issuer text, subject text, wallet_user bigint, email text,
    email_verified boolean, is_authoritative boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    address text := tokpay.address_text(note_identity.email);
begin
    insert into tokpay.wallet_identity as present (issuer, subject, wallet_user, email, email_verified)
    values (note_identity.issuer, note_identity.subject, note_identity.wallet_user, note_identity.email,
        coalesce(note_identity.email_verified, false))
    on conflict (issuer, subject) do update set email = excluded.email, email_verified = excluded.email_verified
    where (present.email, present.email_verified) is distinct from (excluded.email, excluded.email_verified);
    if not (coalesce(note_identity.email_verified, false) and is_authoritative and tokpay.is_address(address)) then
        address := null;
    end if;
    delete from tokpay.wallet_address a
    where a.issuer = note_identity.issuer and a.subject = note_identity.subject and a.email is distinct from address;
    if address is not null then
        insert into tokpay.wallet_address as held (email, issuer, subject, wallet_user)
        values (address, note_identity.issuer, note_identity.subject, note_identity.wallet_user)
        on conflict (email) do update set subject = excluded.subject, wallet_user = excluded.wallet_user
        where held.issuer = excluded.issuer
            and (held.subject, held.wallet_user) is distinct from (excluded.subject, excluded.wallet_user);
    end if;
end $$;

-- Inside: an e-mail address as it is compared: letters beyond ASCII stay as they are, since some fold to ASCII's.
create or replace function address_text(text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select lower(btrim($1) collate "C")
$$;

-- Inside: what a provider calls somebody as a name to be shown, null where nothing is left: without control characters and
-- those that cannot be seen or turn the direction of what follows. Joiners stay in emoji and in scripts that need them.
create or replace function shown_name(text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select nullif(left(btrim(regexp_replace(regexp_replace($1, '[[:cntrl:]\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+', ' ', 'g'),
        '[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\u2800\u3164\uFEFF\uFFA0\uFFF9-\uFFFB\U000E0000-\U000E0FFF]|^[\uFE00-\uFE0F\s]+$|(?<![\u0600-\u1FFF\u2600-\u27BF\uFE0F\U0001F000-\U0001FFFF])[\u200C\u200D]|[\u200C\u200D]+(?=\s|$)',
        '', 'g')), 100), '')
$$;

-- Inside: whether a text, in lower case, can be an e-mail address at all.
create or replace function is_address(text) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select coalesce(octet_length($1) <= 254 and $1 ~ '^[^@[:space:][:cntrl:]]+@[^@.[:space:][:cntrl:]]+(\.[^@.[:space:][:cntrl:]]+)+$', false)
$$;

-- The user who signs in as a provider's user. The first time it opens the wallet, unless there is an account of that
-- owner already, and gives it the welcome credit; once, however often it is raced.
create or replace function register_wallet(issuer text, subject text, email text, email_verified boolean,
    is_authoritative boolean, display_name text default null, currency text default 'USD', welcome bigint default 0)
returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    max_balance constant bigint := 9007199254740991;   -- integers are exact in a browser up to it
    owner text := register_wallet.issuer || ' ' || register_wallet.subject;
    member bigint;
    account bigint;
begin
    if register_wallet.issuer is null or register_wallet.subject is null or register_wallet.issuer = ''
        or register_wallet.subject = '' or position(' ' in register_wallet.issuer) > 0 then
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = 'A user is an issuer, which is a URL, and a subject.';
    end if;
    perform tokpay.require_leader();
    perform pg_advisory_xact_lock(hashtextextended('tokpay.register_wallet ' || owner, 0));
    select i.wallet_user into member from tokpay.wallet_identity i
    where i.issuer = register_wallet.issuer and i.subject = register_wallet.subject;
    if member is null then
        select min(a.id) into account from tokpay.accounts a
        where a.owner = register_wallet.issuer || ' ' || register_wallet.subject
            and a.currency = register_wallet.currency and a.status <> 'closed';
        if account is null then
            account := tokpay.open_account(null, register_wallet.currency, 0, max_balance, '{}', owner);
            if welcome > 0 then
                perform tokpay.top_up(account, welcome, 'welcome/' || account, 'Welcome');
            end if;
        end if;
        insert into tokpay.wallet_user (owner, account, display_name)
        values (owner, account, coalesce(tokpay.shown_name(register_wallet.display_name), 'Wallet ' || account))
        returning id into member;
    end if;
    perform tokpay.note_identity(register_wallet.issuer, register_wallet.subject, member, register_wallet.email,
        register_wallet.email_verified, is_authoritative);
    return member;
end $$;

-- Another identity for a user who is signed in; refused (TP021) where it is somebody else's.
create or replace function gateway_link_identity(wallet_user bigint, issuer text, subject text, email text,
    email_verified boolean, is_authoritative boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    perform pg_advisory_xact_lock(hashtextextended('tokpay.register_wallet ' || issuer || ' ' || subject, 0));
    if exists (select from tokpay.wallet_identity i where i.issuer = gateway_link_identity.issuer
        and i.subject = gateway_link_identity.subject and i.wallet_user <> gateway_link_identity.wallet_user) then
        perform tokpay.fence_refusal();
        raise exception using errcode = 'TP021', message = 'identity taken',
            detail = 'This identity signs in to another wallet.';
    elsif not exists (select from tokpay.wallet_identity i where i.issuer = gateway_link_identity.issuer
            and i.subject = gateway_link_identity.subject)
        and exists (select from tokpay.accounts a
            where a.owner = gateway_link_identity.issuer || ' ' || gateway_link_identity.subject and a.status <> 'closed') then
        perform tokpay.fence_refusal();     -- nobody could reach that account any more
        raise exception using errcode = 'TP021', message = 'identity taken',
            detail = 'This identity has an account of its own; sign in with it to open its wallet.';
    end if;
    perform tokpay.note_identity(issuer, subject, wallet_user, email, email_verified, is_authoritative);
end $$;

-- Sessions

-- Begins a session; replaces, where it is not null, is the digest of one that ends with it.
create or replace function gateway_begin_session(wallet_user bigint, issuer text, digest bytea, user_agent text,
    idle_s integer, max_s integer, replaces bytea) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    max_sessions constant integer := 50;                -- of one user
    kept_for constant interval := '30 days';
    now constant timestamptz := clock_timestamp();
    begun bigint;
begin
    perform tokpay.require_leader();
    delete from tokpay.wallet_session s where s.wallet_user = gateway_begin_session.wallet_user
        and least(s.ended_at, s.idle_at, s.expires_at) < now - kept_for;
    update tokpay.wallet_session s set ended_at = now
    where s.ended_at is null and (s.digest = replaces or s.id in (
        select o.id from tokpay.wallet_session o
        where o.wallet_user = gateway_begin_session.wallet_user and o.ended_at is null and o.idle_at > now
            and o.expires_at > now
        order by o.last_seen_at desc offset max_sessions - 1));
    insert into tokpay.wallet_session (digest, wallet_user, issuer, user_agent, idle_at, expires_at)
    values (gateway_begin_session.digest, gateway_begin_session.wallet_user, gateway_begin_session.issuer,
        left(gateway_begin_session.user_agent, 300), now + make_interval(secs => least(idle_s, max_s)),
        now + make_interval(secs => max_s))
    on conflict (digest) do update set user_agent = excluded.user_agent     -- a repetition
    returning id into begun;
    return begun;
end $$;

-- Inside: what the gateway asks about credentials of both kinds, one row for each in that order; nulls for what is
-- unknown, expired or revoked, which is fenced. A session has a wallet_user and the owner of its accounts, and is fresh
-- after its sign-in.
create or replace function gateway_credentials(digests bytea[]) returns table
    (id bigint, scopes text[], has_list boolean, requests_per_second integer, wallet_user bigint, owner text, is_fresh boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    fresh_for constant interval := '5 minutes';
    any_unknown boolean := false;
begin
    perform tokpay.require_leader();
    for id, scopes, has_list, requests_per_second, wallet_user, owner, is_fresh in
        select coalesce(k.id, u.session), k.scopes, k.accounts is not null, k.requests_per_second, u.id, u.owner, u.is_fresh
        from unnest(digests) with ordinality as wanted (digest, position)
            left join tokpay.api_key k on k.digest = wanted.digest and k.revoked_at is null
                and (k.expires_at is null or k.expires_at > clock_timestamp())
            left join lateral (
                select s.id as session, m.id, m.owner, s.created_at + fresh_for > clock_timestamp() as is_fresh
                from tokpay.wallet_session s join tokpay.wallet_user m on m.id = s.wallet_user
                where s.digest = wanted.digest and s.ended_at is null
                    and clock_timestamp() < least(s.idle_at, s.expires_at)) as u on true
        order by wanted.position
    loop
        any_unknown := any_unknown or id is null;
        return next;
    end loop;
    if any_unknown then perform tokpay.fence(); end if;
end $$;

-- Inside: the gateways say which sessions were used; once a minute for each is enough.
create or replace function note_session_uses(ids bigint[], idle_s integer) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    update tokpay.wallet_session s set last_seen_at = clock_timestamp(),
        idle_at = least(s.expires_at, clock_timestamp() + make_interval(secs => idle_s))
    from (
        select u.id from tokpay.wallet_session u where u.id = any (ids) and u.ended_at is null
        order by u.id for no key update skip locked) as used
    where s.id = used.id;
end $$;

create or replace function gateway_sessions(wallet_user bigint) returns table
    (id bigint, issuer text, user_agent text, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    return query select s.id, s.issuer, s.user_agent, s.created_at, s.last_seen_at, least(s.idle_at, s.expires_at)
    from tokpay.wallet_session s
    where s.wallet_user = gateway_sessions.wallet_user and s.ended_at is null
        and clock_timestamp() < least(s.idle_at, s.expires_at)
    order by s.last_seen_at desc, s.id desc;
    if not tokpay.fence() then return; end if;
end $$;

-- Ends a session of a user, null: all of them. Whether there was one.
create or replace function gateway_end_session(wallet_user bigint, session bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    update tokpay.wallet_session s set ended_at = clock_timestamp()
    where s.wallet_user = gateway_end_session.wallet_user and (session is null or s.id = session)
        and s.ended_at is null and clock_timestamp() < least(s.idle_at, s.expires_at);
    if not found then
        perform tokpay.fence();
        return false;
    end if;
    return true;
end $$;

-- The user

create or replace function gateway_profile(wallet_user bigint) returns table
    (display_name text, locale text, theme text, account bigint, created_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    return query select u.display_name, u.locale, u.theme, u.account, u.created_at
    from tokpay.wallet_user u where u.id = gateway_profile.wallet_user;
    if not tokpay.fence() then return; end if;
end $$;

create or replace function gateway_identities(wallet_user bigint) returns table
    (issuer text, email text, email_verified boolean, payable boolean, linked_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    return query select i.issuer, i.email, i.email_verified, a.email is not null, i.linked_at
    from tokpay.wallet_identity i left join tokpay.wallet_address a on a.issuer = i.issuer and a.subject = i.subject
    where i.wallet_user = gateway_identities.wallet_user
    order by i.linked_at, i.issuer, i.subject;
    if not tokpay.fence() then return; end if;
end $$;

-- patch has some of display_name, locale and theme.
create or replace function gateway_update_profile(wallet_user bigint, patch jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if patch ? 'display_name' and tokpay.shown_name(patch ->> 'display_name') is null then
        raise exception using errcode = 'TP001', message = 'invalid request', detail = 'A name has characters that can be seen.';
    end if;
    perform tokpay.require_leader();
    update tokpay.wallet_user u set
        display_name = coalesce(tokpay.shown_name(patch ->> 'display_name'), u.display_name),
        locale = case when patch ? 'locale' then patch ->> 'locale' else u.locale end,
        theme = coalesce(patch ->> 'theme', u.theme)
    where u.id = gateway_update_profile.wallet_user;
end $$;

-- What wallets are called; no row for other accounts.
create or replace function gateway_names(accounts bigint[]) returns table (account bigint, display_name text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_leader();
    return query select u.account, u.display_name from tokpay.wallet_user u where u.account = any (accounts);
    if not tokpay.fence() then return; end if;
end $$;

-- Whom they pay

-- Inside: brings wallet_payee up to the wallet's last entry; some of it where there are very many.
create or replace function note_payees(wallet_user bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    page constant integer := 10000;
    pages constant integer := 20;
    present tokpay.wallet_user;
    head bigint;
begin
    select * into strict present from tokpay.wallet_user u where u.id = note_payees.wallet_user for no key update;
    select s.version into strict head from tokpay.account_state s where s.id = present.account;
    for i in 1 .. pages loop
        exit when present.payees_version >= head;
        insert into tokpay.wallet_payee as known (wallet_user, account, last_paid_at)
        select present.id, c.account, max(h.at)
        from tokpay.history(present.account, present.payees_version + page + 1, page) h,
            unnest(h.counterparties) as c (account)
        where h.version > present.payees_version and h.amount < 0 and h.kind in ('transfer', 'capture')
        group by c.account
        on conflict (wallet_user, account) do update set last_paid_at = greatest(known.last_paid_at, excluded.last_paid_at);
        present.payees_version := least(present.payees_version + page, head);
    end loop;
    update tokpay.wallet_user u set payees_version = present.payees_version
    where u.id = present.id and u.payees_version <> present.payees_version;
end $$;

-- Addresses as accounts: a row for each in that order, or one row with the status limited where the day's budget does not
-- allow it. The names are those of people who were paid before.
create or replace function gateway_resolve(wallet_user bigint, account bigint, principal text, emails text[])
returns table (email text, status text, payee bigint, display_name text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    max_addresses constant integer := 2000;
    max_unknown constant integer := 100;
    today constant date := (clock_timestamp() at time zone 'UTC')::date;
    asked constant integer := cardinality(emails);
    used tokpay.wallet_budget;
    unknown_now integer;
begin
    perform tokpay.require_reach(principal, gateway_resolve.account);
    delete from tokpay.wallet_budget b where b.wallet_user = gateway_resolve.wallet_user and b.day < today;
    insert into tokpay.wallet_budget (wallet_user, day, addresses, unknown)
    values (gateway_resolve.wallet_user, today, 0, 0) on conflict do nothing;
    select * into strict used from tokpay.wallet_budget b
    where b.wallet_user = gateway_resolve.wallet_user and b.day = today for no key update;
    if used.addresses + asked > max_addresses or used.unknown >= max_unknown then
        if not tokpay.fence() then return; end if;
        return query select null::text, 'limited', null::bigint, null::text;
        return;
    end if;
    select count(*) into unknown_now
    from unnest(emails) as w (email) left join tokpay.wallet_address a on a.email = tokpay.address_text(w.email)
    where a.email is null and tokpay.is_address(tokpay.address_text(w.email));
    -- What was asked for counts though nothing of it is told: else one could ask until it fits.
    update tokpay.wallet_budget b set addresses = b.addresses + asked,
        unknown = least(b.unknown + unknown_now, max_unknown)
    where b.wallet_user = gateway_resolve.wallet_user and b.day = today;
    if used.unknown + unknown_now > max_unknown then
        return query select null::text, 'limited', null::bigint, null::text;
        return;
    end if;
    perform tokpay.note_payees(gateway_resolve.wallet_user);
    insert into tokpay.wallet_contact as known (wallet_user, email, account)
    select distinct gateway_resolve.wallet_user, a.email, u.account
    from unnest(emails) as w (email) join tokpay.wallet_address a on a.email = tokpay.address_text(w.email)
        join tokpay.wallet_user u on u.id = a.wallet_user
    where u.id <> gateway_resolve.wallet_user
    on conflict (wallet_user, email) do update set account = excluded.account where known.account <> excluded.account;
    return query
    select w.email, case
            when not tokpay.is_address(tokpay.address_text(w.email)) then 'invalid'
            when u.id is null then 'unknown'
            when u.id = gateway_resolve.wallet_user then 'self'
            else 'ok' end,
        case when u.id <> gateway_resolve.wallet_user then u.account end,
        case when p.account is not null then u.display_name end
    from unnest(emails) with ordinality as w (email, place)
        left join tokpay.wallet_address a on a.email = tokpay.address_text(w.email)
        left join tokpay.wallet_user u on u.id = a.wallet_user
        left join tokpay.wallet_payee p on p.wallet_user = gateway_resolve.wallet_user and p.account = u.account
    order by w.place;
end $$;

-- People who were paid before, by an address that was looked up and still is theirs; the last ones first. q is the
-- beginning of the address or of a word of the name.
create or replace function gateway_recipients(wallet_user bigint, q text, max_rows integer) returns table
    (email text, account bigint, display_name text, last_paid_at timestamptz)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    wanted text := lower(btrim(coalesce(q, '')));
begin
    perform tokpay.require_leader();
    perform tokpay.note_payees(gateway_recipients.wallet_user);
    return query
    select c.email, p.account, u.display_name, p.last_paid_at
    from tokpay.wallet_payee p
        join tokpay.wallet_contact c on c.wallet_user = p.wallet_user and c.account = p.account
        join tokpay.wallet_user u on u.account = p.account
        join tokpay.wallet_address a on a.email = c.email and a.wallet_user = u.id
    where p.wallet_user = gateway_recipients.wallet_user
        and (starts_with(c.email, wanted) or position(' ' || wanted in ' ' || lower(u.display_name)) > 0)
    order by p.last_paid_at desc, c.email limit max_rows;
    if not tokpay.fence() then return; end if;
end $$;
