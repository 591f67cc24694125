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
