#!/bin/sh
# Run once by the database's own entry point, after it was set up: a login that may only read, for Grafana.
set -eu
login=$(cat /run/secrets/influxdb-grafana-login)
influx v1 auth create \
  --org "$DOCKER_INFLUXDB_INIT_ORG" \
  --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
  --username "${login%%:*}" \
  --password "${login#*:}" >/dev/null
