# Sourced by docker/cluster: asking and telling the machines' parts.

# The container of a part: machine, part; or a part that belongs to no machine.
container() {
    local -a filter=(--filter "label=com.docker.compose.project=$project")
    if (($# == 2)); then
        filter+=(--filter "label=tokpay.machine=${1#machine}" --filter "label=tokpay.part=$2")
    else
        filter+=(--filter "label=tokpay.part=$1")
    fi
    docker ps --all --quiet "${filter[@]}" | head -n 1
}

container_runs() {
    local id
    id=$(container "$@")
    [[ -n $id && $(docker inspect --format '{{.State.Running}}{{.State.Paused}}' "$id") == truefalse ]]
}

# A command in a machine's database container, as the database's user: machine, command. Nobody waits for ever
# for a frozen machine; limit_s is for what takes longer than ten minutes.
on_database() {
    local machine=$1 id
    shift
    id=$(container "$machine" db)
    [[ -n $id ]] && timeout "${limit_s:-600}" docker exec -i -u postgres "$id" "$@"
}

# Administrator's SQL on a machine's own database: machine, database, psql's arguments.
administer() {
    on_database "$1" psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 \
        -h /run/postgresql -U postgres -d "$2" "${@:3}"
}

# The machine that holds the lock in etcd, where its database has finished promoting.
leader() {
    local machine holder
    for machine in "${machines[@]}"; do
        if container_runs "$machine" etcd &&
            holder=$(etcdctl_on "$machine" get --print-value-only /patroni/tokpay/leader 2>/dev/null); then
            [[ -n $holder ]] && container_runs "$holder" db && not_in_recovery "$holder" && echo "$holder"
            return
        fi
    done
    return 1
}

not_in_recovery() { [[ $(administer "$1" postgres --command='select pg_is_in_recovery()' 2>/dev/null) == f ]]; }

# The standby whose acknowledgements count, by the leader's own word.
synchronous_standby() {
    administer "$1" postgres --command="
        select application_name from pg_stat_replication
        where sync_state = 'sync' and state = 'streaming' and current_setting('synchronous_standby_names') <> '*'"
}

etcdctl_on() {
    local machine=$1 id
    shift
    id=$(container "$machine" etcd)
    [[ -n $id ]] && timeout 30 docker exec -i "$id" etcdctl --cacert=/etc/tokpay/etcd-ca.crt \
        --cert=/etc/tokpay/etcd.crt --key=/etc/tokpay/etcd.key "$@"
}

gateway_ready() {
    [[ $(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' \
        "http://127.0.0.1:1909${1#machine}/readyz") == 200 ]]
}

# Waits until a command succeeds: seconds, what is waited for, command.
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        ((SECONDS < deadline)) || fail "waited long enough for $what; docker logs tells more"
        sleep 1
    done
}
