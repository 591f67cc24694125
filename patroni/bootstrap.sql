-- What a new cluster begins with; the logins' passwords are variables that roles.sql sets.
set client_min_messages = warning;
create extension tokpay;
select format('create role %I login password %L in role %I', name, password, role)
from (values
    ('tokpay_gateway', :'tokpay_gateway', 'tokpay_teller'),
    ('tokpay_gateway_admin', :'tokpay_gateway_admin', 'tokpay_admin'),
    ('teller', :'teller', 'tokpay_teller')
) as wanted (name, password, role) \gexec
-- From now on the ledger works behind the fences only. Without them (mutations) it is a single server's.
select 'select tokpay.start_cluster()' where current_setting('tokpay.cluster', true) = 'on' \gexec
-- A gateway asks every database each second whether it leads; the others need no four lines of log for their no.
alter role tokpay_gateway set log_min_error_statement = fatal;
alter role tokpay_gateway set log_error_verbosity = terse;
alter role tokpay_gateway_admin set log_min_error_statement = fatal;
alter role tokpay_gateway_admin set log_error_verbosity = terse;
