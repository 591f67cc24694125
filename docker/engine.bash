# Sourced by docker/cluster: finding Docker and Compose, making the images.

compose=()

find_docker() {
    local message
    command -v docker >/dev/null ||
        fail "Docker is not installed. On Debian, as root:  apt-get install docker.io docker-compose debootstrap openssl"
    if ! message=$(docker version --format '{{.Server.Version}}' 2>&1); then
        case $message in
            *"permission denied"*)
                fail "user $(id -un) may not talk to Docker: be root, or in the group docker" ;;
            *)
                fail "Docker is installed but its daemon does not answer. Start it:  systemctl start docker" \
                    "(without systemd, as root:  setsid dockerd >/var/log/dockerd.log 2>&1 &). It said: $message" ;;
        esac
    fi
    if docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose=(docker-compose)
    else
        fail "Docker Compose is not installed. On Debian, as root:  apt-get install docker-compose"
    fi
    command -v openssl >/dev/null || fail "openssl is not installed. On Debian, as root:  apt-get install openssl"
}

compose() { "${compose[@]}" --project-name "$project" --file "$checkout/docker/compose.yml" "$@"; }

# Debian 13 as an image: pulled where there is a registry, made from Debian's packages elsewhere.
make_base_image() {
    docker image inspect tokpay-base:trixie >/dev/null 2>&1 || "$checkout/docker/base-image"
}

# The gateway's compilation is the long part, some ten minutes on two cores; the layers are kept until
# its sources change.
build_images() {
    local target log
    make_base_image
    mkdir -p "$home"
    log=$home/images.log
    : >"$log"
    for target in machine etcd pool front idp backup db gateway; do
        say "Image tokpay-$target:$TOKPAY_TAG"
        docker build --file "$checkout/docker/Dockerfile" --target "${target/#machine/common}" \
            --build-arg EXTENSION_FLAGS="${EXTENSION_FLAGS:-}" --build-arg EXTRA_PACKAGES="${EXTRA_PACKAGES:-}" \
            --tag "tokpay-$target:$TOKPAY_TAG" "$checkout" >>"$log" 2>&1 || {
            tail -n 30 "$log" >&2
            fail "the image could not be built; its log is $log"
        }
    done
}
