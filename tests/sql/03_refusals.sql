-- Every refusal of transfer: its SQLSTATE and DETAIL; and of every operation, which of two broken rules answers.
begin;
select plan(88);
select test.open('payer', 100), test.open('ann'), test.open('bob'), test.open('euro', 100, 'EUR'),
    test.open('full', 10, max_balance => 10), test.open('huge', 9000000000000000000), test.open('ice'), test.open('euro ice', 0, 'EUR'), test.open('gone');
select tokpay.open_account('credit line', min_balance => -50);
select tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}', 'used');
select tokpay.freeze(test.id('ice')), tokpay.freeze(test.id('euro ice')), tokpay.close(test.id('gone'));

-- One broken rule
select is(row(a.sqlstate, a.message, a.detail)::text,
    row(expected, told, test.fill(why))::text, format('%s: %s', told, what))
from (values
    ('TP001', 'invalid request', 'debit is null.', 'no debit', $$null, '{{ann}}', '{1}'$$),
    ('TP001', 'invalid request', 'credits is null.', 'no credits', $${payer}, null, '{1}'$$),
    ('TP001', 'invalid request', 'amounts is null.', 'no amounts', $${payer}, '{{ann}}', null$$),
    ('TP001', 'invalid request', 'credits is empty.', 'empty credits', $${payer}, '{}', '{}'$$),
    ('TP001', 'invalid request', 'There are 2 credits and 1 amounts.', 'lengths differ', $${payer}, '{{ann},{bob}}', '{1}'$$),
    ('TP001', 'invalid request', 'credits has a null element.', 'a null credit', $${payer}, '{{ann},null}', '{1,1}'$$),
    ('TP001', 'invalid request', 'amounts has a null element.', 'a null amount', $${payer}, '{{ann}}', '{NULL}'$$),
    ('TP001', 'invalid request', 'credits has more than one dimension.', 'two dimensions', $${payer}, '{{{ann}},{{bob}}}', '{1,1}'$$),
    ('TP001', 'invalid request', 'amounts has more than one dimension.', 'amounts of two dimensions', $${payer}, '{{ann}}', '{{1}}'$$),
    ('TP001', 'invalid request', 'amounts[2] is 0; an amount is positive.', 'an amount of 0', $${payer}, '{{ann},{bob}}', '{1,0}'$$),
    ('TP001', 'invalid request', 'amounts[1] is -5; an amount is positive.', 'a negative amount', $${payer}, '{{ann}}', '{-5}'$$),
    ('TP001', 'invalid request', 'key has 0 bytes; a key has 1 to 255.', 'an empty key', $${payer}, '{{ann}}', '{1}', ''$$),
    ('TP003', 'account not found', 'There is no account {nobody}.', 'an unknown debit', $${nobody}, '{{ann}}', '{1}'$$),
    ('TP003', 'account not found', 'There is no account {nobody}.', 'an unknown credit', $${payer}, '{{ann},{nobody}}', '{1,1}'$$),
    ('TP003', 'account not found', 'There is no account 0.', 'account 0', $${payer}, '{0}', '{1}'$$),
    ('TP003', 'account not found', 'There is no account -1.', 'account -1', $$-1, '{{ann}}', '{1}'$$),
    ('TP004', 'same account', 'Account {payer} is debited and credited.', 'a self-credit', $${payer}, '{{payer}}', '{1}'$$),
    ('TP004', 'same account', 'Account {payer} is debited and credited.', 'a self-credit among others', $${payer}, '{{ann},{bob},{payer},{ann}}', '{1,1,1,1}'$$),
    ('TP005', 'currency mismatch', 'Account {euro} is in EUR, the debited one in USD.', 'a credit in euros', $${payer}, '{{ann},{euro}}', '{1,1}'$$),
    ('TP007', 'account frozen', 'Account {ice} is frozen.', 'a frozen credit', $${payer}, '{{ann},{ice}}', '{1,1}'$$),
    ('TP007', 'account frozen', 'Account {ice} is frozen.', 'a frozen debit', $${ice}, '{{ann}}', '{1}'$$),
    ('TP008', 'account closed', 'Account {gone} is closed.', 'a closed credit', $${payer}, '{{ann},{gone}}', '{1,1}'$$),
    ('TP008', 'account closed', 'Account {gone} is closed.', 'a closed debit', $${gone}, '{{ann}}', '{1}'$$),
    ('TP009', 'amount overflow', 'The sum of the amounts that account {payer} is to pay does not fit a bigint.', 'the sum', $${payer}, '{{ann},{bob}}', '{9223372036854775807,1}'$$),
    ('TP010', 'insufficient funds', 'Account {payer} has 99 available, the transfer needs 100.', 'one cent short', $${payer}, '{{ann}}', '{100}'$$),
    ('TP010', 'insufficient funds', 'Account {credit line} has 50 available, the transfer needs 51.', 'below a negative floor',
        $${credit line}, '{{ann}}', '{51}'$$),
    ('TP011', 'balance limit', 'Account {full} has 10, a credit of 3 would lift it above its max_balance 10.', 'the sum of two credits',
        $${payer}, '{{full},{full}}', '{1,2}'$$)
) as cases (expected, told, why, what, arguments),
    lateral test.attempt(format('select tokpay.transfer(%s)', test.fill(arguments))) as a;

select is((test.attempt(test.fill($$select tokpay.transfer({payer}, '{{ann}}', '{2}', 'used')$$))).detail ~
    format('^Account %s used key "used" for transfer \d+, which differs in its amounts\.$', test.id('payer')),
    true, 'key reused: the detail names the account, the key, the transfer and the field');
select isnt((test.attempt(test.fill($$select tokpay.transfer({payer}, '{{ann}}', '{2}', 'used')$$))).hint,
    '', 'key reused: there is a hint');

-- Two broken rules: the first in precedence answers. <key> stands for the transfer with this key.
create function pg_temp.first(call text, role text default null) returns text language plpgsql as $$
declare
    name text;
begin
    for name in select (regexp_matches(call, '<([a-z ]+)>', 'g'))[1] loop
        call := replace(call, format('<%s>', name), (select id::text from tokpay.transfers where key = name));
    end loop;
    return test.sqlstate(test.fill('select tokpay.' || call), role);
end $$;
select test.open('loose', 100), test.open('late ice', 50), test.open('late gone'), test.open('spender', 100), test.open('top', 100),
    test.open('brim', 0, max_balance => 5);
select tokpay.open_account('maker', min_balance => null), tokpay.open_account('taker', min_balance => null);
-- loose has lost its floor, late ice was frozen and late gone closed after what is to be ended
select tokpay.hold(test.id('payer'), test.ids('ann'), '{5}', 'held'), tokpay.hold(test.id('payer'), test.ids('ann'), '{5}', 'over'),
    tokpay.hold(test.id('payer'), test.ids('late ice'), '{5}', 'over to ice'),
    tokpay.hold(test.id('payer'), test.ids('late ice'), '{5}', 'to ice'),
        tokpay.hold(test.id('payer'), test.ids('late gone', 'late ice'), '{5,5}', 'to gone and ice'),
    tokpay.hold(test.id('loose'), test.ids('ann'), '{5}', 'loose held'), tokpay.hold(test.id('loose'), test.ids('ann'), '{5}', 'loose over'),
    tokpay.hold(test.id('maker'), test.ids('huge', 'late gone'), '{1000000000000000000,1}', 'to huge and gone'),
    tokpay.hold(test.id('maker'), test.ids('brim', 'huge'), '{6,1000000000000000000}', 'to brim and huge');
select count(tokpay.void(id)) from tokpay.transfers where key in ('over', 'over to ice', 'loose over');
select tokpay.transfer(test.id('loose'), test.ids('ann'), '{1}', 'loose used'), tokpay.transfer(test.id('payer'), test.ids('taker'), '{1}', 'to taker'),
    tokpay.transfer(test.id('payer'), test.ids('taker'), '{1}', 'to taker and back'), tokpay.transfer(test.id('payer'), test.ids('late ice'), '{1}', 'ice and back'),
    tokpay.transfer(test.id('payer'), test.ids('late gone', 'late ice'), '{1,1}', 'gone and ice'),
        tokpay.transfer(test.id('huge'), test.ids('late gone'), '{1}', 'huge to gone'),
    tokpay.transfer(test.id('huge'), test.ids('spender'), '{1000000000000000000}', 'huge to spender'),
        tokpay.transfer(test.id('top'), test.ids('spender'), '{9}', 'top to spender');
select count(tokpay.reverse(id)) from tokpay.transfers where key in ('to taker and back', 'ice and back');
select tokpay.transfer(test.id('late gone'), test.ids('bob'), array[test.balance('late gone')]),
    tokpay.transfer(test.id('spender'), test.ids('bob'), array[test.balance('spender')]),
    tokpay.transfer(test.id('maker'), test.ids('huge'), array[9223372036854775807 - test.balance('huge')]), tokpay.set_limits(test.id('top'), 0, 91),
        tokpay.set_limits(test.id('loose'), null, null);
select tokpay.freeze(test.id('late ice')), tokpay.close(test.id('late gone'));

select is(pg_temp.first(call, role), expected, format('%s: first answers %s', split_part(call, '(', 1), what))
from (values
    ('TP001', null, 'invalid request, then key reused', $$transfer({payer}, '{{ann}}', '{0}', 'used')$$),
    ('TP002', null, 'key reused, then account not found', $$transfer({payer}, '{{nobody}}', '{1}', 'used')$$),
    ('TP003', 'tokpay_teller', 'account not found, then not permitted', $$transfer({funding/USD}, '{{nobody}}', '{1}')$$),
    ('TP016', 'tokpay_teller', 'not permitted, then same account', $$transfer({funding/USD}, '{{funding/USD}}', '{1}')$$),
    ('TP004', null, 'same account, then currency mismatch', $$transfer({payer}, '{{euro},{payer}}', '{1,1}')$$),
    ('TP005', null, 'currency mismatch, then account frozen', $$transfer({payer}, '{{ice},{euro ice}}', '{1,1}')$$),
    ('TP005', null, 'currency mismatch, then amount overflow', $$transfer({payer}, '{{ann},{euro}}', '{9223372036854775807,1}')$$),
    ('TP007', null, 'account frozen, then account closed', $$transfer({payer}, '{{gone},{ice}}', '{1,1}')$$),
    ('TP008', null, 'account closed, then amount overflow', $$transfer({payer}, '{{ann},{gone}}', '{9223372036854775807,1}')$$),
    ('TP009', null, 'amount overflow of the sum, then insufficient funds', $$transfer({payer}, '{{ann},{bob}}', '{9223372036854775807,9223372036854775807}')$$),
    ('TP009', null, 'amount overflow of a credited balance, then insufficient funds', $$transfer({payer}, '{{huge}}', '{1000000000000000000}')$$),
    ('TP010', null, 'insufficient funds, then balance limit', $$transfer({payer}, '{{full}}', '{101}')$$),

    ('TP001', null, 'invalid request, then key reused', $$hold({payer}, '{{ann}}', '{1}', 'used', '0')$$),
    ('TP002', null, 'key reused, then account not found', $$hold({payer}, '{{nobody}}', '{1}', 'used')$$),
    ('TP003', 'tokpay_teller', 'account not found, then not permitted', $$hold({funding/USD}, '{{nobody}}', '{1}')$$),
    ('TP016', 'tokpay_teller', 'not permitted, then same account', $$hold({funding/USD}, '{{funding/USD}}', '{1}')$$),
    ('TP004', null, 'same account, then currency mismatch', $$hold({payer}, '{{euro},{payer}}', '{1,1}')$$),
    ('TP005', null, 'currency mismatch, then account frozen', $$hold({payer}, '{{ice},{euro ice}}', '{1,1}')$$),
    ('TP007', null, 'account frozen, then account closed', $$hold({payer}, '{{gone},{ice}}', '{1,1}')$$),
    ('TP008', null, 'account closed, then amount overflow', $$hold({payer}, '{{ann},{gone}}', '{9223372036854775807,1}')$$),
    ('TP009', null, 'amount overflow of what is held, then insufficient funds', $$hold({payer}, '{{ann}}', '{9223372036854775807}')$$),
    ('TP010', null, 'insufficient funds and no limit', $$hold({payer}, '{{full}}', '{101}')$$),

    ('TP001', null, 'invalid request, then key reused', $$capture(<held>, '{6}', 'used')$$),
    ('TP001', null, 'invalid request, then transfer not found', $$capture(999999999, '{}')$$),
    ('TP001', null, 'invalid request of an amount, then transfer not found', $$capture(999999999, '{-1}')$$),
    ('TP001', null, 'invalid request, then hold not pending', $$capture(<over>, '{6}')$$),
    ('TP001', null, 'invalid request, then hold not pending of what is none', $$capture(<used>, '{-1}')$$),
    ('TP002', 'tokpay_teller', 'key reused, then not permitted', $$capture(<loose held>, null, 'loose used')$$),
    ('TP002', null, 'key reused, then hold not pending', $$capture(<over>, null, 'used')$$),
    ('TP002', null, 'key reused, then hold not pending of what is none', $$capture(<to taker>, null, 'used')$$),
    ('TP016', 'tokpay_teller', 'not permitted, then hold not pending', $$capture(<loose over>)$$),
    ('TP013', null, 'hold not pending, then account frozen', $$capture(<over to ice>)$$),
    ('TP007', null, 'account frozen, then account closed', $$capture(<to gone and ice>)$$),
    ('TP008', null, 'account closed, then amount overflow', $$capture(<to huge and gone>)$$),
    ('TP009', null, 'amount overflow, then balance limit', $$capture(<to brim and huge>)$$),

    ('TP001', null, 'invalid request, then transfer not found', $$void(999999999, '')$$),
    ('TP002', null, 'key reused, then hold not pending', $$void(<over>, 'used')$$),
    ('ok', 'tokpay_teller', 'nothing: no floor is needed', $$void(<loose held>)$$),
    ('ok', null, 'nothing: frozen and closed accounts do not matter', $$void(<to gone and ice>)$$),

    ('TP001', null, 'invalid request, then transfer not found', $$reverse(999999999, '')$$),
    ('TP001', null, 'invalid request, then key reused', $$reverse(<held>, 'used')$$),
    ('TP002', 'tokpay_teller', 'key reused, then not permitted', $$reverse(<to taker>, 'used')$$),
    ('TP016', 'tokpay_teller', 'not permitted, then already reversed', $$reverse(<to taker and back>)$$),
    ('TP014', null, 'already reversed, then account frozen', $$reverse(<ice and back>)$$),
    ('TP007', null, 'account frozen, then account closed', $$reverse(<gone and ice>)$$),
    ('TP008', null, 'account closed, then amount overflow', $$reverse(<huge to gone>)$$),
    ('TP009', null, 'amount overflow, then insufficient funds', $$reverse(<huge to spender>)$$),
    ('TP010', null, 'insufficient funds, then balance limit', $$reverse(<top to spender>)$$),

    ('TP001', null, 'invalid request, then account not found', $$set_limits({nobody}, 9223372036854775807, null)$$),
    ('TP001', null, 'invalid request, then account closed', $$set_limits({gone}, 9223372036854775807, null)$$),
    ('TP008', null, 'account closed, then balance limit', $$set_limits({gone}, 1, null)$$),
    ('TP001', null, 'invalid request, then account not found', $$set_metadata({nobody}, null)$$),
    ('TP001', null, 'invalid request, then balance limit', $$open_account(max_balance => -1, min_balance => 1)$$),
    ('TP017', null, 'name taken, then balance limit', $$open_account('ann', max_balance => -1)$$)
) as cases (expected, role, what, call);

-- A number of many digits takes few bytes.
select is(test.sqlstate(test.fill(call)), 'TP001', 'metadata has at most 1 MiB as it is printed: ' || left(call, 30)) from (values
    ($$select tokpay.transfer({ann}, array[{bob}], '{1}', metadata => (select jsonb_agg('1e131000'::numeric) from generate_series(1, 9)))$$),
    ($$select tokpay.set_metadata({ann}, (select jsonb_build_object('a', jsonb_agg('1e131000'::numeric)) from generate_series(1, 9)))$$),
    ($$select tokpay.open_account(metadata => (select jsonb_build_object('a', jsonb_agg('1e131000'::numeric)) from generate_series(1, 9)))$$)) as cases (call);

-- top_up refuses in the same way
select is(array(select test.sqlstate(test.fill(format('select tokpay.top_up(%s)', arguments))) from (values
        (1, 'null, 1'), (2, '{ann}, null'), (3, '{ann}, 0'), (4, '{ann}, -1'), (5, '{nobody}, 1'),
        (6, '{funding/USD}, 1'), (7, '{full}, 1'), (8, $${ann}, 1, ''$$), (9, '{ann}, 1')
    ) as cases (place, arguments) order by place),
    '{TP001,TP001,TP001,TP001,TP003,TP004,TP011,TP001,ok}'::text[], 'top_up refuses what a transfer refuses');
select is(test.faults(), '', 'refusals leave the books right');
select * from finish();
rollback;
