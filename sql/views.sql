create or replace view currencies as
select c.code, c.exponent, i.account as funding
from currency c left join account_info i on i.name = 'funding/' || c.code;

-- available is computed exactly and then held within bigint, as the C++ code does.
create or replace view accounts as
select s.id, i.name, s.currency, s.balance, s.held,
    case when s.min_balance <> -9223372036854775808
        then least(s.balance::numeric - s.held - s.min_balance, 9223372036854775807)::bigint
    end as available,
    nullif(s.min_balance, -9223372036854775808) as min_balance,
    nullif(s.max_balance, 9223372036854775807) as max_balance,
    case s.status when 'o' then 'open' when 'f' then 'frozen' when 'c' then 'closed' end as status,
    s.version, i.metadata, i.owner, i.opened_at
from account_state s join account_info i on i.account = s.id;

create or replace view transfers as
select j.id, kind_name(j.kind) as kind,
    case when j.kind <> 'h' then 'posted'
        when e.kind is null then 'pending'
        when e.kind = 'c' then 'captured'
        when e.kind = 'v' then 'voided'
        else 'expired'
    end as status,
    s.currency, j.debit, j.amount,
    leg_column(j.legs, 1) as credits, leg_column(j.legs, 2) as amounts, j.key,
    case when j.kind in ('c', 'v') then j.target end as hold,
    case when j.kind = 'r' then j.target end as reverses,
    case when e.kind = 'r' then e.id end as reversed_by,
    j.description, j.metadata, j.at, j.expires_at
from journal j join account_state s on s.id = j.debit left join journal e on e.target = j.id
where j.kind <> 'x';

create or replace view holds as
select p.hold as id, p.debit, p.amount, leg_column(j.legs, 1) as credits,
    leg_column(j.legs, 2) as amounts, s.currency, j.at, j.expires_at
from pending_hold p join journal j on j.id = p.hold join account_state s on s.id = p.debit;

-- Entries of one account are found through its chain: filter by account.
create or replace view entries as
select s.id as account, e.version, e.transfer, e.amount, e.balance, e.kind, e.at
from account_state s, lateral account_entries(s.id) e;

create or replace view api_keys as
select id, name, scopes, accounts, created_at, expires_at, last_used_at, revoked_at
from api_key;

create or replace view api_key_limits as
select id, requests_per_second from api_key where requests_per_second is not null;

create or replace view stat as
select * from statistics();

-- A transfer with the balances and versions right after it; of its payees only where they changed.
create or replace view receipts as
select t.*, j.debit_balance, j.debit_version,
    case when j.kind not in ('h', 'v') then leg_column(j.legs, 3) end as credit_balances,
    case when j.kind not in ('h', 'v') then leg_column(j.legs, 4) end as credit_versions
from transfers t join journal j on j.id = t.id;
