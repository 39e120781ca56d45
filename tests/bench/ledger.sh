# shellcheck shell=bash disable=SC2154
# The cases of tests/bench/run ledger. Sourced by it.

in_groups() { [[ " ${groups[*]} " = *" $1 "* ]]; }

# Opens funded accounts in the books, which are made first unless they are there.
prepare_books() {
  local file=$1 names=$2
  sql ledger -qc "INSERT INTO books (book) SELECT unnest(string_to_array('$names', ','))
    ON CONFLICT DO NOTHING"
  ledger_bench --prepare="$file" --books="$names"
}

# Bytes of WAL so far; bytes of the ledger's tables with their indexes.
wal_bytes() { sql postgres -Atc "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"; }
table_bytes() {
  sql postgres -Atc "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
    WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r'"
}

# ledger_case METRIC ARGUMENT…: compares, and says what each transaction wrote. TPC-B writes WAL,
# too, so its measurement comes after the reading.
ledger_case() {
  local wal tables result
  wal=$(wal_bytes) tables=$(table_bytes)
  after_load() { wal_after=$(wal_bytes) tables_after=$(table_bytes); }
  compare "$@"
  result=$(jq -rn --argjson load "$last_result" --argjson wal "$((wal_after - wal))" \
    --argjson tables "$((tables_after - tables))" '$load.committed as $n |
    if $n > 0 then "\($wal / $n | round) bytes of WAL, \($tables / $n | round) of tables" else "" end')
  printf '  each transaction: %s\n' "$result"
}

# A round of every case but growth.
round_of_cases() {
  local main=(--with="$stack/main" --books=main)
  if in_groups core; then
    ledger_case unary_vs_tpcb "${main[@]}"
    ledger_case stock_unary_vs_tpcb "${main[@]}" --share_stream=false
    ledger_case batch_vs_tpcb "${main[@]}" --mode=batch
    ledger_case hot_10_vs_tpcb "${main[@]}" --hot=10
    ledger_case hot_10_batch_vs_tpcb "${main[@]}" --hot=10 --mode=batch
    ledger_case single_hot_vs_tpcb "${main[@]}" --hot=1
    ledger_case single_hot_batch_vs_tpcb "${main[@]}" --hot=1 --mode=batch
  fi
  if in_groups callers; then
    ledger_case unary_1_vs_tpcb "${main[@]}" --inflight=1
    ledger_case unary_16_vs_tpcb "${main[@]}" --inflight=16
    ledger_case unary_64_vs_tpcb "${main[@]}" --inflight=64
  fi
  if in_groups commands; then
    ledger_case holds_vs_tpcb "${main[@]}" --mode=holds
    ledger_case duplicates_vs_tpcb "${main[@]}" --mode=duplicates
  fi
  if in_groups books; then
    in_groups core || ledger_case unary_vs_tpcb "${main[@]}"
    ledger_case books_2_vs_tpcb --with="$stack/books" --books=two_a,two_b
    ledger_case books_4_vs_tpcb --with="$stack/books" --books=two_a,two_b,four_c,four_d
  fi
}

# The signed log follows what was filled in; its work must not count with the load.
wait_sealed() {
  local last sealed
  sql ledger -Atc "SELECT 1 FROM tree_heads LIMIT 1" | grep -q 1 || return 0
  last=$(sql ledger -Atc "SELECT last_sequence FROM books WHERE book = '$1'")
  while :; do
    sealed=$(sql ledger -Atc "SELECT coalesce(max(size), 0) FROM tree_heads WHERE book = '$1'")
    ((sealed < last)) || return 0
    sleep 1
  done
}

growth_books=(grown_0 grown_1k grown_1m grown_10m)

fill_growth_books() {
  local book transactions started
  for book in "${growth_books[@]}"; do
    case $book in
      grown_0) transactions=0 ;;
      grown_1k) transactions=500 ;;
      grown_1m) transactions=500000 ;;
      grown_10m) transactions=5000000 ;;
    esac
    started=$SECONDS
    sql ledger_owner -q -v book="$book" -v label="$book" -v transactions="$transactions" \
      -f "$repo/tests/bench/fill_book.sql" >/dev/null
    wait_sealed "$book"
    printf 'filled %s with %d entries in %d s\n' "$book" $((2 * transactions)) \
      $((SECONDS - started))
  done
  sql postgres -qc CHECKPOINT
  prepare_books "$stack/growth" "$(IFS=,; echo "${growth_books[*]}")"
}

round_of_growth() {
  local book
  for book in "${growth_books[@]}"; do
    ledger_case "${book}_vs_tpcb" --with="$stack/growth" --books="$book" --mode=batch
  done
}

# Loads what the last batches of `main` wrote into tables of the same shape by COPY, in one commit,
# and gives the transactions a second: what the disk and the indexes allow.
copy_rate() {
  local from=$1 table started elapsed count
  for table in journal entries; do
    sql postgres -qc "CREATE TABLE IF NOT EXISTS ledger.copied_$table
      (LIKE ledger.$table INCLUDING ALL)"
    sql postgres -qc "TRUNCATE ledger.copied_$table"
    sql postgres -qc "\\copy (SELECT r.* FROM ledger.$table AS r WHERE r.book = 'main' AND
      r.sequence > $from) TO '$stack/$table.rows'"
  done
  sql postgres -qc CHECKPOINT
  started=$(date +%s%N)
  sql postgres -q <<SQL
BEGIN;
\\copy ledger.copied_journal FROM '$stack/journal.rows'
\\copy ledger.copied_entries FROM '$stack/entries.rows'
COMMIT;
SQL
  elapsed=$(($(date +%s%N) - started))
  count=$(wc -l <"$stack/journal.rows")
  rm "$stack/journal.rows" "$stack/entries.rows"
  echo $((count * 1000000000 / elapsed))
}

copy_bound() {
  local from rate round result bound
  for ((round = 1; round <= rounds; ++round)); do
    from=$(sql ledger -Atc "SELECT last_sequence FROM books WHERE book = 'main'")
    result=$(load --with="$stack/main" --books=main --mode=batch 2>/dev/null)
    rate=$(jq .per_second <<<"$result")
    bound=$(copy_rate "$from")
    printf 'batch %s/s, COPY of the same rows %s/s\n' "$rate" "$bound"
    awk -v rate="$rate" -v bound="$bound" 'BEGIN { print rate / bound }' \
      >>"$stack/copy_bound_fraction.ratios"
  done
}

measure_ledger() {
  local round
  prepare_books "$stack/main" main
  ! in_groups books || prepare_books "$stack/books" two_a,two_b,four_c,four_d
  ! in_groups growth || fill_growth_books
  base=$(tpcb)
  for ((round = 1; round <= rounds; ++round)); do
    printf '\nround %d\n' "$round"
    round_of_cases
    ! in_groups growth || round_of_growth
  done
  ! in_groups core || copy_bound
  echo
  medians
  quotient hot_vs_uniform hot_10_vs_tpcb unary_vs_tpcb
  quotient hot_vs_uniform_batch hot_10_batch_vs_tpcb batch_vs_tpcb
  quotient single_hot_vs_uniform single_hot_vs_tpcb unary_vs_tpcb
  quotient single_hot_vs_uniform_batch single_hot_batch_vs_tpcb batch_vs_tpcb
  quotient growth_1k_vs_empty grown_1k_vs_tpcb grown_0_vs_tpcb
  quotient growth_1m_vs_empty grown_1m_vs_tpcb grown_0_vs_tpcb
  quotient growth_10m_vs_empty grown_10m_vs_tpcb grown_0_vs_tpcb
}
