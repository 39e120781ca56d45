# shellcheck shell=bash disable=SC2034
# What up, down, restart, psql and token share: where things are, and how a process of the stack is
# started, recognised and stopped. Sourced, never run. Sets `set -euo pipefail` for whoever sources
# it.
#
# In the home directory:
#   ports            NAME PORT, one a line: gateway, gateway-mtls (for clients with a certificate),
#                    and NAME and NAME-admin of every service
#   run/NAME.pid     process id and start time, which together name one process: an id that was
#                    given to another process is never mistaken for it
#   run/NAME.command the command line, one argument a line, from which ./restart starts it again
#   log/NAME.log     what the process says; log/setup.log what the tools of `up` said
#   postgres/        location (data and socket directory), and the data itself where PostgreSQL's
#                    user can reach it
#   certificates/    the development CA, NAME.crt and NAME.key of every service, of operator and of
#                    auditor, and localhost.crt for HTTPS
#   auth-keys/       the keys that sign access tokens
#   auth-secrets/    data.keys, which encrypt secrets in the database of auth
#   accounts-secrets/ data.keys, which seal customers' keys in the database of accounts, and
#                    index.keys, which make the indexes by e-mail address and phone number
#   mail/            a file for each message that was sent
#   redis/           the directory and the socket of Redis, with `up --with-redis`
#   audit-keys/      SERVICE.pem, which signs the heads of the service's audit trail, and its public
#                    half SERVICE.pub.pem
#   ledger-keys/     ledger-log.pem, which signs the ledger's log, and its public half
#                    ledger-log.pub.pem
#   env              for users to source
set -euo pipefail

local_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$local_dir/../.." && pwd)
home=$repo/.florin
# In the order of their start: whoever is called comes before its callers.
services=(ledger auth accounts payments gateway)
database_services=(ledger auth accounts payments)
# People and their tools, who call the ledger and have a certificate as a service has.
people=(operator auditor)
postgres_bin=/usr/lib/postgresql/15/bin

# say TEXT: a line of progress with the seconds since the start.
say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

# fail TEXT LOG NEXT: ends the script, naming the log file and what to do.
fail() {
  {
    printf '\n%s: %s\n' "$(basename "$0")" "$1"
    if [ -n "${2:-}" ] && [ -s "$2" ]; then
      printf 'the end of %s:\n' "$2"
      tail -n 8 "$2" | cut -c -400 | sed 's/^/    /'
    fi
    [ -z "${3:-}" ] || printf 'next step: %s\n' "$3"
  } >&2
  exit 1
}

# set_home DIR: makes it the absolute path of an existing directory.
set_home() {
  mkdir -p "$1" || fail "cannot create $1" '' 'choose another directory with --home'
  home=$(cd "$1" && pwd)
}

port_of() { awk -v name="$1" '$1 == name { print $2 }' "$home/ports"; }

is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start_time PID: its start in clock ticks since boot; fails if there is no such process or it is a
# zombie.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The command name may hold spaces: what follows its closing parenthesis is regular.
  read -ra fields <<<"${stat##*) }"
  # The first thread of a killed process can be gone before others, who still hold its port.
  local tasks=("/proc/$1/task"/*)
  [[ ${fields[0]} == [ZX] && ${#tasks[@]} -le 1 ]] && return 1
  echo "${fields[19]}"
}

# pid_of NAME: the process id of the stack's process, if that very process still runs.
pid_of() {
  local pid started
  read -r pid started 2>/dev/null <"$home/run/$1.pid" || return 1
  [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

# launch NAME COMMAND…: starts it in a session of its own, recorded, its output in its log.
launch() {
  local name=$1 pid
  shift
  mkdir -p "$home/run" "$home/log"
  printf '%s\n' "$@" >"$home/run/$name.command"
  setsid "$@" </dev/null >>"$home/log/$name.log" 2>&1 &
  pid=$!
  disown "$pid"
  echo "$pid $(start_time "$pid" || echo 0)" >"$home/run/$name.pid"
}

# relaunch NAME: the recorded command again.
relaunch() {
  local command
  mapfile -t command <"$home/run/$1.command"
  launch "$1" "${command[@]}"
}

# stop NAME SIGNAL SECONDS: asks that process to end, and kills it if it has not within the time.
stop() {
  local pid deadline=$((SECONDS + $3))
  pid=$(pid_of "$1") || { rm -f "$home/run/$1.pid"; return 0; }
  kill "-$2" "$pid" 2>/dev/null || true
  while pid_of "$1" >/dev/null && ((SECONDS <= deadline)); do
    sleep 0.05
  done
  if pid_of "$1" >/dev/null; then
    say "$1 did not end within $3 s: killed"
    kill -KILL "$pid"
  fi
  rm -f "$home/run/$1.pid"
}

is_ready() { curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:$(port_of "$1-admin")/readyz"; }

# wait_ready NAME SECONDS
wait_ready() {
  local deadline=$((SECONDS + $2)) log=$home/log/$1.log
  until is_ready "$1"; do
    pid_of "$1" >/dev/null || fail "$1 has ended" "$log" "read $log, then run this again"
    ((SECONDS <= deadline)) || fail "$1 is not ready after $2 s: $(curl -s --max-time 2 \
      "http://127.0.0.1:$(port_of "$1-admin")/readyz")" "$log" "read $log, then run this again"
    sleep 0.1
  done
}

# --- PostgreSQL ---

# PostgreSQL refuses to run as root, so for root it runs as the user `postgres`.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  else
    "$@"
  fi
}

# Reads where the data and the socket are, as place_postgres wrote it.
locate_postgres() {
  { read -r pg_data && read -r pg_socket; } 2>/dev/null <"$home/postgres/location" ||
    fail "there is no database in $home" '' "run $local_dir/up --home $home"
}

# Chooses where the data and the socket live: in the home directory, unless PostgreSQL's user cannot
# go there or the socket's path would exceed the 107 bytes that a Unix socket's path may have.
place_postgres() {
  local mark
  mkdir -p "$home/postgres"
  [ ! -e "$home/postgres/location" ] || return 0
  # Users must be able to pass through, not to look in: what is secret has modes of its own.
  chmod 711 "$home" "$home/postgres"
  mark=$(printf %s "$home" | cksum | cut -d' ' -f1)
  pg_data=$home/postgres/data
  as_postgres test -x "$home/postgres" || pg_data=/var/tmp/florin-postgres-$mark
  pg_socket=$home/postgres/socket
  if ((${#pg_socket} > 85)) || ! as_postgres test -x "$home/postgres"; then
    pg_socket=/tmp/florin-postgres-$mark
  fi
  printf '%s\n%s\n' "$pg_data" "$pg_socket" >"$home/postgres/location"
}

# own_directory DIR: creates it for PostgreSQL's user alone. It is refused if it belongs to somebody
# else: /tmp is shared.
own_directory() {
  local owner
  owner=$(as_postgres id -u)
  if [ ! -d "$1" ]; then
    mkdir -m 700 "$1"
    [ "$(id -u)" != 0 ] || chown postgres: "$1"
  fi
  [ "$(stat -c '%u %a' "$1")" = "$owner 700" ] ||
    fail "$1 is not a private directory of PostgreSQL's user" '' "remove it and run this again"
}

create_cluster() {
  own_directory "$pg_data"
  as_postgres "$postgres_bin/initdb" -D "$pg_data" -U postgres --auth=trust --encoding=UTF8 \
    --locale=C.UTF-8 --data-checksums >>"$home/log/setup.log" 2>&1 ||
    fail 'initdb failed' "$home/log/setup.log" 'read the log; up --fresh starts over'
  # Reached only through a socket in a directory of mode 0700, so `trust` trusts nobody but this
  # user and root. Durability (fsync, synchronous_commit) stays as PostgreSQL ships it: on.
  as_postgres tee -a "$pg_data/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = ''
shared_buffers = 256MB
max_wal_size = 2GB
max_connections = 120
CONF
}

# The processes whose working directory is the data directory: the server and its backends, also
# orphaned ones.
postgres_processes() {
  local process
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/cwd" 2>/dev/null)" != "$pg_data" ] || basename "$process"
  done
}

start_postgres() {
  local deadline=$((SECONDS + 30)) log=$home/log/postgres.log launcher=()
  own_directory "$pg_socket"
  # After a crash of the server its backends end by themselves; only then may another one start on
  # the same data.
  while [ -n "$(postgres_processes)" ]; do
    ((SECONDS <= deadline)) || fail 'an earlier PostgreSQL still runs on the data' "$log" \
      "end the processes $(postgres_processes | tr '\n' ' ')"
    sleep 0.05
  done
  # Nobody uses the data, so lock files are a dead server's; they would hold up this one while that
  # is an unreaped zombie.
  rm -f "$pg_data/postmaster.pid" "$pg_socket/.s.PGSQL.5432.lock"
  [ "$(id -u)" != 0 ] ||
    launcher=(setpriv --reuid=postgres --regid=postgres --init-groups --)
  launch postgres "${launcher[@]}" "$postgres_bin/postgres" -D "$pg_data" -k "$pg_socket"
  until "$postgres_bin/pg_isready" -q -h "$pg_socket" -U postgres; do
    pid_of postgres >/dev/null ||
      fail 'PostgreSQL has ended' "$log" "read $log, then run this again"
    ((SECONDS <= deadline)) || fail 'PostgreSQL is not ready after 30 s' "$log" "read $log"
    sleep 0.05
  done
}

# --- Redis ---

# Counts that expire: nothing is kept on disk. Reached only through a socket in a directory of mode
# 0700.
redis_socket() { echo "$home/redis/socket"; }

start_redis() {
  local deadline=$((SECONDS + 10)) log=$home/log/redis.log socket
  socket=$(redis_socket)
  ((${#socket} <= 107)) ||
    fail "$socket is too long for a Unix socket" '' 'choose a shorter --home'
  mkdir -p -m 700 "$home/redis"
  rm -f "$socket"
  launch redis redis-server --port 0 --unixsocket "$socket" --unixsocketperm 700 \
    --dir "$home/redis" --save '' --appendonly no --maxmemory 128mb \
    --maxmemory-policy volatile-ttl --daemonize no
  until redis-cli -s "$socket" ping 2>/dev/null | grep -q PONG; do
    pid_of redis >/dev/null || fail 'Redis has ended' "$log" "read $log, then run this again"
    ((SECONDS <= deadline)) || fail 'Redis is not ready after 10 s' "$log" "read $log"
    sleep 0.05
  done
}

# sql ROLE [psql options]
sql() {
  local role=$1
  shift
  "$postgres_bin/psql" -X -v ON_ERROR_STOP=1 "host=$pg_socket dbname=florin user=$role" "$@"
}

# --- HTTPS ---

# call METHOD PATH [BODY]: calls the gateway, giving the body; fails unless the answer is a success.
# The environment may set `token` and `key` (idempotency). Secrets go through standard input, never
# through the command line.
call() {
  local method=$1 path=$2 body=${3:-} status answer
  answer=$(
    {
      [ -z "${token:-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$token"
      [ -z "${key:-}" ] || printf 'header = "Idempotency-Key: %s"\n' "$key"
      [ -z "$body" ] || printf 'header = "Content-Type: application/json"\ndata-binary = "%s"\n' \
        "$(sed 's/\\/\\\\/g; s/"/\\"/g' <<<"$body" | tr -d '\n')"
    } | curl -sS --max-time 20 --cacert "$home/certificates/ca.crt" -X "$method" -K - \
      -w '\n%{http_code}' "https://localhost:$(port_of gateway)$path" 2>&1
  ) || { echo "$method $path: $answer" >&2; return 1; }
  status=${answer##*$'\n'}
  printf '%s\n' "${answer%$'\n'*}"
  [ "$status" = 200 ] || { echo "$method $path: status $status: ${answer%$'\n'*}" >&2; return 1; }
}

demo_email=demo@florin.local

# Prints a fresh access token of the demonstration's user.
log_in() {
  local body
  body=$(jq -cn --arg email "$demo_email" --rawfile password "$home/demo-password" \
    '{email: $email, password: ($password | rtrimstr("\n"))}')
  token='' key='' call POST /v1/login "$body" | jq -r .access_token
}
