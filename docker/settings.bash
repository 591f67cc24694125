# Sourced by docker/cluster: what each part gets to see, one directory a part, from the templates in
# docker/settings and patroni/patroni.yml and the secrets. Written anew by each make cluster.

# Fills in {{NAME}} of a template: variables of this script, passwords, and the machine.
render() {
    local template=$1 machine=${2:-} name text
    text=$(cat "$template")
    while read -r name; do
        case $name in
            MACHINE) text=${text//"{{MACHINE}}"/"$machine"} ;;
            PASSWORD_*) text=${text//"{{$name}}"/"$(password_of "${name#PASSWORD_}")"} ;;
            *) text=${text//"{{$name}}"/"${!name}"} ;;
        esac
    done < <(grep -o '{{[A-Za-z_]*}}' "$template" | tr -d '{}' | sort -u)
    printf '%s\n' "$text"
}

# Copies authority's certificate, and a certificate with its key under a name of its own.
give() {
    local directory=$1 authority=$2 name=$3 as=$4
    cp "$secrets/$authority-ca.crt" "$directory/"
    cp "$secrets/$authority-$name.crt" "$directory/$as.crt"
    cp "$secrets/$authority-$name.key" "$directory/$as.key"
}

roles_sql() {
    local name
    for name in tokpay_gateway tokpay_gateway_admin teller; do
        printf '\\set %s %s\n' "$name" "$(password_of "$name")"
    done
}

pool_users() {
    local name
    for name in tokpay_gateway tokpay_gateway_admin teller; do
        printf '"%s" "%s"\n' "$name" "$(password_of "$name")"
    done
}

# The machines in the order in which a gateway asks them: its own one first.
machines_from() {
    local machine
    echo "$1"
    for machine in "${machines[@]}"; do
        [[ $machine == "$1" ]] || echo "$machine"
    done
}

# Lines of gateway.conf: a database of each machine, and where its Patroni is.
gateway_members() {
    local own=$1 machine setting role
    for machine in $(machines_from "$own"); do
        for setting in database admin-database; do
            role=tokpay_gateway
            [[ $setting == database ]] || role=tokpay_gateway_admin
            printf '%s = postgresql://%s:%s@%s:6432/tokpay?sslmode=verify-full&sslrootcert=/etc/tokpay/postgresql-ca.crt\n' \
                "$setting" "$role" "$(password_of "$role")" "$machine"
        done
        printf 'patroni = https://%s:8008\n' "$machine"
    done
}

# What was acknowledged in an older incarnation may be missing from this one, so an operator says which
# one counts: restore and force-leader do.
incarnation() { cat "$home/incarnation" 2>/dev/null || echo 1; }

# FENCES=off, for mutations only: a cluster of which the extension knows nothing.
cluster_setting() {
    if [[ ${FENCES:-on} == on ]]; then
        PRELOAD=tokpay CLUSTER_SETTING='tokpay.cluster: "on"'
    else
        PRELOAD="''" CLUSTER_SETTING=
    fi
}

write_settings() {
    local machine directory
    local PRELOAD CLUSTER_SETTING MEMBERS INCARNATION
    INCARNATION=$(incarnation)
    cluster_setting
    for machine in "${machines[@]}"; do
        directory=$TOKPAY_SETTINGS/$machine
        mkdir -p "$directory"/{etcd,db,pool,gateway}
        render "$checkout/docker/settings/etcd.yml" "$machine" >"$directory/etcd/etcd.yml"
        [[ -e $directory/etcd/etcd-founders ]] || echo "${machines[*]}" >"$directory/etcd/etcd-founders"
        give "$directory/etcd" etcd "$machine" etcd

        render "$checkout/patroni/patroni.yml" "$machine" >"$directory/db/patroni.yml"
        render "$checkout/docker/settings/pgbackrest-machine.conf" >"$directory/db/pgbackrest.conf"
        roles_sql >"$directory/db/roles.sql"
        give "$directory/db" etcd "$machine" etcd
        give "$directory/db" patroni "$machine" patroni
        give "$directory/db" postgresql "$machine" postgresql
        give "$directory/db" postgresql replicator replicator
        give "$directory/db" postgresql rewinder rewinder
        give "$directory/db" backup "$machine" backup

        cp "$checkout/docker/settings/pgbouncer.ini" "$directory/pool/"
        pool_users >"$directory/pool/userlist.txt"
        give "$directory/pool" postgresql "$machine" postgresql

        MEMBERS=$(gateway_members "$machine")
        render "$checkout/docker/settings/gateway.conf" "$machine" >"$directory/gateway/gateway.conf"
        cp "$secrets/postgresql-ca.crt" "$directory/gateway/"
        give "$directory/gateway" patroni gateway patroni
        cp "$secrets/front-ca.crt" "$secrets/provider-secret" "$directory/gateway/"
    done
    mkdir -p "$TOKPAY_SETTINGS"/{front,idp,backup}
    render "$checkout/docker/settings/haproxy.cfg" >"$TOKPAY_SETTINGS/front/haproxy.cfg"
    cat "$secrets"/front-front.{crt,key} >"$TOKPAY_SETTINGS/front/front.pem"
    render "$checkout/docker/settings/provider.json" >"$TOKPAY_SETTINGS/idp/provider.json"
    cp "$secrets"/provider-{key,secret} "$TOKPAY_SETTINGS/idp/"
    render "$checkout/docker/settings/pgbackrest-backup.conf" >"$TOKPAY_SETTINGS/backup/pgbackrest.conf"
    give "$TOKPAY_SETTINGS/backup" backup backup backup
}
