# Sourced by docker/cluster: what only an operator decides. Both begin a new incarnation: what was
# acknowledged before may be missing, and the gateways say so by the epoch's first number.

data_dir=/var/lib/postgresql/17/main
pg_bin=/usr/lib/postgresql/17/bin

# Ends Patroni and PostgreSQL of a machine; its container goes on.
put_down() {
    local machine=$1
    on_database "$machine" sv -w 60 down /run/service/patroni >&2 || :
    on_database "$machine" sv down /run/service/agent >&2 || :
    # A Patroni that was dead or frozen has left its database running.
    on_database "$machine" bash -c "$pg_bin/pg_ctl stop -D $data_dir -m immediate -t 30 >/dev/null 2>&1 || :"
}

put_up() { on_database "$1" sv up /run/service/patroni /run/service/agent >&2; }

# PostgreSQL without Patroni and for nobody but its own administrator: no network, and commits that wait
# for no standby.
start_alone() {
    limit_s=3700 on_database "$1" "$pg_bin/pg_ctl" start --silent --wait --timeout=3600 -D "$data_dir" -l /tmp/alone.log \
        -o "-c listen_addresses='' -c synchronous_standby_names='' -c config_file=$data_dir/postgresql.conf" >&2 || {
        on_database "$1" tail -n 20 /tmp/alone.log >&2 || :
        fail "PostgreSQL did not start on $1"
    }
}

stop_alone() { on_database "$1" "$pg_bin/pg_ctl" stop --silent --wait --timeout=120 -D "$data_dir" -m fast >&2; }

# What Patroni knows of the cluster goes; the members begin anew around the one that has the data.
forget_cluster() { etcdctl_on "$1" del --prefix /patroni/tokpay/ >/dev/null; }

# Begins a new incarnation in a machine's books, and has the gateways accept it; prints its number.
begin_incarnation() {
    local machine=$1 number
    number=$(administer "$machine" tokpay --command='select tokpay.new_incarnation()')
    echo "$number" >"$home/incarnation"
    write_settings
    docker ps --quiet --filter "label=com.docker.compose.project=$project" --filter label=tokpay.part=gateway |
        xargs --no-run-if-empty docker restart --time 5 >/dev/null
    echo "$number"
}

# Prints a time in UTC, as PostgreSQL and pgBackRest read it, if a restore can go there: the time, in any words
# of date's (UTC where they name no zone), and what `pgbackrest info --output=json` says.
restore_target() {
    local to oldest
    to=$(date --utc --date="$1" '+%F %T.%6N+00' 2>/dev/null) || fail "'$1' is not a time"
    oldest=$(grep -o '"timestamp":{"start":[0-9]*,"stop":[0-9]*' <<<"$2" | sed 's/.*://' | sort -n | head -n 1) || :
    [[ -n $oldest ]] || fail "there is no backup"
    (($(date --date="$to" +%s%6N) <= $(date +%s%6N))) || fail "$to is still to come"
    (($(date --date="$to" +%s) > oldest)) ||
        fail "$to is not after the end of the oldest backup, $(date --utc --date="@$oldest" '+%F %T+00')"
    echo "$to"
}

# Brings the cluster back to a moment: every machine stops, one is restored, the others copy it.
restore() {
    local to=$1 machine first standby='' now='' incarnation begin=$SECONDS
    find_docker
    [[ -n $to ]] || fail "to which time?  make restore TO='2026-11-26 12:00:00+00'"
    to=$(restore_target "$to" "$(pgbackrest info --output=json)")
    for machine in "${machines[@]}"; do
        container_runs "$machine" db || fail "$machine's database container does not run; docker/cluster start starts it"
    done
    # What has happened up to now is in the archive, should the restore have been a mistake; after it a
    # commit, by which a recovery sees that it has come to its target. It writes no WAL before, so waits for nobody.
    if first=$(leader); then
        now=$(date --utc +%FT%T.%6N+00)
        standby=$(synchronous_standby "$first") || :
        say "Last write-ahead log of the old incarnation: $(administer "$first" postgres \
            --command='select pg_current_xact_id()' --command='select pg_switch_wal()' | tail -n 1)"
        on_database "$first" pgbackrest --stanza=tokpay --archive-timeout=20 check >/dev/null 2>&1 ||
            say "Its archive is not complete"
        echo "$first $now $standby" >"$home/restoring"
    else    # the repetition of one that ended half-way, or nobody has led before
        read -r first now standby 2>/dev/null <"$home/restoring" || first=${machines[0]}
    fi
    # shellcheck disable=SC2064
    trap "tell_half_way '$now' '$standby'" EXIT
    # The leader last: nobody is to take over. Before it the standby that has all that was acknowledged.
    for machine in $(printf '%s\n' "${machines[@]}" | grep -vxF -e "$first" -e "$standby") $standby "$first"; do
        say "Stopping $machine"
        put_down "$machine"
    done
    forget_cluster "$first"
    say "Restoring $first to $to"
    limit_s=86400 on_database "$first" pgbackrest --stanza=tokpay --delta --type=time --target="$to" --target-action=promote \
        --log-level-console=warn restore || fail "pgBackRest could not restore; the other machines' data are untouched"
    start_alone "$first"
    wait_until 3600 "the end of recovery" recovery_ended "$first"
    # There is a new history now, and whatever is later than its beginning would be looked for in it.
    echo "$first" >"$home/restoring"
    # shellcheck disable=SC2064
    trap "tell_half_way '' '$standby'" EXIT
    incarnation=$(begin_incarnation "$first")
    stop_alone "$first"
    go_on_with "$first"
    trap - EXIT
    rm -f "$home/restoring"
    say "The cluster is as it was at $to, incarnation $incarnation, after $((SECONDS - begin)) s."
    say "What was acknowledged after that time is gone: clients find its keys unused, and may use them again."
}

# PostgreSQL ends itself where the archive ends before the target.
recovery_ended() {
    not_in_recovery "$1" || {
        on_database "$1" "$pg_bin/pg_ctl" status -D "$data_dir" >/dev/null || {
            on_database "$1" tail -n 20 /tmp/alone.log >&2 || :
            fail "PostgreSQL has ended on $1 before it had recovered"
        }
        return 1
    }
}

# What an operator needs when a restore ends half-way: when it began, and the synchronous standby of then, if known.
tell_half_way() {
    cat >&2 <<END
cluster: THE RESTORE HAS ENDED HALF-WAY. Repeat it, to the same time or another${1:+; it began at $1, and going there undoes it}.
Where the repository cannot be read: patroni/README.md, "A restore that ended half-way". Up to the first line
'Rebuilding' the data of ${2:-the other two machines} are whole.
END
}

# The others are rebuilt from the machine that has the data; a backup of the new history is taken.
go_on_with() {
    local first=$1 machine
    put_up "$first"
    wait_until 120 "$first to lead" leads "$first"
    for machine in "${machines[@]}"; do
        if [[ $machine != "$first" ]] && container_runs "$machine" db; then
            say "Rebuilding $machine from $first"
            on_database "$machine" find "$data_dir" -mindepth 1 -delete
            put_up "$machine"
        fi
    done
    wait_until 600 "a synchronous standby" has_synchronous_standby
    wait_for_gateways
    say "Taking a base backup of the new incarnation"
    pgbackrest --log-level-console=warn --type=full backup
}

leads() { [[ $(leader) == "$1" ]]; }


# What stands in a volume of a container that does not run.
empty_volume() {
    local id
    id=$(container "$1" "$2")
    [[ -z $id ]] || docker run --rm --network none --volumes-from "$id" "tokpay-machine:$TOKPAY_TAG" rm -rf "$3"
}

# Where the books of this machine end, and what etcd's copy here still knows about those of the others.
report_loss() {
    local machine=$1 known last_leader last_position standby position
    known=$(etcdctl_on "$machine" get --consistency=s --prefix /patroni/tokpay/ --print-value-only 2>/dev/null || :)
    last_leader=$(sed -n 's/.*"leader":"\(machine[123]\)".*"sync_standby":.*/\1/p' <<<"$known" | head -n 1)
    standby=$(sed -n 's/.*"sync_standby":"\(machine[123]\)".*/\1/p' <<<"$known" | head -n 1)
    last_position=$(sed -n 's/.*"optime":\([0-9]*\).*/\1/p' <<<"$known" | head -n 1)
    position=$(administer "$machine" postgres --command="select case when pg_is_in_recovery()
        then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_flush_lsn() end" || :)
    say "Last leader ${last_leader:-unknown}, its synchronous standby ${standby:-unknown or none}"
    say "  the leader's position, told within its last seconds: ${last_position:+$(position_text "$last_position")}"
    say "  position of $machine: ${position:-unknown}"
    case $machine in
        "$standby" | "$last_leader") say "Nothing acknowledged is lost: $machine had to have it all" ;;
        *) say "MAY BE LOST: what was acknowledged after ${position:-that position}; $machine was not waited for" ;;
    esac
}

position_text() { printf '%X/%08X' $(($1 >> 32)) $(($1 & 0xffffffff)); }

# Goes on with one machine where the other two will never come back.
force_leader() {
    local machine=$1 other incarnation begin=$SECONDS
    [[ $machine != [123] ]] || machine=machine$machine
    find_docker
    [[ " ${machines[*]} " == *" $machine "* ]] || fail "which machine goes on?  make force-leader MACHINE=machine2"
    container_runs "$machine" db || fail "$machine's database container does not run"
    for other in "${machines[@]}"; do
        if [[ $other != "$machine" ]] && { container_runs "$other" db || container_runs "$other" etcd; }; then
            fail "$other runs. Only where the other two are gone for good may $machine go on alone:" \
                "whatever still lives there would be a second truth. Stop it first, and know that its data will be removed"
        fi
    done
    report_loss "$machine"
    put_down "$machine"
    for other in "${machines[@]}"; do
        if [[ $other != "$machine" ]]; then
            say "Removing the data of $other: they belong to a past that is over"
            empty_volume "$other" db "$data_dir"
            empty_volume "$other" etcd /var/lib/etcd/data
        fi
    done
    say "Beginning etcd anew on $machine"
    docker stop --time 10 "$(container "$machine" etcd)" >/dev/null
    empty_volume "$machine" etcd /var/lib/etcd/data
    echo "$machine" >"$TOKPAY_SETTINGS/$machine/etcd/etcd-founders"
    docker start "$(container "$machine" etcd)" >/dev/null
    wait_until 60 "etcd" etcdctl_on "$machine" endpoint health
    echo none >"$TOKPAY_SETTINGS/$machine/etcd/etcd-founders"

    start_alone "$machine"
    if ! not_in_recovery "$machine"; then
        on_database "$machine" "$pg_bin/pg_ctl" promote --silent --wait -D "$data_dir" >&2
    fi
    incarnation=$(begin_incarnation "$machine")
    stop_alone "$machine"
    put_up "$machine"
    wait_until 120 "$machine to lead" leads "$machine"
    say "$machine leads, incarnation $incarnation, after $((SECONDS - begin)) s. Nothing commits until a second"
    say "machine has copied it: docker/cluster start brings the other two, empty."
}
