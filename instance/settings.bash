# Sourced by instance/tokpay: the settings of PostgreSQL, PgBouncer, the demo provider and the gateway,
# written anew at every start, so that changed ports and paths take effect.

# A quarter of the memory, the container's where that is less; at least 128 MB, at most 2 GB.
shared_buffers_mb() {
    local memory_mb limit
    memory_mb=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
    limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || :)
    if [[ $limit =~ ^[0-9]+$ ]] && ((limit / 1048576 < memory_mb)); then
        memory_mb=$((limit / 1048576))
    fi
    local quarter=$((memory_mb / 4))
    echo $((quarter < 128 ? 128 : quarter > 2048 ? 2048 : quarter))
}

# postgresql.conf is initdb's and includes this one; ALTER SYSTEM goes past both and stays.
postgresql_settings() {
    cat <<END
listen_addresses = '127.0.0.1'
port = $PG_PORT
unix_socket_directories = '$home/socket'
max_connections = 200
password_encryption = 'scram-sha-256'
shared_buffers = $(shared_buffers_mb)MB
max_wal_size = 4GB
shared_preload_libraries = 'tokpay'
fsync = on
synchronous_commit = on
END
}

access_rules() {
    cat <<END
local  all  all                scram-sha-256
host   all  all  127.0.0.1/32  scram-sha-256
END
}

# A server that is back is used within a second; a client waits at most 5 s for a connection.
pgbouncer_settings() {
    cat <<END
[databases]
tokpay = host=$home/socket port=$PG_PORT dbname=tokpay

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $POOL_PORT
unix_socket_dir = $home/socket
auth_type = scram-sha-256
auth_file = $home/userlist.txt
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 20
query_wait_timeout = 5
server_connect_timeout = 1
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
END
}

# The administrator's password stays out: the pool is not for superusers.
pgbouncer_users() { sed -n '/^postgres /!s/^\(.*\) \(.*\)$/"\1" "\2"/p' "$home/passwords"; }

pool_uri() { echo "postgresql://$1:$(password_of "$1")@/tokpay?host=$home/socket&port=$POOL_PORT"; }

# Another site than the gateway's 127.0.0.1, so that a sign-in crosses sites here as it does elsewhere.
issuer() { echo "http://localhost:$OIDC_PORT"; }

provider_settings() {
    local url=http://127.0.0.1:$HTTP_PORT
    cat <<END
{
    "issuer": "$(issuer)",
    "key_file": "$home/provider-key",
    "clients": [{
        "client_id": "tokpay",
        "secret_file": "$home/provider-secret",
        "redirect_uris": ["$url/auth/callback/demo"],
        "post_logout_redirect_uris": ["$url/"]
    }]
}
END
}

wallet_settings() {
    cat <<END
provider = demo issuer=$(issuer) client-id=tokpay secret-file=$home/provider-secret label="Demo sign-in" payable-domains=demo.tokpay.example
welcome-credit = 10000
web = $home/web
END
}

gateway_settings() {
    cat <<END
listen = 127.0.0.1:$HTTP_PORT
admin-listen = 127.0.0.1:$ADMIN_PORT
database = $(pool_uri tokpay_gateway)
admin-database = $(pool_uri tokpay_gateway_admin)
demo-funding = on
END
    [[ -z ${PUBLIC_URL:-} ]] || echo "public-url = $PUBLIC_URL"
    [[ -z ${TRUSTED_PROXIES:-} ]] || echo "trusted-proxies = $TRUSTED_PROXIES"
    wallet_settings
}

write_settings() {
    local name
    postgresql_settings | write_as_server "$home/data/tokpay.conf"
    access_rules | write_as_server "$home/data/pg_hba.conf"
    pgbouncer_settings | write_private "$home/pgbouncer.ini" "$server_user"
    pgbouncer_users | write_private "$home/userlist.txt" "$server_user"
    provider_settings | write_private "$home/provider.json" "$server_user"
    gateway_settings | write_private "$home/gateway.conf" "$server_user"
    for name in "${ports[@]}"; do
        echo "$name=${!name}"
    done >"$home/running"
}
