#!/bin/sh
# Run once by the database's own entry point, after its setup and before others can connect: creates a token for each
# service, with no more rights than it needs, in a folder that only this service can read.
# `crampwatch init-stack --rotate --databases` renews these tokens while the database is running.
set -eu
umask 077

grant() {
  name=$1
  shift
  influx auth create --json --org "$DOCKER_INFLUXDB_INIT_ORG" --description "crampwatch $name" "$@" |
    sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' | tr -d '\n' >"/run/logins/$name/token.new"
  test -s "/run/logins/$name/token.new"
  mv "/run/logins/$name/token.new" "/run/logins/$name/token"
}

bucket=$DOCKER_INFLUXDB_INIT_BUCKET_ID
grant store --read-bucket "$bucket" --write-bucket "$bucket"
for name in web finaliser backup grafana; do
  grant "$name" --read-bucket "$bucket"
done

# InfluxQL finds the bucket by this name.
influx v1 dbrp create --org "$DOCKER_INFLUXDB_INIT_ORG" --bucket-id "$bucket" \
  --db "$DOCKER_INFLUXDB_INIT_BUCKET" --rp autogen --default >/dev/null
