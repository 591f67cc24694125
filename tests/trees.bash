# Sourced by the scripts that test on other releases of Debian, each in a debootstrap tree of its own. They
# set checkout and directory, where the trees stay, and output; for each tree, release and tree.

# The PostgreSQL that each release comes with.
declare -A major=([bookworm]=15 [trixie]=17 [forky]=18)
# In a tree: the copy of the checkout.
copy=/tokpay
child=

fail() { printf '%s\n' "$*" >&2; exit 1; }

# The first Debian archive among the host's package sources; its label is missing where apt has no lists.
host_mirror() {
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' 2>/dev/null |
        sed -nE '/^Debian https?:|^ https?:.*\/debian\/$/{s/^[^ ]* //p;q}' | grep . ||
        echo http://deb.debian.org/debian/
}

# Runs a command with mounts and processes of its own. They end with it, and it ends with this script,
# however that ends.
isolated() {
    local status
    setpriv --pdeathsig KILL unshare --mount --mount-proc --pid --ipc --fork --kill-child "$@" 9>&- &
    child=$!
    wait "$child"
    status=$?
    child=
    return "$status"
}

# Runs a command inside the tree; process 1, which some programs do not like to be, is a shell.
inside() {
    local environment=(HOME=/tmp LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
    local name
    for name in http_proxy https_proxy SEED ORACLE_OPERATIONS CONCURRENCY_SECONDS; do
        if [[ -n ${!name:-} ]]; then
            environment+=("$name=${!name}")
        fi
    done
    isolated bash -c '
        mount -t proc proc "$0/proc" &&
            mount --rbind /dev "$0/dev" &&
            mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm" &&
            chroot "$0" env -i "$@"
        exit $?
    ' "$tree" "${environment[@]}" "$@"
}

# One copy for all releases, of what git has or would add.
pack_checkout() {
    local -a list=(git -c safe.directory="$checkout" ls-files -z)
    comm -z -23 <("${list[@]}" --cached --others --exclude-standard | sort -zu) <("${list[@]}" --deleted | sort -zu) |
        tar --create --null --files-from=- --file="$directory/checkout.tar"
}

# The tree gets its name once it is whole. Older versions of debootstrap do not know the names of newer
# releases; its script for all of them is sid's. Its lists of packages are unsigned.
make_tree() {
    local -a include=()
    if [[ $mirror == https:* ]]; then
        include=(--include=ca-certificates)
    fi
    rm -rf "$tree.new"
    isolated debootstrap --variant=minbase --force-check-gpg "${include[@]}" \
        "$release" "$tree.new" "$mirror" sid || return
    rm -f "$tree.new"/var/lib/apt/lists/*_Packages
    echo force-unsafe-io >"$tree.new/etc/dpkg/dpkg.cfg.d/tokpay"
    mv "$tree.new" "$tree"
}

unpack_checkout() {
    rm -rf "${tree:?}$copy"
    mkdir "$tree$copy"
    tar --extract --no-same-owner --directory="$tree$copy" --file="$directory/checkout.tar"
}

# The mirror may be one whose dates the host does not check either.
use_mirror() {
    cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
    apt-config dump 2>/dev/null | grep '^Acquire::Check-' >"$tree/etc/apt/apt.conf.d/tokpay"
    echo "deb $mirror $release main" >"$tree/etc/apt/sources.list"
}

# Of a kind that instance/packages knows. What an interrupted run has left half installed comes first.
install_packages() {
    use_mirror
    inside dpkg --configure -a &&
        inside "$copy/instance/packages" "$1" &&
        inside apt-get clean
}

# False where there is no tree, and none can be made, which counts.
have_tree() {
    if [[ ! -d $tree ]]; then
        echo "Making a tree of Debian $release from $mirror, which takes minutes"
        make_tree >"$output" 2>&1 || {
            count "$release tree, for which the network is needed" 1 0 0
            return 1
        }
    fi
}

finish() {
    trap '' INT TERM HUP
    if [[ -n $child ]]; then
        kill -KILL "$child"
        wait "$child" 2>/dev/null
    fi
    echo "$passed passed, $failed failed"
    exit $((failed > 0))
}

# The make target, and its releases where RELEASES picks none. A tree's programs are nobody's but root's on
# the host.
begin_trees() {
    local target=$1
    RELEASES=${RELEASES:-"${*:2}"}
    for release in $RELEASES; do
        [[ " ${*:2} " == *" $release "* ]] || fail "RELEASES: $release is none of ${*:2}"
    done
    ((EUID == 0)) || fail "The trees need root:  sudo make $target"
    command -v debootstrap >/dev/null || fail "debootstrap is missing:  apt-get install debootstrap debian-archive-keyring"
    mkdir -p "$directory"
    chmod 700 "$directory"
    exec 9>"$directory/lock"
    flock --nonblock 9 || fail "something else is at work in $directory"
    pack_checkout || fail "The checkout could not be copied"
    mirror=$(host_mirror)
    eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy 2>/dev/null)"
    export http_proxy https_proxy
    trap finish EXIT
    trap 'failed=$((failed + 1)); echo "interrupted"; exit 130' INT TERM HUP
}
