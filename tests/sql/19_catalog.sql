-- What the catalogs say of every object: signatures as published, volatility, parallel safety, comments, and how definers' rights are used.
begin;
select plan(21);

-- Every function: name(arguments) returns result, volatility (v, s, i), parallel safety (u, r, s), language.
create temporary table expected (signature text, marks text);
insert into expected values
    ('account_id(name text) returns bigint', 's u plpgsql'),
    ('add_currency(code text, exponent smallint) returns void', 'v u plpgsql'),
    ('balance(account bigint) returns bigint', 's r c'),
    ('balance_at(account bigint, at timestamp with time zone) returns bigint', 's r c'),
    ('balances(accounts bigint[]) returns TABLE(account bigint, balance bigint, held bigint, available bigint, version bigint, currency text)', 's r c'),
    ('capture(hold bigint, amounts bigint[] DEFAULT NULL::bigint[], key text DEFAULT NULL::text) returns tokpay.transfer_result', 'v u c'),
    ('close(account bigint) returns void', 'v u c'),
    ('create_api_key(name text, scopes text[], accounts bigint[] DEFAULT NULL::bigint[], expires_in interval DEFAULT NULL::interval) returns text', 'v u plpgsql'),
    ('expire_holds(max_rows integer DEFAULT 1000) returns integer', 'v u c'),
    ('freeze(account bigint) returns void', 'v u c'),
    ('history(account bigint, before bigint DEFAULT NULL::bigint, max_rows integer DEFAULT 100, since timestamp with time zone DEFAULT NULL::timestamp with time zone, '
        'until timestamp with time zone DEFAULT NULL::timestamp with time zone) returns TABLE(version bigint, transfer bigint, amount bigint, balance bigint, kind text, '
        'counterparties bigint[], description text, metadata jsonb, at timestamp with time zone)', 's r c'),
    ('hold(debit bigint, credits bigint[], amounts bigint[], key text DEFAULT NULL::text, expires_in interval DEFAULT ''7 days''::interval, description text DEFAULT NULL::text, '
        'metadata jsonb DEFAULT NULL::jsonb) returns tokpay.transfer_result', 'v u c'),
    ('open_account(name text DEFAULT NULL::text, currency text DEFAULT ''USD''::text, min_balance bigint DEFAULT 0, max_balance bigint DEFAULT NULL::bigint, '
        'metadata jsonb DEFAULT ''{}''::jsonb, owner text DEFAULT NULL::text) returns bigint', 'v u plpgsql'),
    ('reverse(transfer bigint, key text DEFAULT NULL::text, description text DEFAULT NULL::text) returns tokpay.transfer_result', 'v u c'),
    ('revoke_api_key(id bigint) returns void', 'v u plpgsql'),
    ('set_api_key_limit(id bigint, requests_per_second integer) returns void', 'v u plpgsql'),
    ('set_limits(account bigint, min_balance bigint, max_balance bigint) returns void', 'v u c'),
    ('set_metadata(account bigint, metadata jsonb) returns void', 'v u plpgsql'),
    ('top_up(account bigint, amount bigint, key text DEFAULT NULL::text, description text DEFAULT NULL::text) returns tokpay.transfer_result', 'v u c'),
    ('transfer(debit bigint, credits bigint[], amounts bigint[], key text DEFAULT NULL::text, description text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb) '
        'returns tokpay.transfer_result', 'v u c'),
    ('transfer_batch(requests tokpay.transfer_request[]) returns SETOF tokpay.transfer_outcome', 'v u c'),
    ('transfer_by_key(debit bigint, key text) returns tokpay.transfer_result', 's r c'),
    ('unfreeze(account bigint) returns void', 'v u c'),
    ('verify() returns TABLE(check_name text, ok boolean, detail text)', 's u sql'),
    ('void(hold bigint, key text DEFAULT NULL::text) returns tokpay.transfer_result', 'v u c'),
    -- for the gateway
    ('gateway_account(account bigint, principal text) returns SETOF tokpay.accounts', 's u plpgsql'),
    ('gateway_accounts(principal text, after bigint, max_rows integer) returns SETOF tokpay.accounts', 's u plpgsql'),
    ('gateway_balance_at(account bigint, at timestamp with time zone, principal text) returns TABLE(currency text, balance bigint, version bigint)', 's u plpgsql'),
    ('gateway_balances(accounts bigint[], principals text[] DEFAULT NULL::text[]) returns TABLE(account bigint, balance bigint, held bigint, '
        'available bigint, version bigint, currency text)', 's r c'),
    ('gateway_batch(requests tokpay.gateway_request[]) returns SETOF tokpay.gateway_outcome', 'v u c'),
    ('gateway_changes(accounts bigint[], principals text[], versions bigint[], max_rows integer) returns TABLE(place bigint, balance bigint, held bigint, '
        'available bigint, version bigint, currency text, transfer bigint, amount bigint, kind text, counterparties bigint[], description text, '
        'metadata jsonb, at timestamp with time zone)', 's u plpgsql'),
    ('gateway_counterparties(account bigint, principal text, since timestamp with time zone, until timestamp with time zone, '
        'max_rows integer) returns TABLE(counterparty bigint, received bigint, spent bigint)', 's u plpgsql'),
    ('gateway_demo_top_up(account bigint, amount bigint, key text, principal text) returns bytea', 'v u plpgsql'),
    ('gateway_refund(original bigint, account bigint, wanted bigint, key text, description text, principal text, may_fund boolean, OUT amount bigint, OUT outcome bytea) returns record', 'v u plpgsql'),
    ('gateway_refunds(transfer bigint, principal text) returns TABLE(account bigint, amount bigint)', 's u plpgsql'),
    ('demo_funding_limits(OUT top_up integer, OUT daily integer) returns record', 'i u sql'),
    ('gateway_entries(account bigint, principal text, before bigint DEFAULT NULL::bigint, max_rows integer DEFAULT 100, '
        'since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, '
        'q text DEFAULT NULL::text, direction text DEFAULT NULL::text, counterparty bigint DEFAULT NULL::bigint, min_amount bigint DEFAULT NULL::bigint, '
        'max_amount bigint DEFAULT NULL::bigint) returns TABLE(version bigint, transfer bigint, amount bigint, balance bigint, kind text, '
        'counterparties bigint[], description text, metadata jsonb, at timestamp with time zone)', 's r c'),
    ('gateway_holds(account bigint, principal text, after bigint, max_rows integer) returns SETOF tokpay.receipts', 's u plpgsql'),
    ('gateway_packed_balances(accounts bigint[], principals text[] DEFAULT NULL::text[]) returns bytea', 's r c'),
    ('gateway_packed_batch(requests tokpay.gateway_request[], lock_timeout integer DEFAULT NULL::integer) returns bytea', 'v u c'),
    ('gateway_patch_account(account bigint, principal text, patch jsonb, expected text) returns SETOF tokpay.accounts', 'v u plpgsql'),
    ('gateway_preview(debit bigint, credits bigint[], amounts bigint[], may_fund boolean, principal text) returns TABLE(account bigint, name text, '
        'currency text, amount bigint, balance bigint, available bigint, codes text[])', 's u plpgsql'),
    ('gateway_summary(account bigint, principal text, since timestamp with time zone, until timestamp with time zone, tz text, '
        'bucket text) returns TABLE(start timestamp with time zone, received bigint, spent bigint, closing bigint)', 's u plpgsql'),
    ('gateway_transfer(transfer bigint, principal text) returns SETOF tokpay.receipts', 's u plpgsql'),
    ('gateway_transfer_by_key(debit bigint, key text, principal text) returns SETOF tokpay.receipts', 's u plpgsql'),
    -- inside
    ('account_flows(account bigint, since timestamp with time zone, until timestamp with time zone, '
        'max_entries integer) returns TABLE(at timestamp with time zone, counterparty bigint, amount bigint)', 's r c'),
    ('merge_patch(target jsonb, patch jsonb) returns jsonb', 'i u plpgsql'),
    ('reaches(principal text, account bigint) returns boolean', 's r c'),
    ('require_reach(principal text, account bigint) returns void', 's u plpgsql'),
    ('account_entries(account bigint) returns TABLE(version bigint, transfer bigint, amount bigint, balance bigint, kind text, at timestamp with time zone)',
        's s c'),
    ('apply_sequence_setting() returns trigger', 'v u plpgsql'),
    ('authenticate(digests bytea[]) returns TABLE(id bigint, scopes text[], accounts bigint[], requests_per_second integer)', 's u plpgsql'),
    ('note_api_key_uses(ids bigint[]) returns void', 'v u plpgsql'),
    ('ensure_funding(currency text) returns void', 'v u plpgsql'),
    ('insert_account(name text, currency text, min_balance bigint, max_balance bigint, metadata jsonb, owner text) returns bigint', 'v u plpgsql'),
    ('keep_sequence_settings() returns event_trigger', 'v u plpgsql'),
    ('kind_name(kind "char") returns text', 'i s sql'),
    ('leg_column(legs bigint[], part integer) returns bigint[]', 'i s c'),
    ('refuse_change() returns trigger', 'v u plpgsql'),
    ('require_leader() returns void', 'v u c'),
    -- wallets
    ('register_wallet(issuer text, subject text, email text, email_verified boolean, is_authoritative boolean, display_name text DEFAULT NULL::text, '
        'currency text DEFAULT ''USD''::text, welcome bigint DEFAULT 0) returns bigint', 'v u plpgsql'),
    ('note_identity(issuer text, subject text, wallet_user bigint, email text, email_verified boolean, is_authoritative boolean) returns void', 'v u plpgsql'),
    ('is_address(text) returns boolean', 'i s sql'), ('address_text(text) returns text', 'i s sql'), ('shown_name(text) returns text', 'i s sql'),
    ('gateway_link_identity(wallet_user bigint, issuer text, subject text, email text, email_verified boolean, is_authoritative boolean) returns void', 'v u plpgsql'),
    ('gateway_begin_session(wallet_user bigint, issuer text, digest bytea, user_agent text, idle_s integer, max_s integer, replaces bytea) returns bigint', 'v u plpgsql'),
    ('gateway_credentials(digests bytea[]) returns TABLE(id bigint, scopes text[], has_list boolean, requests_per_second integer, wallet_user bigint, owner text, is_fresh boolean)',
        's u plpgsql'),
    ('note_session_uses(ids bigint[], idle_s integer) returns void', 'v u plpgsql'),
    ('gateway_sessions(wallet_user bigint) returns TABLE(id bigint, issuer text, user_agent text, created_at timestamp with time zone, '
        'last_seen_at timestamp with time zone, expires_at timestamp with time zone)', 's u plpgsql'),
    ('gateway_end_session(wallet_user bigint, session bigint) returns boolean', 'v u plpgsql'),
    ('gateway_profile(wallet_user bigint) returns TABLE(display_name text, locale text, theme text, account bigint, created_at timestamp with time zone)', 's u plpgsql'),
    ('gateway_identities(wallet_user bigint) returns TABLE(issuer text, email text, email_verified boolean, payable boolean, linked_at timestamp with time zone)',
        's u plpgsql'),
    ('gateway_update_profile(wallet_user bigint, patch jsonb) returns void', 'v u plpgsql'),
    ('gateway_names(accounts bigint[]) returns TABLE(account bigint, display_name text)', 's u plpgsql'),
    ('note_payees(wallet_user bigint) returns void', 'v u plpgsql'),
    ('gateway_resolve(wallet_user bigint, account bigint, principal text, emails text[]) returns TABLE(email text, status text, payee bigint, display_name text)',
        'v u plpgsql'),
    ('gateway_recipients(wallet_user bigint, q text, max_rows integer) returns TABLE(email text, account bigint, display_name text, '
        'last_paid_at timestamp with time zone)', 'v u plpgsql'),
    -- the cluster
    ('epoch() returns text', 's r c'),
    ('statistics(OUT since timestamp with time zone, OUT calls bigint, OUT credits bigint, OUT replays bigint, OUT transfers bigint, OUT top_ups bigint, '
        'OUT holds bigint, OUT captures bigint, OUT voids bigint, OUT reversals bigint, OUT expiries bigint, OUT refusals jsonb, OUT batch_sizes jsonb, '
        'OUT fences bigint, OUT fence_waits bigint) returns SETOF record', 'v r c'),
    ('cluster_status(OUT role text, OUT epoch text, OUT standby text, OUT streaming boolean, OUT replicated pg_lsn, OUT local pg_lsn, OUT fences bigint, '
        'OUT waits bigint, OUT commits_gated bigint, OUT refused jsonb) returns SETOF record', 'v r c'),
    ('fence() returns boolean', 's r c'),
    ('fence_refusal() returns void', 's r c'),
    ('start_cluster() returns void', 'v u plpgsql'),
    ('new_incarnation() returns bigint', 'v u plpgsql'),
    ('cluster_changed() returns trigger', 'v u c'),
    ('require_cluster_setting() returns void', 'v u c');
create temporary table found as
select p.oid, format('%s(%s) returns %s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) as signature,
    format('%s %s %s', p.provolatile, p.proparallel, l.lanname) as marks, p.prosecdef, p.proconfig, l.lanname, obj_description(p.oid, 'pg_proc') as comment
from pg_proc p join pg_language l on l.oid = p.prolang where p.pronamespace = 'tokpay'::regnamespace;
select is(test.rows('select signature, marks from found except select signature, marks from expected order by 1'), '',
    'no function is there that the table does not name as it is');
select is(test.rows('select signature, marks from expected except select signature, marks from found order by 1'), '', 'and none is missing');

-- Types and views: columns as published
select is(string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum), columns, name)
from (values
    ('transfer_request', 'debit bigint, credits bigint[], amounts bigint[], key text, description text, metadata jsonb, chain integer'),
    ('transfer_result', 'transfer bigint, at timestamp with time zone, debit_balance bigint, debit_version bigint, credit_balances bigint[], credit_versions bigint[], replayed boolean'),
    ('transfer_outcome', 'position integer, code text, transfer bigint, at timestamp with time zone, debit_balance bigint, debit_version bigint, credit_balances bigint[], '
        'credit_versions bigint[], replayed boolean, account bigint, balance bigint, required bigint, detail text'),
    ('gateway_request', 'kind text, debit bigint, credits bigint[], amounts bigint[], key text, description text, metadata jsonb, chain integer, target bigint, expires_in interval, '
        'principal text'),
    ('gateway_outcome', 'position integer, code text, transfer bigint, at timestamp with time zone, kind text, currency text, debit bigint, debit_balance bigint, debit_version bigint, '
        'credits bigint[], amounts bigint[], credit_balances bigint[], credit_versions bigint[], replayed boolean, metadata jsonb, expires_at timestamp with time zone, account bigint, '
        'balance bigint, required bigint, available bigint, detail text'),
    ('accounts', 'id bigint, name text, currency text, balance bigint, held bigint, available bigint, min_balance bigint, max_balance bigint, status text, version bigint, '
        'metadata jsonb, owner text, opened_at timestamp with time zone'),
    ('transfers', 'id bigint, kind text, status text, currency text, debit bigint, amount bigint, credits bigint[], amounts bigint[], key text, hold bigint, reverses bigint, '
        'reversed_by bigint, description text, metadata jsonb, at timestamp with time zone, expires_at timestamp with time zone'),
    ('entries', 'account bigint, version bigint, transfer bigint, amount bigint, balance bigint, kind text, at timestamp with time zone'),
    ('holds', 'id bigint, debit bigint, amount bigint, credits bigint[], amounts bigint[], currency text, at timestamp with time zone, expires_at timestamp with time zone'),
    ('currencies', 'code text, exponent smallint, funding bigint'),
    ('api_keys', 'id bigint, name text, scopes text[], accounts bigint[], created_at timestamp with time zone, expires_at timestamp with time zone, last_used_at timestamp with time zone, '
        'revoked_at timestamp with time zone'),
    ('api_key_limits', 'id bigint, requests_per_second integer')
) as cases (name, columns) join pg_class c on c.relname = name and c.relnamespace = 'tokpay'::regnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
group by name, columns;

-- Comments
select is(test.rows('select signature from found where comment is null'), '', 'every function has a comment');
select is(test.rows($$select relname, relkind from pg_class where relnamespace = 'tokpay'::regnamespace and relkind in ('v', 'c') and obj_description(oid, 'pg_class') is null
    and not exists (select from pg_type t where t.typrelid = pg_class.oid and obj_description(t.oid, 'pg_type') is not null)$$), '',
        'every view and type has a comment');
select is(test.rows($$select signature from found where signature ~ 'returns (SETOF )?tokpay.(transfer_result|transfer_outcome|gateway_outcome)' and signature !~ '^transfer_by_key' and comment !~ 'FROM'$$), '',
    'operations say that they are called in FROM');

-- Rights and names
select is(test.rows($$select signature from found where prosecdef and ('search_path=pg_catalog, pg_temp' = any (proconfig)) is not true$$), '',
    'whatever runs with its definer''s rights has its own search_path');
select is(test.rows($$select c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'tokpay'::regnamespace and t.tgenabled <> 'A' and not t.tgisinternal$$), '',
    'every trigger fires always, on a replica too');
select is(test.sqlstate('select tokpay.cluster_changed()'), '39P01', 'the trigger of the library is no function to call');
select is(test.rows($$select c.relname from pg_class c where c.relnamespace = 'tokpay'::regnamespace and c.relkind in ('r', 'S')
    and not exists (select from pg_extension e where e.extname = 'tokpay' and c.oid = any (e.extconfig)) order by 1$$), '(wallet_session) (wallet_session_id_seq)',
    'a dump carries every table and sequence but the sessions');
select * from finish();
rollback;
