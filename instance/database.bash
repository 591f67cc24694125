# Sourced by instance/tokpay: the PostgreSQL cluster and what is in it before the gateway starts.
# Every step can be repeated, so that a start that was interrupted goes on at the next one.

# The data directory gets its name once it is whole.
make_cluster() {
    local message
    if [[ -d $home/data ]]; then
        return
    fi
    say "Making a PostgreSQL $pg_major cluster in $home/data"
    rm -rf "$home/data.new"
    install -d -m 700 -o "$server_user" "$home/data.new"
    password_of postgres | write_private "$home/initdb-password" "$server_user"
    message=$("${as_server[@]}" "$pg_bin/initdb" --pgdata="$home/data.new" --username=postgres \
        --pwfile="$home/initdb-password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --data-checksums 2>&1) || fail "initdb failed: $message"
    rm "$home/initdb-password"
    echo "include 'tokpay.conf'" | "${as_server[@]}" tee -a "$home/data.new/postgresql.conf" >/dev/null
    mv "$home/data.new" "$home/data"
    rm -f "$run_dir/api-key" "$home/demo-loaded"
}

# psql as administrator in a database.
administer() {
    PGPASSWORD=$(password_of postgres) "$pg_bin/psql" --no-psqlrc --quiet --no-align --tuples-only \
        --set ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PG_PORT" -U postgres -d "$1" "${@:2}"
}

set_up_database() {
    administer postgres <<'END'
select 'create database tokpay' where not exists (select from pg_database where datname = 'tokpay') \gexec
END
    administer tokpay <<END
set client_min_messages = warning;
create extension if not exists tokpay;
select 'alter extension tokpay update' from pg_available_extensions
where name = 'tokpay' and installed_version <> default_version \gexec
select format('create role %I login password %L in role %I', name, password, role)
from (values
    ('tokpay_gateway', '$(password_of tokpay_gateway)', 'tokpay_teller'),
    ('tokpay_gateway_admin', '$(password_of tokpay_gateway_admin)', 'tokpay_admin'),
    ('teller', '$(password_of teller)', 'tokpay_teller')
) as wanted (name, password, role)
where not exists (select from pg_roles where rolname = name) \gexec
-- What it refuses a client is no news, and would fill the disk; of what goes wrong the gateway's own log tells.
alter role tokpay_gateway set log_min_messages = fatal;
alter role tokpay_gateway_admin set log_min_messages = fatal;
grant execute on function tokpay.gateway_demo_top_up(bigint, bigint, text, text) to tokpay_gateway_admin;
END
    # Another port makes the demo provider another issuer, for the same people.
    if [[ $(cat "$home/demo-loaded" 2>/dev/null) != "$(issuer)" ]]; then
        administer tokpay --single-transaction --output=/dev/null --set issuer="$(issuer)" --file="$checkout/sql/demo.sql"
        issuer >"$home/demo-loaded"
    fi
}

make_api_key() {
    if [[ ! -s $run_dir/api-key ]]; then
        administer tokpay --command="select tokpay.create_api_key('administrator', array['admin'])" |
            write_private "$run_dir/api-key" "$(id -un)"
    fi
}
