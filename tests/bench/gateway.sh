# shellcheck shell=bash disable=SC2154
# tests/bench/run gateway. Sourced by it.
#
# What is measured runs alone on half of the cores, with a thread (a worker of nginx) for each; the
# load and the services behind on the other half. All answer one GET over HTTPS, whose body nginx
# has from the gateway:
#
#   guarded  h2load -> gateway -> RPC over mutual TLS -> a payments service that answers from memory;
#            the token is verified (issuer, time, revocation; its ES256 signature once, since all
#            requests bear the same one, as an app's do) and three quotas are counted
#   open     the same gateway with neither, from the same process
#   nginx    h2load -> nginx -> HTTP/1.1 -> a second nginx that returns the body. Two ways: `proxy`
#            in the clear inside, `mtls_proxy` over mutual TLS as Florin does
#
# Each logs a line for a request. Connections are kept alive on both sides of each.

declare -A started=() side_port=()
# Before a command: where that is allowed, it gets its core ahead of whatever else the machine does,
# or a server with more threads would get more of a busy one. Linux counts a session's processes as
# one (sched(7), autogroup), so each is a session of its own.
ahead=(setsid bash -c '{ echo -15 >/proc/self/autogroup; renice -n -15 $$; } >/dev/null 2>&1
  exec "$@"' ahead)

stop_sides() {
  [ ${#started[@]} -gt 0 ] || return 0
  kill "${started[@]}" 2>/dev/null || true
  wait "${started[@]}" 2>/dev/null || true
}

# start NAME CORES COMMAND…: in the background, what it prints in NAME.out.
start() {
  local name=$1 cores=$2
  shift 2
  "${ahead[@]}" taskset -c "$cores" "$@" >"$stack/$name.out" 2>"$stack/$name.err" &
  started[$name]=$!
}

# said NAME: the first line that a process prints.
said() {
  local tries=0
  until [ -s "$stack/$1.out" ]; do
    ((++tries < 100)) || fail "$1 did not start" "$stack/$1.err"
    sleep 0.1
  done
  cat "$stack/$1.out"
}

# nginx_conf WORKERS BLOCKS: a whole configuration.
nginx_conf() {
  cat <<CONF
daemon off;
worker_processes $1;
pid $stack/nginx.$RANDOM.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log $stack/access.log;
  client_body_temp_path $stack/nginx-body;
  proxy_temp_path $stack/nginx-proxy;
  fastcgi_temp_path $stack/nginx-fastcgi;
  uwsgi_temp_path $stack/nginx-uwsgi;
  scgi_temp_path $stack/nginx-scgi;
  keepalive_requests 1000000000;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:tls:1m;
$2
}
CONF
}

start_nginx() {
  local plain=$1 tls=$2 proxy=$3 mtls_proxy=$4 pair
  pair="ssl_certificate $certificates/gateway.crt; ssl_certificate_key $certificates/gateway.key;"
  nginx_conf "$load_count" "
  default_type application/json;
  server { listen 127.0.0.1:$plain; return 200 '$body'; }
  server {
    listen 127.0.0.1:$tls ssl; $pair
    ssl_client_certificate $certificates/ca.crt; ssl_verify_client on;
    return 200 '$body';
  }" | sed 's/access_log .*/access_log off;/' >"$stack/behind.conf"
  nginx_conf "$server_count" "
  upstream plain { server 127.0.0.1:$plain; keepalive 1024; keepalive_requests 1000000000; }
  upstream tls { server 127.0.0.1:$tls; keepalive 1024; keepalive_requests 1000000000; }
  proxy_http_version 1.1;
  proxy_set_header Connection '';
  proxy_ssl_certificate $certificates/gateway.crt;
  proxy_ssl_certificate_key $certificates/gateway.key;
  proxy_ssl_trusted_certificate $certificates/ca.crt;
  proxy_ssl_verify on;
  proxy_ssl_name localhost;
  server {
    listen 127.0.0.1:$proxy ssl http2; $pair
    location / { proxy_pass http://plain; }
  }
  server {
    listen 127.0.0.1:$mtls_proxy ssl http2; $pair
    location / { proxy_pass https://tls; }
  }" >"$stack/proxy.conf"
  start behind "$load_cores" /usr/sbin/nginx -c "$stack/behind.conf" -e stderr
  start proxy "$server_cores" /usr/sbin/nginx -c "$stack/proxy.conf" -e stderr
}

start_sides() {
  local auth_port payments_port guarded open plain tls proxy mtls_proxy
  start services "$load_cores" "$build_dir/bench/gateway_bench" --part=services \
    --threads="$load_count"
  said services >/dev/null
  read -r certificates auth_port payments_port token <"$stack/services.out"
  start gateways "$server_cores" "$build_dir/bench/gateway_bench" --part=gateways \
    --threads="$server_count" --certificates="$certificates" --auth_port="$auth_port" \
    --payments_port="$payments_port"
  said gateways >/dev/null
  read -r guarded open <"$stack/gateways.out"
  body=$(curl -sf --max-time 10 --cacert "$certificates/ca.crt" -H "authorization: Bearer $token" \
    "https://localhost:$guarded$path") || fail 'the guarded gateway refuses' "$stack/gateways.err"
  for name in plain tls proxy mtls_proxy; do printf -v "$name" %s "$(free_port)"; done
  start_nginx "$plain" "$tls" "$proxy" "$mtls_proxy"
  side_port=([guarded]=$guarded [open]=$open [proxy]=$proxy [mtls_proxy]=$mtls_proxy)
  for name in proxy mtls_proxy; do
    curl -sf --retry 20 --retry-connrefused --retry-delay 1 --max-time 10 \
      --cacert "$certificates/ca.crt" "https://localhost:${side_port[$name]}$path" |
      cmp -s - <(printf %s "$body") || fail "nginx does not give the gateway's body" "$stack/proxy.err"
  done
}

# A port that nobody listens on.
free_port() {
  local port
  port=$((10000 + SRANDOM % 20000))
  while is_listening "$port"; do port=$((10000 + SRANDOM % 20000)); done
  echo "$port"
}

# CPU ticks so far of everything that may be under load on the servers' cores.
server_ticks() {
  local pid
  for pid in "${started[gateways]}" $(pgrep -P "${started[proxy]}"); do
    cat "/proc/$pid/stat" 2>/dev/null || true
  done | sed 's/.*) //' | awk '{ sum += $12 + $13 } END { print sum + 0 }'
}

# measure SIDE PROTOCOL: requests a second. Anything but 200 ends the script.
measure() {
  local side=$1 protocol=$2 options=(-c 16 -m 8) before after rate
  [ "$protocol" = h2 ] || options=(--h1 -c 64 -m 1)
  before=$(server_ticks)
  "${ahead[@]}" taskset -c "$load_cores" h2load "${options[@]}" -t 1 -D "$seconds" \
    -H "authorization: Bearer $token" "https://127.0.0.1:${side_port[$side]}$path" \
    >"$stack/h2load.out" 2>&1 || fail "h2load failed" "$stack/h2load.out"
  after=$(server_ticks)
  grep -qE 'status codes: [1-9][0-9]* 2xx, 0 3xx, 0 4xx, 0 5xx' "$stack/h2load.out" &&
    grep -qE ' 0 failed, 0 errored' "$stack/h2load.out" ||
    fail "$side refused requests" "$stack/h2load.out"
  rate=$(awk '/^finished in/ { print $4 }' "$stack/h2load.out")
  awk -v side="$protocol $side" -v rate="$rate" -v cores="$server_count" \
    -v busy="$(((after - before) * 100 / $(getconf CLK_TCK) / seconds))" 'BEGIN {
      printf "  %s: %.0f requests/s, CPU of the server %d %% of %d, %.1f us a request\n", side, rate,
        busy, 100 * cores, busy * 10000 / rate }'
  echo "$rate" >>"$stack/$protocol.$side.rates"
}

# A round of all sides; every other one in the opposite order, so that none always comes first.
gateway_round() {
  local protocol side sides=(guarded open proxy mtls_proxy)
  (($1 % 2)) || sides=(mtls_proxy proxy open guarded)
  for protocol in h2 h1; do
    for side in "${sides[@]}"; do measure "$side" "$protocol"; done
  done
}

measure_gateway() {
  local round protocol suffix
  path=/v1/payments/pay_01890a5d-ac96-774b-bcce-b302099a805d
  server_count=$((($(nproc) + 1) / 2))
  load_count=$(($(nproc) > 1 ? $(nproc) - server_count : 1))
  server_cores=0-$((server_count - 1))
  load_cores=$(($(nproc) > 1 ? server_count : 0))-$(($(nproc) - 1))
  start_sides
  printf 'body: %d bytes; %s\nserver on cores %s, load on %s\n' "${#body}" \
    "$(/usr/sbin/nginx -v 2>&1)" "$server_cores" "$load_cores"
  for ((round = 1; round <= rounds; ++round)); do
    printf '\nround %d\n' "$round"
    gateway_round "$round"
  done
  echo
  for protocol in h2 h1; do
    suffix=''
    [ "$protocol" = h2 ] || suffix=_http1
    quotient "guarded_vs_open$suffix" "$protocol.guarded" "$protocol.open"
    quotient "vs_nginx_proxy$suffix" "$protocol.guarded" "$protocol.proxy"
    quotient "vs_nginx_mtls_proxy$suffix" "$protocol.guarded" "$protocol.mtls_proxy"
  done
}
