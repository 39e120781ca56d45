// The gRPC face of quotes: checks shape, calls, maps. See proto/florin/payments/v1/quotes.proto for
// what each method promises.
#pragma once

#include "florin/payments/v1/quotes.rpc.h"
#include "services/payments/flow/create_quote.h"

namespace florin::payments {

// Thread-safe.
class QuotesRpc : public v1::QuotesService {
 public:
  // References outlive this.
  QuotesRpc(florin::payments::CreateQuote& create, QuoteStore& store)
      : create_(create), store_(store) {}

  Task<absl::StatusOr<v1::Quote>> CreateQuote(rpc::Call& call,
                                              const v1::CreateQuoteRequest& request) override;
  Task<absl::StatusOr<v1::Quote>> GetQuote(rpc::Call& call,
                                           const v1::GetQuoteRequest& request) override;

 private:
  florin::payments::CreateQuote& create_;
  QuoteStore& store_;
};

}  // namespace florin::payments
