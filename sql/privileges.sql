do $$
declare
    role text;
begin
    foreach role in array array['tokpay_reader', 'tokpay_teller', 'tokpay_funder', 'tokpay_admin'] loop
        begin
            execute format('create role %I nologin', role);
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
end $$;

grant tokpay_reader to tokpay_teller;
grant tokpay_teller to tokpay_funder;
grant tokpay_funder to tokpay_admin;

revoke all on schema tokpay from public;
revoke all on all tables in schema tokpay from public;
revoke all on all sequences in schema tokpay from public;
revoke all on all functions in schema tokpay from public;
revoke usage on type transfer_request, transfer_result, transfer_outcome, gateway_request, gateway_outcome from public;

grant usage on schema tokpay to tokpay_reader;
grant usage on type transfer_request, transfer_result, transfer_outcome, gateway_request, gateway_outcome to tokpay_reader;
grant select on currencies, accounts, transfers, entries, holds, receipts, stat to tokpay_reader;
grant execute on function
    account_id(text), balance(bigint), balances(bigint[]), verify(),
    balance_at(bigint, timestamptz), history(bigint, bigint, integer, timestamptz, timestamptz),
    transfer_by_key(bigint, text),
    leg_column(bigint[], integer), kind_name("char"), account_entries(bigint), epoch(), cluster_status(), statistics()
to tokpay_reader;
grant execute on function
    reaches(text, bigint), gateway_balances(bigint[], text[]), gateway_packed_balances(bigint[], text[]), gateway_account(bigint, text), gateway_accounts(text, bigint, integer),
    gateway_balance_at(bigint, timestamptz, text), gateway_transfer(bigint, text),
    gateway_transfer_by_key(bigint, text, text), gateway_holds(bigint, text, bigint, integer),
    gateway_entries(bigint, text, bigint, integer, timestamptz, timestamptz, text, text, bigint, bigint, bigint),
    gateway_summary(bigint, text, timestamptz, timestamptz, text, text),
    gateway_counterparties(bigint, text, timestamptz, timestamptz, integer),
    gateway_changes(bigint[], text[], bigint[], integer),
    gateway_preview(bigint, bigint[], bigint[], boolean, text), demo_funding_limits(),
    gateway_refunds(bigint, text)
to tokpay_reader;

grant execute on function
    transfer(bigint, bigint[], bigint[], text, text, jsonb), transfer_batch(transfer_request[]),
    hold(bigint, bigint[], bigint[], text, interval, text, jsonb), capture(bigint, bigint[], text),
    void(bigint, text), reverse(bigint, text, text), expire_holds(integer), gateway_batch(gateway_request[]),
    gateway_packed_batch(gateway_request[], integer)
to tokpay_teller;

grant execute on function top_up(bigint, bigint, text, text) to tokpay_funder;

grant select on api_keys, api_key_limits to tokpay_admin;
grant execute on function
    open_account(text, text, bigint, bigint, jsonb, text), set_limits(bigint, bigint, bigint),
    set_metadata(bigint, jsonb), freeze(bigint), unfreeze(bigint), close(bigint),
    add_currency(text, smallint), gateway_patch_account(bigint, text, jsonb, text),
    create_api_key(text, text[], bigint[], interval), revoke_api_key(bigint), set_api_key_limit(bigint, integer),
    authenticate(bytea[]), note_api_key_uses(bigint[]), start_cluster(), new_incarnation(),
    register_wallet(text, text, text, boolean, boolean, text, text, bigint), gateway_credentials(bytea[]),
    gateway_link_identity(bigint, text, text, text, boolean, boolean),
    gateway_begin_session(bigint, text, bytea, text, integer, integer, bytea), note_session_uses(bigint[], integer),
    gateway_sessions(bigint), gateway_end_session(bigint, bigint), gateway_profile(bigint), gateway_identities(bigint),
    gateway_update_profile(bigint, jsonb), gateway_resolve(bigint, bigint, text, text[]),
    gateway_recipients(bigint, text, integer), gateway_names(bigint[]),
    gateway_refund(bigint, bigint, bigint, text, text, text, boolean)
to tokpay_admin;
