create type transfer_request as (
    debit bigint, credits bigint[], amounts bigint[], key text,
    description text, metadata jsonb, chain integer);

create type transfer_result as (
    transfer bigint, at timestamptz, debit_balance bigint, debit_version bigint,
    credit_balances bigint[], credit_versions bigint[], replayed boolean);

create type transfer_outcome as (
    position integer, code text, transfer bigint, at timestamptz,
    debit_balance bigint, debit_version bigint, credit_balances bigint[], credit_versions bigint[],
    replayed boolean, account bigint, balance bigint, required bigint, detail text);
