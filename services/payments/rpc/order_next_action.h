// What an order that waits asks of its payer.
#pragma once

#include <string>

#include "florin/payments/v1/payments.pb.h"
#include "libs/rpc/timestamp.h"
#include "services/payments/store/order_approval_store.h"

namespace florin::payments {

// `approval_page`: the URL of auth's page, to which `?id=` is added.
inline v1::NextAction NextActionOf(const AskedApproval& asked, const std::string& approval_page) {
  const crypto::Digest binding = sca::BindingDigest(asked.binding);
  v1::NextAction action;
  action.set_approval_id(FormatId(IdKind::kApproval, asked.approval_id));
  action.set_binding(crypto::Base64UrlEncode(crypto::AsOctets(binding)));
  SetTime(asked.binding.expire_time, *action.mutable_expire_time());
  action.set_approval_url(approval_page + "?id=" + action.approval_id());
  return action;
}

}  // namespace florin::payments
