#!/bin/sh
# Makes the certificates that tests use, with OpenSSL 3, in this folder. Run it again when they have expired (2126).
# No program trusts them: the CA's key is thrown away, so nothing else can ever be signed with it.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
days=36500

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days \
  -subj "/CN=Sockeye test CA" -addext "keyUsage=critical,keyCertSign" -keyout "$work/ca.key" -out ca.pem

# NAME SUBJECT-ALTERNATIVE-NAMES
leaf() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$work/$1.csr"
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$2" > "$work/$1.ext"
  openssl x509 -req -in "$work/$1.csr" -CA ca.pem -CAkey "$work/ca.key" -CAcreateserial -CAserial "$work/serial" \
    -days $days -extfile "$work/$1.ext" -out "$1.pem"
}

leaf good "DNS:localhost,IP:127.0.0.1,IP:::1"
leaf wrong-name "DNS:elsewhere.invalid"
