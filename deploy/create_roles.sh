#!/bin/sh
# The two roles and their database. The official PostgreSQL image runs this once, on an empty volume.
set -eu
psql -v ON_ERROR_STOP=1 -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" -U postgres <<'SQL'
CREATE ROLE comptroller_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE comptroller_app LOGIN PASSWORD :'app_password';
CREATE DATABASE comptroller OWNER comptroller_owner;
SQL
