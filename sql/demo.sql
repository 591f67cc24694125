-- Demo data: four people with 1,000.00 USD each, who sign in with the demo provider; the psql variable issuer is its URL.
-- Harmless to repeat, also with another issuer: then they can sign in with both.
create temporary table person (name, display_name, owner, email) as
select name, display_name, :'issuer' || ' ' || name, name || '@demo.tokpay.example'
from (values ('alice', 'Alice Adams'), ('bob', 'Bob Baker'), ('carol', 'Carol Chen'), ('dave', 'Dave Diaz')) as p (name, display_name);

select tokpay.open_account(p.name, max_balance => 9007199254740991, metadata => '{"demo": true}', owner => p.owner)
from person p
where not exists (select from tokpay.accounts a where a.name = p.name);

-- Those of an older version belong to nobody.
update tokpay.account_info i set owner = p.owner from person p where i.name = p.name and i.owner is null;

select t.transfer
from person p, tokpay.top_up(tokpay.account_id(p.name), 100000, 'demo/' || p.name, 'Welcome') as t;

select tokpay.register_wallet(:'issuer', p.name, p.email, true, true, p.display_name)
from person p join tokpay.accounts a on a.name = p.name
where a.owner = p.owner;

select tokpay.gateway_link_identity(u.id, :'issuer', p.name, p.email, true, true)
from person p join tokpay.accounts a on a.name = p.name join tokpay.wallet_user u on u.account = a.id
where a.owner <> p.owner;

drop table person;
