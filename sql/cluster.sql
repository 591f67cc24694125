-- The cluster: its beginning and its epochs (extension/README.md, "Fences").

create or replace function epoch() returns text
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_epoch';

-- What this server knows of the cluster and of its own part in it, on any server.
create or replace function cluster_status(out role text, out epoch text, out standby text, out streaming boolean,
    out replicated pg_lsn, out local pg_lsn, out fences bigint, out waits bigint, out commits_gated bigint,
    out refused jsonb) returns setof record
language c volatile parallel restricted as 'MODULE_PATHNAME', 'tokpay_cluster_status';

-- Inside: what a function not in C++ calls when it has read all that it answers, and before it refuses. fence() is
-- always true, so that it can stand in an expression.
create or replace function fence() returns boolean
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_fence';

create or replace function fence_refusal() returns void
language c stable parallel restricted as 'MODULE_PATHNAME', 'tokpay_fence_refusal';

create or replace function cluster_changed() returns trigger
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_cluster_changed';

-- Inside: not_leader on a standby, and where this server is not set up for a cluster.
create or replace function require_cluster_setting() returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'tokpay_require_cluster_setting';

create or replace function start_cluster() returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform tokpay.require_cluster_setting();
    insert into tokpay.cluster (incarnation) values (1) on conflict do nothing;
end $$;

create or replace function new_incarnation() returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    begun bigint;
begin
    perform tokpay.require_cluster_setting();
    update tokpay.cluster set incarnation = incarnation + 1 returning incarnation into begun;
    if begun is null then
        raise exception using errcode = 'TP001', message = 'invalid request',
            detail = 'These books are no cluster''s.', hint = 'tokpay.start_cluster() makes them one.';
    end if;
    -- Who has signed out since then would be signed in again.
    update tokpay.wallet_session set ended_at = clock_timestamp() where ended_at is null;
    return begun;
end $$;
