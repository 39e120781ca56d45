// What holds of the books of the shared stack, whatever was killed; a failed test where it does
// not.
#pragma once

namespace florin::e2e {

// In every currency debits equal credits, each entry's counters are the sum of its account's
// entries so far, and none passes its account's limit.
void ExpectBalancedBooks();

// florin-verify finds no record, entry, account, hold or tree head of the book `main` that does not
// follow from the others. It is given nothing but the public key.
void ExpectVerified();

}  // namespace florin::e2e
