# Which service may call which: the one table. The build refuses any other edge; tests/tidy holds
# the allowed callers in the protos and the drawing in docs/architecture.md to it.
set(FLORIN_EDGES_gateway auth accounts payments)
set(FLORIN_EDGES_payments auth accounts ledger)
set(FLORIN_EDGES_accounts auth ledger)
set(FLORIN_EDGES_auth)
set(FLORIN_EDGES_ledger)
# No services: people and their tools, known by a certificate of their own.
set(FLORIN_EDGES_operator auth ledger)
set(FLORIN_EDGES_auditor ledger)
