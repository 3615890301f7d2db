#!/bin/sh
# Makes the certificates that tests use, with OpenSSL 3, in this folder. Run it again when they have expired (2126).
# No program trusts them: the keys of the CAs are thrown away, so nothing else can ever be signed with them.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
days=36500
p256="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

# FILE SUBJECT
authority() {
  openssl req -x509 $p256 -days $days -subj "/CN=$2" -addext "keyUsage=critical,keyCertSign" \
    -keyout "$1.key" -out "$1.pem"
}

# NAME PURPOSE SUBJECT-ALTERNATIVE-NAMES [CA]
leaf() {
  openssl req $p256 -subj "/CN=$1" -keyout "$1.key" -out "$work/$1.csr"
  printf 'subjectAltName=%s\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' "$3" "$2" > "$work/$1.ext"
  ca=${4:-"$work/ca"}
  openssl x509 -req -in "$work/$1.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial -CAserial "$work/serial" \
    -days $days -extfile "$work/$1.ext" -out "$1.pem"
}

# NAME SUBJECT-ALTERNATIVE-NAMES: valid for one day of 2020, which only `openssl ca` can be told in every OpenSSL 3
expired_leaf() {
  openssl req $p256 -subj "/CN=$1" -keyout "$1.key" -out "$work/$1.csr"
  cat > "$work/$1.cnf" <<END
[ca]
default_ca = old
[old]
database = $work/index
new_certs_dir = $work
serial = $work/serial
default_md = sha256
policy = any
x509_extensions = leaf
unique_subject = no
[any]
commonName = supplied
[leaf]
subjectAltName = $2
extendedKeyUsage = serverAuth
basicConstraints = CA:FALSE
END
  : > "$work/index"
  openssl ca -batch -notext -config "$work/$1.cnf" -cert "$work/ca.pem" -keyfile "$work/ca.key" \
    -startdate 20200101000000Z -enddate 20200102000000Z -in "$work/$1.csr" -out "$1.pem"
}

local="DNS:localhost,IP:127.0.0.1,IP:::1"
authority "$work/ca" "Sockeye test CA"
authority "$work/other" "Another test CA"
cp "$work/ca.pem" ca.pem

leaf good serverAuth "$local"
leaf wrong-name serverAuth "DNS:elsewhere.invalid"
leaf unknown-root serverAuth "$local" "$work/other"
leaf client clientAuth "email:client@sockeye.invalid"
expired_leaf expired "$local"

# As people make one in a hurry: its own authority.
openssl req -x509 $p256 -days $days -subj "/CN=self-signed" -addext "subjectAltName=$local" \
  -keyout self-signed.key -out self-signed.pem
