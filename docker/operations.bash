# Sourced by docker/cluster: the daily operations.

# Volumes without their secrets are of no use, and a new cluster must not begin over an old one's data.
check_volumes() {
    [[ -e $secrets/passwords ]] || [[ -z $(docker volume ls --quiet --filter "name=^${project}_machine[123]-data$") ]] ||
        fail "there are data of a cluster whose secrets are not in $home; RUN_DIR= says where they are," \
            "docker/cluster remove removes the data"
}

has_leader() { leader >/dev/null; }

has_synchronous_standby() {
    local leader
    leader=$(leader) && [[ -n $(synchronous_standby "$leader") ]]
}

# From now on no etcd member begins a cluster of its own (docker/run-etcd).
mark_founded() {
    local machine
    for machine in "${machines[@]}"; do
        echo none >"$TOKPAY_SETTINGS/$machine/etcd/etcd-founders"
    done
}

make_api_key() {
    [[ ! -s $run_dir/cluster-api-key ]] || return 0
    administer "$(leader)" tokpay --command="select tokpay.create_api_key('administrator', array['admin'])" \
        >"$run_dir/cluster-api-key.new"
    mv "$run_dir/cluster-api-key.new" "$run_dir/cluster-api-key"
}

pgbackrest() {
    local id
    id=$(container backup)
    [[ -n $id ]] || fail "the backup repository does not run; docker/cluster start starts it"
    docker exec -i -u backup "$id" pgbackrest --stanza=tokpay "$@"
}

has_backup() { pgbackrest info --output=json | grep -q '"label"'; }

# The repository's first steps; every one can be repeated.
make_repository() {
    if ! has_backup; then
        pgbackrest --log-level-console=warn stanza-create
        say "Taking the first base backup"
        pgbackrest --log-level-console=warn --type=full backup
    fi
}

wait_for_gateways() {
    local machine
    for machine in "${machines[@]}"; do
        ! container_runs "$machine" gateway || wait_until 120 "$machine's gateway to be ready" gateway_ready "$machine"
    done
}

up() {
    find_docker
    { mkdir -p "$run_dir" && [[ -w $run_dir ]]; } || fail "$run_dir is not writable"
    check_volumes
    [[ ${BUILD:-yes} == no ]] || build_images
    make_secrets
    write_settings
    say "Starting three machines"
    bring_up --remove-orphans
}

# Brings back what does not run, as it was. Nothing is built, no settings are written, and no container that is
# there is made anew: whatever has changed in the checkout or in the environment leaves the leader alone.
start() {
    find_docker
    [[ -e $secrets/passwords ]] || fail "there is no cluster in $home; make cluster makes one"
    say "Starting what does not run"
    bring_up --no-recreate
}

bring_up() {
    compose up --detach "$@" >>"$home/compose.log" 2>&1 || {
        tail -n 20 "$home/compose.log" >&2
        fail "Compose did not start the cluster; its log is $home/compose.log"
    }
    wait_until 300 "a leader" has_leader
    mark_founded
    wait_until 300 "a synchronous standby" has_synchronous_standby
    make_api_key
    wait_for_gateways
    make_repository
    say "The cluster runs after $SECONDS s; leader $(leader)"
    say "  URL      http://127.0.0.1:$HTTP_PORT/   each gateway: http://127.0.0.1:18081/ to 18083, admin ports 19091 to 19093"
    say "  API key  $run_dir/cluster-api-key"
}

# Gateways first, so that what clients were promised is answered; the leader before its standbys, so that
# a standby on its way down does not make it look for another one.
stop() {
    local machine leader part
    find_docker
    leader=$(leader) || leader=
    for part in front gateway pool; do
        stop_parts "$part"
    done
    [[ -z $leader ]] || docker stop --time 60 "$(container "$leader" db)" >/dev/null
    stop_parts db
    compose down --timeout 30 >>"$home/compose.log" 2>&1 || fail "Compose did not stop; its log is $home/compose.log"
    say "The cluster is stopped; the data stay in Docker's volumes"
}

stop_parts() {
    docker ps --quiet --filter "label=com.docker.compose.project=$project" --filter "label=tokpay.part=$1" |
        xargs --no-run-if-empty docker stop --time 60 >/dev/null
}

remove() {
    find_docker
    make_secrets
    compose down --volumes --timeout 5
    rm -rf "$home" "$run_dir/cluster-api-key"
    say "The cluster, its data and its secrets are gone"
}

switchover() {
    local leader standby begin
    find_docker
    leader=$(leader) || fail "there is no leader to change"
    standby=$(synchronous_standby "$leader")
    [[ -n $standby ]] || fail "no synchronous standby is streaming; only that one may take over"
    begin=$(date +%s%N)
    on_database "$leader" patronictl switchover tokpay --leader "$leader" --candidate "$standby" --force >&2
    until [[ $(leader) == "$standby" ]]; do
        (($(date +%s%N) - begin < 60000000000)) || fail "$standby has not become leader within a minute"
        sleep 0.2
    done
    wait_until 60 "a synchronous standby" has_synchronous_standby
    say "Leader $standby, before $leader; $((($(date +%s%N) - begin) / 1000000)) ms until commits went on"
}

backup() {
    find_docker
    pgbackrest --log-level-console=warn --type="${TYPE:-diff}" backup
    pgbackrest info
}

# What a machine's database says of itself, as psql prints it.
database_line() {
    administer "$1" postgres --field-separator=' ' --command="
        select case when pg_is_in_recovery() then 'standby' else 'primary' end,
            coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint())),
            case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                else pg_current_wal_flush_lsn() end,
            coalesce((select status from pg_stat_wal_receiver), '-')" 2>/dev/null
}

epoch() { administer "$1" tokpay --command='select tokpay.epoch()' 2>/dev/null || echo -; }

status() {
    local machine leader standby= healthy=true part etcd role timeline position receiver word lag
    find_docker
    leader=$(leader) || leader=
    if [[ -z $leader ]]; then
        say "leader   none"
        healthy=false
    else
        standby=$(synchronous_standby "$leader")
        say "leader   $leader, epoch $(epoch "$leader")"
        say "standby  ${standby:-none that is synchronous: nothing commits}"
        [[ -n $standby ]] || healthy=false
    fi
    for machine in "${machines[@]}"; do
        word=down timeline=- position=- receiver=- lag=-
        if container_runs "$machine" db && read -r role timeline position receiver < <(database_line "$machine"); then
            case $role in
                primary) word=primary; [[ $machine != "$leader" ]] || word=leader ;;
                *) word=standby; [[ $machine != "$standby" ]] || word="synchronous standby" ;;
            esac
            if [[ -n $leader && $machine != "$leader" ]]; then
                lag=$(administer "$leader" postgres --command="select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '$position')") || lag=-
            fi
        else
            timeline=- position=- receiver=-    # read has emptied them
        fi
        etcd=down
        if container_runs "$machine" etcd && etcdctl_on "$machine" endpoint health >/dev/null 2>&1; then etcd=up; fi
        printf '%-9s%-20s timeline %-3s at %-12s lag %-10s receiver %-10s etcd %-5s' \
            "$machine" "$word" "$timeline" "$position" "$lag" "$receiver" "$etcd"
        for part in pool gateway; do
            if container_runs "$machine" "$part"; then printf '%s up  ' "$part"; else
                printf '%s DOWN  ' "$part"
                healthy=false
            fi
        done
        if gateway_ready "$machine"; then say ready; else
            say "not ready"
            healthy=false
        fi
        [[ $etcd == up ]] || healthy=false
        case $word in
            leader) ;;
            standby | "synchronous standby") [[ $receiver == streaming ]] || healthy=false ;;
            *) healthy=false ;;
        esac
    done
    if $healthy; then say "healthy"; else
        say "NOT healthy"
        return 1
    fi
}
