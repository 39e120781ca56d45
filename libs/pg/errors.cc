#include "libs/pg/errors.h"

#include <string>
#include <string_view>

#include <pqxx/pqxx>

namespace florin::pg::internal {
namespace {

Attempt Lost(std::string_view message) {
  return {.status = Error(Reason::kUnavailable, message), .again = true, .connection_lost = true};
}

// Class 08 is about connections; 57P01 to 57P03 say that the server shuts down, has crashed or
// starts; 53300 that it has no room for one more connection.
bool IsLostConnection(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P0") || sqlstate == "53300";
}

std::string Describe(const pqxx::sql_error& error) {
  const std::string& sqlstate = error.sqlstate();
  // Classes 23 (constraints) and 42 (syntax, access) name objects of the schema in their first
  // line.
  const bool names_objects = sqlstate.starts_with("23") || sqlstate.starts_with("42");
  if (!names_objects) return "SQLSTATE " + sqlstate;
  const std::string text = error.what();
  return "SQLSTATE " + sqlstate + ": " + text.substr(0, text.find('\n'));
}

}  // namespace

Attempt Catch(const std::function<absl::Status()>& work) {
  try {
    return {.status = work()};
  } catch (const pqxx::in_doubt_error&) {
    return Lost("the connection was lost during COMMIT");
  } catch (const pqxx::broken_connection&) {
    return Lost("the database cannot be reached");
  } catch (const pqxx::transaction_rollback&) {  // serialization_failure, deadlock_detected
    return {.status = Error(Reason::kUnavailable, "the transaction met too many conflicting ones"),
            .again = true};
  } catch (const pqxx::sql_error& error) {
    if (IsLostConnection(error.sqlstate())) return Lost("the database ended the connection");
    return {.status = Error(Reason::kInternal, Describe(error))};
  } catch (const std::exception&) {
    return {.status = Error(Reason::kInternal, "an exception of libpqxx: a misuse or a bad value")};
  }
}

}  // namespace florin::pg::internal
