// Who decides together, and who does what was decided.
#pragma once

#include <string>

#include "tests/e2e/api_user.h"

namespace florin::e2e {

// Two admins, whom the operator's certificate makes without a proposal, and the operator whom they
// make. Once for each stack.
class Staff {
 public:
  // The scopes of the operator, and those of the first admin besides proposing.
  explicit Staff(const std::string& operator_scope, const std::string& more_of_admin = "");

  // Ann proposes, Bob approves; members of `payload` are in order. Gives the proposal's id.
  std::string Agree(const std::string& kind, const boost::json::object& payload);
  Answer Propose(const std::string& kind, const boost::json::object& payload);
  // Eve, the operator, does what they have agreed on.
  Answer Post(const std::string& path, const boost::json::object& body, Sent sent = {});
  Answer Get(const std::string& path);
  // Eve makes the limit that `body` describes, as they have agreed.
  Answer MakeLimit(boost::json::object body);

  ApiUser& ann() { return ann_; }
  const std::string& ann_token() const { return ann_token_; }
  const std::string& eve_id() const { return eve_.user_id(); }

 private:
  ApiUser ann_;
  ApiUser bob_;
  ApiUser eve_;
  std::string ann_token_;
  std::string bob_token_;
  std::string eve_token_;
};

}  // namespace florin::e2e
