-- The gateway's API keys: made once, stored as a digest, refused when expired or revoked.
begin;
select plan(43);
select test.open('ann');

select tokpay.create_api_key('terminal', '{read,transfer}', test.ids('ann'), '1 hour') as secret \gset
select tokpay.create_api_key('office', '{admin}') as office \gset
select matches(:'secret'::text, '^tokpay_[0-9a-f]{64}$', 'a key is a prefix and 64 hexadecimal digits');
select isnt(:'secret'::text, :'office'::text, 'every key is another one');
select is(test.rows('select name, scopes, accounts = test.ids(''ann''), expires_at - created_at between ''59 min'' and ''61 min'', last_used_at, revoked_at
        from tokpay.api_keys order by id'),
    '(terminal,"{read,transfer}",t,t,,) (office,{admin},,,,)', 'the view shows what was asked for');
select is((select digest from tokpay.api_key where name = 'terminal'), sha256(convert_to(:'secret', 'UTF8')), 'the digest is the SHA-256 of the key');
select is((select count(*) from tokpay.api_key k where k::text like '%' || substr(:'secret', 8) || '%'), 0::bigint, 'the key itself is not stored');
select is((select count(*) from information_schema.columns where table_schema = 'tokpay' and table_name = 'api_keys' and column_name = 'digest'), 0::bigint,
    'the view does not show the digest');

-- Refusals
select is(test.sqlstate('select tokpay.create_api_key(' || arguments || ')'), expected, 'create_api_key: ' || what)
from (values
    ('ok', $$'k', '{read,transfer,fund,admin}'$$, 'every scope'),
    ('ok', $$repeat('k', 255), '{read}'$$, 'a name of 255 bytes'),
    ('TP001', $$repeat('k', 256), '{read}'$$, 'a name of 256 bytes'),
    ('TP001', $$'', '{read}'$$, 'an empty name'),
    ('TP001', $$null, '{read}'$$, 'no name'),
    ('TP001', $$'k', null$$, 'no scopes'),
    ('TP001', $$'k', '{}'$$, 'empty scopes'),
    ('TP001', $$'k', '{write}'$$, 'an unknown scope'),
    ('TP001', $$'k', '{read,Admin}'$$, 'a scope in capitals'),
    ('TP001', $$'k', '{read,null}'$$, 'a null scope'),
    ('TP001', $$'k', '{{read},{fund}}'$$, 'scopes of two dimensions'),
    ('TP001', $$'k', '{read}', '{1,null}'$$, 'a null account'),
    ('TP001', $$'k', '{read}', '{{1},{2}}'$$, 'accounts of two dimensions'),
    ('TP001', $$'k', '{read}', null, '0'$$, 'expiry at once'),
    ('TP001', $$'k', '{read}', null, '-1 day'$$, 'expiry in the past')
) as cases (expected, arguments, what);

-- Authentication
create function pg_temp.authenticated(secret text) returns text language sql
return test.rows(format('select scopes, accounts from tokpay.authenticate(array[%L::bytea]) where id is not null', sha256(convert_to(secret, 'UTF8'))));
select is(pg_temp.authenticated(:'office'), '({admin},)', 'a key authenticates with its scopes');
select is(pg_temp.authenticated(:'secret'), format('("{read,transfer}",{%s})', test.id('ann')), 'and its accounts');
select is(pg_temp.authenticated('tokpay_' || repeat('0', 64)), '', 'an unknown key does not');
select tokpay.create_api_key('short', '{read}', null, '1 microsecond') as short \gset
select is(pg_temp.authenticated(:'short'), '', 'an expired key does not');

-- Revocation
select id as office_id from tokpay.api_keys where name = 'office' \gset
select tokpay.revoke_api_key(:office_id);
select is(pg_temp.authenticated(:'office'), '', 'a revoked key does not authenticate');
create temporary table revoked as select revoked_at from tokpay.api_keys where id = :office_id;
select tokpay.revoke_api_key(:office_id);
select is((select k.revoked_at = r.revoked_at from tokpay.api_keys k, revoked r where k.id = :office_id), true, 'revoking twice keeps the first time');
select is(pg_temp.authenticated(:'secret') <> '', true, 'other keys stay');
select is(array[test.sqlstate('select tokpay.revoke_api_key(999999999)'), test.sqlstate('select tokpay.revoke_api_key(null)')], '{TP001,TP001}'::text[],
    'an unknown key cannot be revoked');

-- Many at once
select is((select array_agg(scopes[1] order by row_number) from (select a.scopes, row_number() over () from tokpay.authenticate(
        array[sha256('x'), sha256(convert_to(:'secret', 'UTF8')), sha256(convert_to(:'short', 'UTF8')), sha256(convert_to(:'secret', 'UTF8'))]) a) r),
    '{null,read,null,read}'::text[], 'each digest has its row, in that order');
select is((select count(*) from tokpay.authenticate('{}')), 0::bigint, 'none has none');

-- Limits
select id as secret_id from tokpay.api_keys where name = 'terminal' \gset
select is(array[test.sqlstate(format('select tokpay.set_api_key_limit(%s, %s)', :secret_id, given)), given], array[expected, given], 'a limit of ' || given)
from (values ('TP001', '0'), ('TP001', '-1'), ('TP001', '1000001'), ('ok', '1000000'), ('ok', '1')) as cases (expected, given);
select tokpay.set_api_key_limit(:secret_id, 7);
select is((select requests_per_second from tokpay.authenticate(array[sha256(convert_to(:'secret', 'UTF8'))])), 7, 'the gateway is told');
select is((select requests_per_second from tokpay.api_key_limits where id = :secret_id), 7, 'and who looks');
select tokpay.set_api_key_limit(:secret_id, null);
select is((select count(*) from tokpay.api_key_limits where id = :secret_id), 0::bigint, 'null takes it away');
select is(test.sqlstate('select tokpay.set_api_key_limit(999999999, 1)'), 'TP001', 'an unknown key has none');

-- Use
select tokpay.note_api_key_uses(array[:secret_id, :office_id]);
create temporary table used as select id, last_used_at from tokpay.api_keys;
select is((select array_agg(last_used_at > clock_timestamp() - interval '1 minute' order by id) from used where id in (:secret_id, :office_id)), '{t,t}', 'uses are noted');
select tokpay.note_api_key_uses(array[:secret_id]);
select is((select last_used_at from tokpay.api_keys where id = :secret_id), (select last_used_at from used where id = :secret_id), 'once a minute');
update tokpay.api_key set last_used_at = last_used_at - interval '2 minutes' where id = :secret_id;
select tokpay.note_api_key_uses(array[:secret_id]);
select cmp_ok((select last_used_at from tokpay.api_keys where id = :secret_id), '>', (select last_used_at from used where id = :secret_id), 'and again after it');
select * from finish();
rollback;
