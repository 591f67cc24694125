-- Wallets: who signs in, what opens the first time, which addresses can be paid, sessions, and whom one has paid.
begin;
select plan(76);

create function pg_temp.register(subject text, email text default null, verified boolean default true, authoritative boolean default true,
    name text default null, issuer text default 'https://id.example', welcome bigint default 5000) returns bigint language sql as
$$ select tokpay.register_wallet(issuer, subject, email, verified, authoritative, name, 'USD', welcome) $$;
create function pg_temp.account(member bigint) returns bigint language sql as $$ select account from tokpay.wallet_user where id = member $$;
-- 'status' or 'status account name' of an address.
create function pg_temp.resolve(member bigint, variadic emails text[]) returns text language sql as $$
    select string_agg(concat_ws(' ', status, payee, display_name), ', ')
    from tokpay.gateway_resolve(member, pg_temp.account(member), 'owner:' || (select owner from tokpay.wallet_user where id = member), emails) $$;

-- The first time
select pg_temp.register('ann', 'Ann@Mail.example', name => 'Ann') as ann, pg_temp.register('bob', 'bob@mail.example') as bob,
    pg_temp.register('cat', 'cat@mail.example', name => E'  Cat\nCole ') as cat \gset
select is((select array_agg(display_name order by id) from tokpay.wallet_user), array['Ann', 'Wallet ' || pg_temp.account(:bob), 'Cat Cole'], 'names are the provider''s');
select is(tokpay.shown_name(name), shown, format('shown as %L', shown)) from (values (E'\u202Eevil\u200B', 'evil'), (E'\u200B', null), ('Ünal Ö', 'Ünal Ö'), (E'a\tb', 'a b')) as cases (name, shown);
select is(tokpay.address_text(E'\u212Aate@Mail.example '), E'\u212Aate@mail.example', 'the Kelvin sign is no k');
select is(test.rows(format('select balance, max_balance, min_balance, currency, name, owner from tokpay.accounts where id = %s', pg_temp.account(:ann))),
    '(5000,9007199254740991,0,USD,,"https://id.example ann")', 'a wallet is opened for its owner, with the welcome credit');
select is(test.rows(format('select kind, amount, description from tokpay.history(%s)', pg_temp.account(:ann))), '(top_up,5000,Welcome)', 'which is a top-up of the ledger');
select is(pg_temp.register('ann', 'ann@mail.example', name => 'Other'), :ann::bigint, 'the next time it is the same user');
select is((select count(*) from tokpay.entries where account = pg_temp.account(:ann)), 1::bigint, 'with one credit');
select is((select display_name from tokpay.gateway_profile(:ann)), 'Ann', 'and the name as it was');
select isnt(pg_temp.register('ann', issuer => 'https://other.example'), :ann::bigint, 'another issuer''s ann is somebody else');
select tokpay.open_account('carl', owner => 'https://id.example carl') as carls \gset
select is(pg_temp.account(pg_temp.register('carl')), :carls::bigint, 'an account that is there for the owner is the wallet');
select is(tokpay.balance(:carls), 0::bigint, 'without a credit');
select is(pg_temp.account(pg_temp.register('dan', welcome => 0)) is not null, true, 'there need be no credit');
select pg_temp.register('eve') as eve \gset
select is((select display_name from tokpay.gateway_profile(:eve)), 'Wallet ' || pg_temp.account(:eve), 'nor a name');
select is((test.attempt(format('select pg_temp.register(%L, issuer => %L)', subject, issuer))).sqlstate, 'TP001', format('nobody: %L of %L', subject, issuer))
from (values ('', 'https://id.example'), (null, 'https://id.example'), ('x', ''), ('x', 'https://id.example x')) as cases (subject, issuer);

-- Addresses
select is(pg_temp.resolve(:bob, 'ANN@mail.example ', 'nobody@mail.example', 'bob@mail.example', 'no address'),
    format('ok %s, unknown, self, invalid', pg_temp.account(:ann)), 'addresses in any case, with their accounts, without a name');
select pg_temp.register('fay', 'fay@mail.example', verified => false) as fay, pg_temp.register('gus', 'gus@mail.example', authoritative => false) as gus \gset
select is(pg_temp.resolve(:bob, 'fay@mail.example', 'gus@mail.example'), 'unknown, unknown', 'not verified, or by whom does not count: not payable');
select pg_temp.register('fay', 'fay@mail.example');
select is(pg_temp.resolve(:bob, 'fay@mail.example'), 'ok ' || pg_temp.account(:fay), 'verified at last');
select pg_temp.register('fay', 'fay@new.example');
select is(pg_temp.resolve(:bob, 'fay@mail.example', 'fay@new.example'), 'unknown, ok ' || pg_temp.account(:fay), 'a new address takes the place of the old');
select pg_temp.register('hal', 'fay@new.example') as hal \gset
select is(pg_temp.resolve(:bob, 'fay@new.example'), 'ok ' || pg_temp.account(:hal), 'an address goes where its provider says');
select pg_temp.register('ivy', 'fay@new.example', issuer => 'https://other.example') as ivy \gset
select is(pg_temp.resolve(:bob, 'fay@new.example'), 'ok ' || pg_temp.account(:hal), 'not where another says');
select pg_temp.register('hal', 'fay@new.example', verified => false);
select is(pg_temp.resolve(:bob, 'fay@new.example'), 'unknown', 'no longer verified: no longer payable');
select is(test.rows(format('select issuer, email, email_verified, payable from tokpay.gateway_identities(%s)', :fay)), '(https://id.example,fay@new.example,t,f)', 'a user sees what is payable');
select is(tokpay.is_address(text), expected, format('an address or not: %L', text))
from (values ('a@b.c', true), ('a b@c.d', false), ('a@b', false), ('@b.c', false), ('a@.c', false), ('a@b.', false), ('a@b@c.d', false),
    (repeat('a', 248) || '@bb.cc', true), (repeat('a', 249) || '@bb.cc', false), (null, false)) as cases (text, expected);

-- People paid before
select is((select count(*) from tokpay.gateway_recipients(:bob, '', 20)), 0::bigint, 'who was looked up is not paid yet');
select tokpay.transfer(pg_temp.account(:bob), array[pg_temp.account(:ann), pg_temp.account(:cat)], '{1,2}');
select is(pg_temp.resolve(:bob, 'ann@mail.example'), format('ok %s Ann', pg_temp.account(:ann)), 'the name of who was paid');
select is((select string_agg(email || ' ' || display_name, ', ') from tokpay.gateway_recipients(:bob, '', 20)), 'ann@mail.example Ann', 'paid and looked up');
select is(pg_temp.resolve(:bob, 'cat@mail.example'), format('ok %s Cat Cole', pg_temp.account(:cat)), 'paid before by account');
select is((select string_agg(email, ', ') from tokpay.gateway_recipients(:bob, q, 20)), expected, format('searched by %L', q))
from (values ('CO', 'cat@mail.example'), ('cat@', 'cat@mail.example'), ('ole', null), ('%', null)) as cases (q, expected);
select is((select count(*) from tokpay.gateway_recipients(:ann, '', 20)), 0::bigint, 'who paid me is not whom I paid');
select is((select count(*) from tokpay.gateway_names(array[pg_temp.account(:ann), 1, 999999999])), 1::bigint, 'only wallets have names');

-- The budget
select is((test.attempt(format($$select * from tokpay.gateway_resolve(%s, %s, 'owner:https://id.example ann', '{}')$$, :ann, pg_temp.account(:bob)))).sqlstate, 'TP003',
    'for one''s own account only');
select is((select count(*) from tokpay.gateway_resolve(:cat, pg_temp.account(:cat), 'owner:https://id.example cat', array_fill('ann@mail.example'::text, array[1000]))), 1000::bigint, '1,000 addresses');
select is((select count(*) from tokpay.gateway_resolve(:cat, pg_temp.account(:cat), 'owner:https://id.example cat', array_fill('ann@mail.example'::text, array[1000]))), 1000::bigint, 'another 1,000');
select is(pg_temp.resolve(:cat, 'ann@mail.example'), 'limited', 'and that was the day''s');
update tokpay.wallet_budget set day = day - 1;
select is(pg_temp.resolve(:cat, 'ann@mail.example'), 'ok ' || pg_temp.account(:ann), 'the next day has its own');
select is((select count(*) from tokpay.gateway_resolve(:cat, pg_temp.account(:cat), 'owner:https://id.example cat', (select array_agg(n || '@mail.example') from generate_series(1, 99) n))
    where status = 'unknown'), 99::bigint, '99 that are unknown');
select is(pg_temp.resolve(:cat, 'a@mail.example', 'b@mail.example', 'ann@mail.example'), 'limited', 'nothing is told where there are too many');
select is(pg_temp.resolve(:cat, 'ann@mail.example'), 'limited', 'nor afterwards');

-- Sessions
select tokpay.gateway_begin_session(:ann, 'https://id.example', '\x01', 'Browser', 60, 120, null) as first \gset
select is(test.rows($$select id is not null, scopes, wallet_user is not null, owner, is_fresh from tokpay.gateway_credentials('{"\\x01","\\x02"}')$$),
    '(t,,t,"https://id.example ann",t) (f,,f,,)', 'a session is a credential of its user');
select tokpay.gateway_begin_session(:ann, 'https://id.example', '\x02', 'Browser', 60, 120, '\x01') as second \gset
select is((select array_agg(id order by id) from tokpay.gateway_sessions(:ann)), array[:second::bigint], 'a new sign-in ends the session before it');
select is(tokpay.gateway_end_session(:bob, :second), false, 'nobody ends somebody else''s');
update tokpay.wallet_session set idle_at = clock_timestamp() where id = :second;
select is((select wallet_user from tokpay.gateway_credentials('{"\\x02"}')), null, 'idle for too long');
select tokpay.gateway_begin_session(:ann, 'https://id.example', '\x03', 'Browser', 60, 120, null) as third \gset
select tokpay.note_session_uses(array[:third], 1000);
select is((select idle_at = expires_at from tokpay.wallet_session where id = :third), true, 'use keeps it, up to its absolute end');
select is(tokpay.gateway_end_session(:ann, null), true, 'all of them at once');
select is((select count(*) from tokpay.gateway_sessions(:ann)) + (select count(wallet_user) from tokpay.gateway_credentials('{"\\x03"}')), 0::bigint, 'are over');

-- Another identity
select tokpay.gateway_link_identity(:ann, 'https://other.example', 'ann2', 'ann2@mail.example', true, true);
select is(pg_temp.register('ann2', 'ann2@mail.example', issuer => 'https://other.example'), :ann::bigint, 'a linked identity signs in to the same wallet');
select is((test.attempt(format($$select tokpay.gateway_link_identity(%s, 'https://other.example', 'ann2', null, false, false)$$, :bob))).sqlstate, 'TP021', 'and to no other');
select tokpay.open_account('zed', owner => 'https://other.example zed');
select is((test.attempt(format($$select tokpay.gateway_link_identity(%s, 'https://other.example', 'zed', null, false, false)$$, :ann))).sqlstate, 'TP021', 'none that has an account of its own, which nobody would reach');
select is(pg_temp.resolve(:bob, 'ann2@mail.example'), format('ok %s Ann', pg_temp.account(:ann)), 'its address is payable, too');
select tokpay.gateway_update_profile(:ann, '{"display_name": "Ann A", "locale": "ar", "theme": "dark"}'), tokpay.gateway_update_profile(:ann, '{"locale": null}');
select is(test.rows(format('select display_name, locale, theme from tokpay.gateway_profile(%s)', :ann)), '("Ann A",,dark)', 'a user has a name and preferences');
select tokpay.gateway_update_profile(:ann, jsonb_build_object('display_name', E'\u202EAnn\u200B B'));
select is((select display_name from tokpay.gateway_profile(:ann)), 'Ann B', 'of characters that can be seen');
select is(tokpay.shown_name(E'Ann \U0001F469\u200D\U0001F680 \u0645\u06CC\u200C\u062E'), E'Ann \U0001F469\u200D\U0001F680 \u0645\u06CC\u200C\u062E', 'of which emoji and Persian words may be joined');
select is(tokpay.shown_name(E'\u200DA\u200Cn\u200Dn \U0001F469\u200D \u200D'), E'Ann \U0001F469', 'and Latin ones may not');
select is(tokpay.shown_name(E'Al\u00ADice\u061C\U000E0041'), 'Alice', 'nor what cannot be seen within it');
select is(tokpay.shown_name(E'\u00A0 A\u2028B\u3000'), 'A B', 'spaces are spaces');
select is(array(select tokpay.shown_name(name) from unnest(array[E'\u3164', E'\u00A0', E'\u2800', E'\u034F', E'\u115F', E'\u180E', E'\uFFF9', E'\uFE0F']) as name where tokpay.shown_name(name) is not null),
    '{}', 'a name that nobody sees is none');
select is((test.attempt(format('select tokpay.gateway_update_profile(%s, jsonb_build_object(''display_name'', E''\u200B''))', :ann))).sqlstate, 'TP001', 'of some of them');
select is((select bool_and(ok) from tokpay.verify()), true, 'the books are in order');
select * from finish();
rollback;
