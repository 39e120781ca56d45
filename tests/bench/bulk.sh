# shellcheck shell=bash disable=SC2154
# tests/bench/run bulk. Sourced by it.
#
# One bulk of --items in each mode, against a whole Florin that pays nothing else: payments a second
# from the submission to the end, and the most memory that florin-payments had until then, which
# should be about that of a tenth of the items.

# The most resident memory of florin-payments so far, in MB.
payments_peak() {
  awk '/^VmHWM/ { printf "%.1f\n", $2 / 1024 }' "/proc/$(pid_of payments)/status"
}

# bulk_load MODE ITEMS: one measurement, as JSON; CPU shares go to standard error.
bulk_load() {
  cpu_shares "$build_dir/bench/bulk_bench" --url="https://localhost:$(port_of gateway)" \
    --ca="$home/certificates/ca.crt" --mode="$1" --items="$2"
}

measure_bulk() {
  local mode name result
  printf 'peak of payments before: %s MB\n' "$(payments_peak)"
  bulk_load BEST_EFFORT "$((items / 10))"
  metric peak_mb_of_a_tenth "$(payments_peak)"
  for mode in BEST_EFFORT ALL_OR_NOTHING; do
    name=${mode,,}
    result=$(bulk_load "$mode" "$items" 2>"$stack/cpu") || { cat "$stack/cpu" >&2; exit 1; }
    printf '%s\n%s\n' "$result" "$(cat "$stack/cpu")"
    metric "${name}_per_second" "$(jq .per_second <<<"$result")"
    metric "peak_mb_after_$name" "$(payments_peak)"
  done
}
