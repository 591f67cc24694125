-- One transfer: what it answers, what it writes, and who sees it how.
begin;
select plan(20);
select test.open('payer', 1000), test.open('ann'), test.open('bob', 50), test.open('eve', 7);

-- One credit
select * from tokpay.transfer(test.id('payer'), test.ids('ann'), '{30}', 'rent', 'May', '{"flat": 4}') \gset t_
select is(:t_debit_balance, 970, 'debit_balance is the payer''s balance after it');
select is(:t_debit_version, 2, 'debit_version counts the top-up and this');
select is(:'t_credit_balances'::bigint[], '{30}', 'credit_balances');
select is(:'t_credit_versions'::bigint[], '{1}', 'credit_versions');
select is(:'t_replayed'::boolean, false, 'a first use is not a replay');
select is(test.rows(format('select kind, status, currency, debit, amount, credits, amounts, key, hold, reverses,
        reversed_by, description, metadata, at, expires_at from tokpay.transfers where id = %s', :t_transfer)),
    format('(transfer,posted,USD,%s,30,{%s},{30},rent,,,,May,"{""flat"": 4}","%s",)',
        test.id('payer'), test.id('ann'), :'t_at'),
    'the view transfers shows it as it was asked for');
select is(test.rows(format('select account, version, amount, balance, kind, at = %L from tokpay.entries
        where transfer = %s order by amount', :'t_at', :t_transfer)),
    format('(%s,2,-30,970,transfer,t) (%s,1,30,30,transfer,t)', test.id('payer'), test.id('ann')),
    'the view entries shows one entry for each side');

-- Several credits, one of them twice, in the order of the request
select * from tokpay.transfer(test.id('payer'), test.ids('eve', 'ann', 'bob', 'ann'), '{1,20,300,4}') \gset m_
select is(:m_debit_balance, 645, 'the debit is the sum of the credits');
select is(:'m_credit_balances'::bigint[], '{8,50,350,54}', 'credit_balances stand in the order of the credits');
select is(:'m_credit_versions'::bigint[], '{2,2,2,3}', 'an account credited twice has two versions');
select is(test.rows(format('select version, amount, balance from tokpay.entries where account = %s
        order by version', test.id('ann'))),
    '(1,30,30) (2,20,50) (3,4,54)', 'an account credited twice has two entries');
select is(test.rows(format('select credits, amounts, key, description, metadata from tokpay.transfers
        where id = %s', :m_transfer)),
    format('("{%s}","{1,20,300,4}",,,)', array_to_string(test.ids('eve', 'ann', 'bob', 'ann'), ',')),
    'credits are kept in order, repeats and all; what was not given is null');
select is(
    (select n_tup_upd from pg_stat_xact_user_tables where relname = 'account_state'),
    3 * 2 + 2 + 4::bigint, 'three top-ups of two accounts, a transfer of two, one of four: one row update each');

-- Times
select is((select bool_and(at > before) from (select at, lag(at) over (partition by account order by version,
        transfer) as before, transfer, lag(transfer) over (partition by account order by version) as earlier
        from tokpay.entries) as e where transfer <> earlier),
    true, 'at strictly increases from transfer to transfer of one account');
select ok(:'m_at'::timestamptz > :'t_at'::timestamptz, 'and so it does within one transaction');

-- Top-ups
select * from tokpay.top_up(test.id('eve'), 12, 'gift', 'birthday') \gset u_
select is(row(:u_debit_balance, :'u_credit_balances'::bigint[], :'u_replayed')::text,
    format('(%s,{20},f)', test.balance('funding/USD')), 'top_up answers like a transfer from the funding account');
select is(test.rows(format('select kind, debit, amount, credits, key, description from tokpay.transfers
        where id = %s', :u_transfer)),
    format('(top_up,%s,12,{%s},gift,birthday)', test.id('funding/USD'), test.id('eve')),
    'a top-up is a transfer of kind top_up from the funding account');
select test.open('yen', 500, 'JPY');
select is(test.balance('funding/JPY'), -500::bigint, 'every currency has a funding account of its own');
select is(test.rows('select currency, sum(balance) from tokpay.accounts group by 1 order by 1'),
    '(JPY,0) (USD,0)', 'money is conserved in every currency');
select is(test.faults(), '', 'the books are right');
select * from finish();
rollback;
