// What owners and operators change of a customer, and what they are shown, by the rules of
// customer_machine.h.
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/recorder.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/accounts/store/customer_store.h"

namespace florin::accounts {

// Thread-safe.
class CustomerChanges {
 public:
  struct ProfileUpdate {
    Uuid user_id;
    Uuid customer_id;
    Profile given;
    std::vector<std::string> mask;
    audit::Origin origin = {};
  };
  // Somebody with power over others' customers, or over their own.
  struct Acting {
    Uuid user_id;
    audit::Origin origin = {};
  };
  // One of the two is not empty.
  struct Contact {
    std::string email;
    std::string phone;
  };
  struct Export {
    CustomerRecord record;
    std::vector<Account> accounts;
    std::vector<Verification> verifications;
  };

  // References outlive this.
  CustomerChanges(CustomerStore& store, audit::Recorder& recorder, Clock& clock, IdSource& ids)
      : store_(store), recorder_(recorder), clock_(clock), ids_(ids) {}

  // Errors: kUnknownField, kInvalidPersonalData (Merge, CheckProfile), those of NextState,
  // kCustomerNotFound.
  Task<absl::StatusOr<CustomerRecord>> UpdateProfile(ProfileUpdate update);

  // By an operator: kSuspend or kReactivate. Errors: kSelfApproval for their own customer, those of
  // NextState, kCustomerNotFound.
  Task<absl::StatusOr<Customer>> Operate(Acting acting, Uuid customer_id, CustomerEvent what);

  // Everybody's customers with that e-mail address or phone number. That somebody looked, and whom
  // they found, is in the trail before they are told; what they looked for is not. Error:
  // kInvalidPersonalData with param `email` or `phone`.
  Task<absl::StatusOr<std::vector<Customer>>> Find(Acting acting, Contact contact);

  // All that is kept of a customer of theirs; in the trail before it is given. Errors:
  // kCustomerNotFound, kCustomerErased.
  Task<absl::StatusOr<Export>> ExportAll(Acting acting, Uuid customer_id);

 private:
  audit::Event EventOf(std::string action, std::string subject, const Acting& acting);

  CustomerStore& store_;
  audit::Recorder& recorder_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::accounts
