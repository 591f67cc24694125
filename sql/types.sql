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

-- A request of the gateway: kind as in transfers, debit and credits of a transfer, hold or (credits alone) top-up,
-- target the hold or transfer of a capture, void or reverse, principal for whom (gateway.sql).
create type gateway_request as (
    kind text, debit bigint, credits bigint[], amounts bigint[], key text, description text, metadata jsonb,
    chain integer, target bigint, expires_in interval, principal text);

-- credits and amounts are null where the request had them; balances and versions of accounts out of reach are null.
create type gateway_outcome as (
    position integer, code text, transfer bigint, at timestamptz, kind text, currency text,
    debit bigint, debit_balance bigint, debit_version bigint, credits bigint[], amounts bigint[],
    credit_balances bigint[], credit_versions bigint[], replayed boolean, metadata jsonb, expires_at timestamptz,
    account bigint, balance bigint, required bigint, available bigint, detail text);
