# Sourced by instance/tokpay: starting, finding and stopping the server processes.

# Prints the pid of a part, or fails. A pid file may be missing, or stale and its number somebody else's by
# now: a part is known by its whole command line. The file says where to look first; then all processes of the
# servers' user are looked through.
pid_of() {
    local pid_file=$home/$1.pid command pid
    case $1 in
        postgresql) pid_file=$home/data/postmaster.pid command="*/postgres -D $home/data" ;;
        pgbouncer) command="*/pgbouncer $home/pgbouncer.ini" ;;
        provider) command="*/node $home/provider/server.mjs $home/provider.json" ;;
        gateway) command="$home/bin/tokpay-gateway --config $home/gateway.conf" ;;
    esac
    pid=$(head -n 1 "$pid_file" 2>/dev/null) || :
    if [[ $pid =~ ^[0-9]+$ ]] && has_command "$pid" "$command"; then
        echo "$pid"
        return
    fi
    for pid in $(find /proc -mindepth 1 -maxdepth 1 -name '[0-9]*' -user "$server_user" -printf '%f ' 2>/dev/null); do
        if has_command "$pid" "$command"; then
            echo "$pid"
            return
        fi
    done
    return 1
}

# Whether a process has a command line: pid, pattern.
has_command() {
    local -a words=()
    mapfile -d '' words 2>/dev/null <"/proc/$1/cmdline" || return 1
    # shellcheck disable=SC2053
    [[ ${words[*]} == $2 ]]
}

running() { pid_of "$1" >/dev/null; }

# PostgreSQL's processes that outlived a killed postmaster: they work in the data directory.
orphans() {
    local process
    for process in $(find /proc -mindepth 2 -maxdepth 2 -name cwd -lname "$home/data" -printf '%h ' 2>/dev/null); do
        if [[ $(readlink "$process/exe") == */postgres* ]]; then
            echo "${process#/proc/}"
        fi
    done
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Whether /readyz answers 200.
ready() {
    local status
    status=$({
        exec 3<>"/dev/tcp/127.0.0.1/$ADMIN_PORT" &&
            printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3 &&
            read -r -t 5 -u 3 _ code _ && echo "$code"
    } 2>/dev/null) && [[ $status == 200 ]]
}

# Starts a server in a session of its own, where the terminal's Ctrl-C does not reach it. The servers' user
# opens the log: the directory is that user's, and a link in it must not lead root elsewhere.
launch() {
    local part=$1
    shift
    (
        ulimit -Sn 65536 2>/dev/null || ulimit -Sn "$(ulimit -Hn)"
        exec "${as_server[@]}" sh -c 'exec "$@" >>"$0" 2>&1' "$home/log/$part.log" setsid "$@"
    ) </dev/null 9>&- &
    echo $! >"$home/$part.pid"
}

last_words() { "${as_server[@]}" tail -n 20 "$home/log/$1.log"; }

# Waits until a command succeeds while a part lives: part, seconds, command.
wait_until() {
    local part=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        if ! kill -0 "$(cat "$home/$part.pid")" 2>/dev/null || ((SECONDS >= deadline)); then
            last_words "$part" >&2
            fail "$part did not start; its log is $home/log/$part.log"
        fi
        sleep 0.1
    done
}

start_postgresql() {
    local message
    say "Starting PostgreSQL $pg_major on port $PG_PORT"
    message=$("${as_server[@]}" "$pg_bin/pg_ctl" start --silent --wait --timeout=120 \
        -D "$home/data" -l "$home/log/postgresql.log" 2>&1 9>&-) || {
        last_words postgresql >&2
        fail "PostgreSQL did not start; its log is $home/log/postgresql.log; $message"
    }
}

start_pgbouncer() {
    say "Starting PgBouncer on port $POOL_PORT"
    launch pgbouncer "$pgbouncer" "$home/pgbouncer.ini"
    wait_until pgbouncer 5 listening "$POOL_PORT"
}

# What runs is a copy, which the server user can reach and a build beside it does not touch: name, files.
copy_files() {
    rm -rf "${home:?}/$1"
    mkdir "$home/$1"
    cp -R "${@:2}" "$home/$1"
    chmod -R a+rX "$home/$1"
}

start_provider() {
    say "Starting the demo provider on port $OIDC_PORT"
    copy_files provider "$checkout"/instance/demo-provider/*.{mjs,js,css,json} "$checkout/build/demo-provider/node_modules"
    launch provider "$node" "$home/provider/server.mjs" "$home/provider.json"
    wait_until provider 20 listening "$OIDC_PORT"
}

start_gateway() {
    say "Starting the gateway on port $HTTP_PORT"
    copy_files web "$checkout"/build/web/*
    install -m 755 "$gateway" "$home/bin/tokpay-gateway"
    launch gateway "$home/bin/tokpay-gateway" --config "$home/gateway.conf"
    wait_until gateway "$ready_timeout_s" ready
}

# Stops one part: name, signal, seconds to wait, and the signal for one that does not heed the first.
stop_part() {
    local part=$1 signal=$2 wait_s=$3 last_signal=$4 pid deadline
    for signal in "$signal" "$last_signal"; do
        pid=$(pid_of "$part") || return 0
        kill -"$signal" "$pid"
        deadline=$((SECONDS + wait_s))
        while ((SECONDS < deadline)); do
            running "$part" || return 0
            sleep 0.1
        done
        say "$part (pid $pid) did not stop within $wait_s s of SIG$signal"
    done
    return 1
}

# Stops whatever runs; fails where nothing did. Nothing keeps it from going through all parts.
stop_parts() (
    set +e
    trap '' INT TERM HUP PIPE
    found=1
    rm -f "$home/running"
    for part in "${parts[@]}"; do
        running "$part" && found=0
    done
    stop_part gateway TERM 15 KILL
    stop_part pgbouncer TERM 5 KILL
    stop_part provider TERM 5 KILL
    stop_part postgresql INT 60 QUIT
    for _ in {1..100}; do
        pids=$(orphans)
        [[ -n $pids ]] || break
        found=0
        kill -KILL $pids 2>/dev/null
        sleep 0.1
    done
    # A killed postmaster leaves its lock files. PostgreSQL takes them over, unless the number in them
    # lives on: as a zombie that nobody has collected, or as somebody else's process.
    if ! running postgresql; then
        pid=$(head -n 1 "$home/data/postmaster.pid" 2>/dev/null)
        [[ -n $pid && -e /proc/$pid ]] && rm "$home/data/postmaster.pid"
        rm -f "$home"/socket/.s.*
    fi
    rm -f "$home"/{gateway,pgbouncer,provider}.pid
    exit $found
)
