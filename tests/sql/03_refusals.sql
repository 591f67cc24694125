-- Every refusal of transfer: its SQLSTATE and DETAIL, and which of two broken rules answers.
begin;
select plan(36);
select test.open('payer', 100), test.open('ann'), test.open('bob'), test.open('euro', 100, 'EUR'),
    test.open('full', 10, max_balance => 10), test.open('huge', 9000000000000000000);
select tokpay.open_account('credit line', min_balance => -50);
select tokpay.transfer(test.id('payer'), test.ids('ann'), '{1}', 'used');

-- Names in braces stand for accounts, {nobody} for an unknown one.
create function pg_temp.fill(statement text) returns text language plpgsql as $$
declare
    name text;
begin
    for name in select (regexp_matches(statement, '{([a-z ]+(?:/USD)?)}', 'g'))[1] loop
        statement := replace(statement, format('{%s}', name), coalesce(test.id(name), 999999999)::text);
    end loop;
    return statement;
end $$;

-- One broken rule
select is(row(a.sqlstate, a.message, a.detail)::text,
    row(expected, told, pg_temp.fill(why))::text, format('%s: %s', told, what))
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
    ('TP009', 'amount overflow', 'The sum of the amounts does not fit a bigint.', 'the sum', $${payer}, '{{ann},{bob}}', '{9223372036854775807,1}'$$),
    ('TP010', 'insufficient funds', 'Account {payer} has 99 available, the transfer needs 100.', 'one cent short', $${payer}, '{{ann}}', '{100}'$$),
    ('TP010', 'insufficient funds', 'Account {credit line} has 50 available, the transfer needs 51.', 'below a negative floor', $${credit line}, '{{ann}}', '{51}'$$),
    ('TP011', 'balance limit', 'Account {full} has 10, a credit of 3 would lift it above its max_balance 10.', 'the sum of two credits', $${payer}, '{{full},{full}}', '{1,2}'$$)
) as cases (expected, told, why, what, arguments),
    lateral test.attempt(format('select tokpay.transfer(%s)', pg_temp.fill(arguments))) as a;

select is((test.attempt(pg_temp.fill($$select tokpay.transfer({payer}, '{{ann}}', '{2}', 'used')$$))).detail ~
    format('^Account %s used key "used" for transfer \d+, which differs in its amounts\.$', test.id('payer')),
    true, 'key reused: the detail names the account, the key, the transfer and the field');
select isnt((test.attempt(pg_temp.fill($$select tokpay.transfer({payer}, '{{ann}}', '{2}', 'used')$$))).hint,
    '', 'key reused: there is a hint');

-- Two broken rules: the first in precedence answers.
select is(test.sqlstate(format('select tokpay.transfer(%s)', pg_temp.fill(arguments)), role), expected,
    'first answers ' || what)
from (values
    ('TP001', null, 'invalid request, then key reused', $${payer}, '{{ann}}', '{0}', 'used'$$),
    ('TP002', null, 'key reused, then account not found', $${payer}, '{{nobody}}', '{1}', 'used'$$),
    ('TP003', 'tokpay_teller', 'account not found, then not permitted', $${funding/USD}, '{{nobody}}', '{1}'$$),
    ('TP016', 'tokpay_teller', 'not permitted, then same account', $${funding/USD}, '{{funding/USD}}', '{1}'$$),
    ('TP004', null, 'same account, then currency mismatch', $${payer}, '{{euro},{payer}}', '{1,1}'$$),
    ('TP005', null, 'currency mismatch, then amount overflow', $${payer}, '{{ann},{euro}}', '{9223372036854775807,1}'$$),
    ('TP009', null, 'amount overflow of the sum, then insufficient funds', $${payer}, '{{ann},{bob}}', '{9223372036854775807,9223372036854775807}'$$),
    ('TP009', null, 'amount overflow of a credited balance, then insufficient funds', $${payer}, '{{huge}}', '{1000000000000000000}'$$),
    ('TP010', null, 'insufficient funds, then balance limit', $${payer}, '{{full}}', '{101}'$$)
) as cases (expected, role, what, arguments);

-- top_up refuses in the same way
select is(array(select test.sqlstate(pg_temp.fill(format('select tokpay.top_up(%s)', arguments))) from (values
        (1, 'null, 1'), (2, '{ann}, null'), (3, '{ann}, 0'), (4, '{ann}, -1'), (5, '{nobody}, 1'),
        (6, '{funding/USD}, 1'), (7, '{full}, 1'), (8, $${ann}, 1, ''$$), (9, '{ann}, 1')
    ) as cases (place, arguments) order by place),
    '{TP001,TP001,TP001,TP001,TP003,TP004,TP011,TP001,ok}'::text[], 'top_up refuses what a transfer refuses');
select is(test.faults(), '', 'refusals leave the books right');
select * from finish();
rollback;
