-- Demo data: four people with 1,000.00 USD each. Harmless to repeat.
select tokpay.open_account(person.name, metadata => '{"demo": true}')
from unnest(array['alice', 'bob', 'carol', 'dave']) as person (name)
where not exists (select from tokpay.accounts a where a.name = person.name);

select t.transfer
from unnest(array['alice', 'bob', 'carol', 'dave']) as person (name),
    tokpay.top_up(tokpay.account_id(person.name), 100000, 'demo/' || person.name, 'Welcome') as t;
