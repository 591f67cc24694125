# Sourced by instance/tokpay: the directory of the instance, its lock, passwords and access files.

load_home() {
    check_owner "$run_dir"
    if [[ -L $run_dir/home ]]; then
        home=$(readlink "$run_dir/home")
        check_owner "$home"
    fi
}

# Root reads settings in these directories and writes files; whoever breaks into a server must not lay traps there.
check_owner() {
    ((EUID != 0)) || [[ $(stat -c %U "$1" 2>/dev/null) != "$server_user" ]] ||
        fail "$1 belongs to $server_user, the servers' user; it has to be root's"
}

# The ports of the running instance, whatever the environment says now.
load_ports() {
    if [[ -e $home/running ]]; then
        source "$home/running"
    fi
}

# The instance lives in RUN_DIR, unless the servers could not work there: then elsewhere, and
# RUN_DIR/home links to it. The name is new each time, so that a new RUN_DIR never finds old data.
choose_home() {
    local problem= base name
    load_home
    if [[ $home != "$run_dir" || -e $run_dir/data ]]; then
        return
    fi
    if [[ $run_dir =~ [^A-Za-z0-9/._+-] ]]; then
        problem="$run_dir has characters that settings cannot hold"
    elif ((${#run_dir} + ${#socket_name} > socket_path_limit)); then
        problem="$run_dir is too long for a socket's path"
    elif ! "${as_server[@]}" test -x "$run_dir"; then
        problem="user $server_user cannot reach $run_dir"
    else
        return 0
    fi
    base=/var/lib/tokpay
    ((EUID == 0)) || base=${XDG_STATE_HOME:-$HOME/.local/state}/tokpay
    mkdir -p "$base"
    name=$(printf %s "${run_dir//[^A-Za-z0-9]/-}" | tail -c 30)
    home=$(mktemp -d "$base/${name#-}-XXXXXX")
    chmod 755 "$home"
    ln -s "$home" "$run_dir/home"
    say "$problem: the data live in $home"
    ((${#home} + ${#socket_name} <= socket_path_limit)) || fail "$home is too long for a socket's path as well"
}

# One start or stop at a time. On a file system that has become read-only a stop can do its work all the same.
lock() {
    local problem
    check_owner "$run_dir"
    mkdir -p "$run_dir"
    if problem=$({ LC_ALL=C; : >>"$run_dir/lock"; } 2>&1); then
        exec 9>>"$run_dir/lock"
    elif [[ $problem == *"Read-only file system"* && ${1:-} == to-stop ]]; then
        say "$run_dir is on a read-only file system"
        exec 9<"$run_dir"
    else
        fail "$run_dir is not writable (${problem##*: }); whose TokPay is it?"
    fi
    flock --wait 120 9 || fail "another start or stop of $run_dir does not come to an end"
}

unlock() { exec 9>&-; }

make_directories() {
    mkdir -p "$home/bin"
    install -d -m 700 -o "$server_user" "$home/log" "$home/socket"
    # Logs from before the servers' user opened them itself.
    "${as_server[@]}" find "$home/log" -name '*.log' ! -writable -exec mv {} {}.old \;
}

# Writes stdin to a file that only its owner, a user, may read; the file is there whole or not at all.
write_private() {
    install -m 600 -o "$2" /dev/stdin "$1.new"
    mv "$1.new" "$1"
}

# The same in data/, which is the servers' user's: root writes nothing there, where a link could lead elsewhere.
write_as_server() { "${as_server[@]}" sh -c 'umask 077 && cat >"$0.new" && mv "$0.new" "$0"' "$1"; }

make_passwords() {
    local user
    if [[ -e $home/passwords ]]; then
        return
    fi
    for user in postgres tokpay_gateway tokpay_gateway_admin teller; do
        echo "$user $(openssl rand -hex 24)"
    done | write_private "$home/passwords" "$(id -un)"
}

# What the demo provider signs with, and what the gateway shows it; both run as one user.
make_provider_secrets() {
    if [[ ! -e $home/provider-key ]]; then
        openssl genrsa 2048 2>/dev/null | write_private "$home/provider-key" "$server_user"
    fi
    if [[ ! -e $home/provider-secret ]]; then
        openssl rand -hex 32 | write_private "$home/provider-secret" "$server_user"
    fi
}

password_of() { sed -n "s/^$1 //p" "$home/passwords"; }

# What users and scripts connect with.
write_uris() {
    local me
    me=$(id -un)
    echo "postgresql://postgres:$(password_of postgres)@127.0.0.1:$PG_PORT/tokpay" | write_private "$run_dir/pg-url" "$me"
    echo "postgresql://teller:$(password_of teller)@127.0.0.1:$POOL_PORT/tokpay" | write_private "$run_dir/pool-url" "$me"
}
