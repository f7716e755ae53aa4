#!/bin/sh
# Run once, by the database's first start: the role that the service runs as. Its rights come from `lodeline-server roles`.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
  --set password="$(cat /run/secrets/api-password)" <<'SQL'
CREATE ROLE lodeline_api LOGIN PASSWORD :'password';
SQL
