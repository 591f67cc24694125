# Sourced by docker/cluster: certificates and passwords, made once and kept in RUN_DIR/cluster/secrets.
# Five authorities, so that a certificate opens one thing only: etcd, Patroni's REST interface,
# PostgreSQL, pgBackRest, or the front door as the gateways' way to the demo provider.

authorities=(etcd patroni postgresql backup front)
authority_days=3650
certificate_days=825

secrets=$home/secrets

# authority, request, days, file of the extensions, file to make, more options. Valid since yesterday: a machine whose
# clock is behind is not locked out by a new certificate.
sign() {
    local authority=$1 request=$2 days=$3 extensions=$4 out=$5 register
    register=$(mktemp -d "$secrets/register-XXXXXX")
    : >"$register/index"
    printf '%s\n' '[ca]' 'default_ca = any' '[any]' "database = $register/index" "new_certs_dir = $register" \
        'default_md = sha256' 'rand_serial = yes' 'policy = names' '[names]' 'organizationName = supplied' 'commonName = supplied' >"$register/settings"
    openssl ca -batch -notext -config "$register/settings" -keyfile "$secrets/$authority-ca.key" -in "$request" \
        -startdate "$(date --utc --date=yesterday +%Y%m%d%H%M%SZ)" -days "$days" -extfile "$extensions" \
        -out "$out.new" "${@:6}" >"$register/log" 2>&1 || { cat "$register/log" >&2; return 1; }
    rm -r "$register" "$request"
    mv "$out.new" "$out"
}

make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null; }

make_authority() {
    local name=$1
    [[ ! -e $secrets/$name-ca.crt ]] || return 0
    make_key "$secrets/$name-ca.key"
    openssl req -new -key "$secrets/$name-ca.key" -subj "/O=TokPay/CN=TokPay $name authority" -out "$secrets/$name-ca.csr"
    sign "$name" "$secrets/$name-ca.csr" "$authority_days" <(printf '%s\n' basicConstraints=critical,CA:TRUE \
        subjectKeyIdentifier=hash keyUsage=critical,keyCertSign,cRLSign) "$secrets/$name-ca.crt" -selfsign
}

# authority, common name, names of the server (none: a client's certificate)
make_certificate() {
    local authority=$1 name=$2 names=("${@:3}") extensions file=$secrets/$1-$2
    [[ ! -e $file.crt ]] || return 0
    # Python verifies strictly (RFC 5280): key identifiers on both sides, the use of an authority's key.
    extensions="basicConstraints=CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
keyUsage=digitalSignature
extendedKeyUsage=clientAuth,serverAuth"
    if ((${#names[@]})); then
        extensions+="
subjectAltName=$(printf ',%s' "${names[@]}" | cut -c 2-)"
    fi
    make_key "$file.key"
    openssl req -new -key "$file.key" -subj "/O=TokPay/CN=$name" -out "$file.csr"
    sign "$authority" "$file.csr" "$certificate_days" <(echo "$extensions") "$file.crt" -cert "$secrets/$authority-ca.crt"
}

make_passwords() {
    local name
    [[ ! -e $secrets/passwords ]] || return 0
    for name in patroni replicator rewinder repository tokpay_gateway tokpay_gateway_admin teller; do
        echo "$name $(openssl rand -hex 24)"
    done >"$secrets/passwords.new"
    mv "$secrets/passwords.new" "$secrets/passwords"
}

# What the demo provider signs with, and what the gateways show it.
make_provider_secrets() {
    [[ ! -e $secrets/provider-secret ]] || return 0
    openssl genrsa -out "$secrets/provider-key" 2048 2>/dev/null
    openssl rand -hex -out "$secrets/provider-secret.new" 32
    mv "$secrets/provider-secret.new" "$secrets/provider-secret"
}

password_of() { sed -n "s/^$1 //p" "$secrets/passwords"; }

make_secrets() {
    local authority machine
    mkdir -p "$secrets"
    make_passwords
    for authority in "${authorities[@]}"; do
        make_authority "$authority"
    done
    for machine in "${machines[@]}"; do
        # etcd checks the address of a member that connects, too.
        make_certificate etcd "$machine" "DNS:$machine" DNS:localhost IP:127.0.0.1 "IP:$CLUSTER_NET.1${machine#machine}"
        make_certificate patroni "$machine" "DNS:$machine" DNS:localhost
        make_certificate postgresql "$machine" "DNS:$machine" DNS:localhost
        make_certificate backup "$machine" "DNS:$machine"
    done
    make_certificate patroni gateway
    make_certificate postgresql replicator
    make_certificate postgresql rewinder
    make_certificate backup backup DNS:backup
    make_certificate front front DNS:front
    make_provider_secrets
}
