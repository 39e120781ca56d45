#include "services/accounts/domain/profile.h"

#include <algorithm>
#include <array>

#include "libs/text/text.h"

namespace florin::accounts {
namespace {

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kLongestLine = 140;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

absl::Status Invalid(std::string_view field, std::string_view rule) {
  return Error(Reason::kInvalidPersonalData, rule, {.param = "profile." + std::string(field)});
}

bool IsText(std::string_view text, std::size_t longest) {
  const std::optional<std::size_t> length = CountPlainCharacters(text);
  return length && *length <= longest;
}

bool IsCountry(std::string_view text) {
  return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool IsRegistrationNumber(std::string_view text) {
  return text.size() <= 40 && std::ranges::all_of(text, [](char c) {
           return IsDigit(c) || IsLetter(c) || c == ' ' || c == '.' || c == '-' || c == '/';
         });
}

// Nothing for what is no day of the calendar.
std::optional<absl::CivilDay> ReadDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  int numbers[3] = {0, 0, 0};
  std::size_t part = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7) {
      ++part;
    } else if (!IsDigit(text[i])) {
      return std::nullopt;
    } else {
      numbers[part] = numbers[part] * 10 + (text[i] - '0');
    }
  }
  const absl::CivilDay day(numbers[0], numbers[1], numbers[2]);
  // CivilDay carries what is too much into the next month.
  if (day.year() != numbers[0] || day.month() != numbers[1] || day.day() != numbers[2]) {
    return std::nullopt;
  }
  return day;
}

absl::Status CheckAddress(const Address& address) {
  if (address.empty()) return absl::OkStatus();
  const auto check = [](std::string_view field, std::string_view text, std::size_t shortest,
                        std::size_t longest) -> absl::Status {
    if (text.size() >= shortest && IsText(text, longest)) return absl::OkStatus();
    return Invalid("address." + std::string(field), "too long, missing, or no plain text");
  };
  FLORIN_RETURN_IF_ERROR(check("line1", address.line1, 1, kLongestLine));
  FLORIN_RETURN_IF_ERROR(check("line2", address.line2, 0, kLongestLine));
  FLORIN_RETURN_IF_ERROR(check("postal_code", address.postal_code, 0, 16));
  FLORIN_RETURN_IF_ERROR(check("city", address.city, 1, kLongestName));
  FLORIN_RETURN_IF_ERROR(check("region", address.region, 0, kLongestName));
  if (!IsCountry(address.country)) return Invalid("address.country", "two capital letters");
  return absl::OkStatus();
}

// The texts of a profile in the order in which they are encoded.
template <class SomeProfile>
auto TextsOf(SomeProfile& p) {
  return std::array{&p.given_name,
                    &p.family_name,
                    &p.birth_date,
                    &p.nationality,
                    &p.legal_name,
                    &p.registration_number,
                    &p.country_of_incorporation,
                    &p.address.line1,
                    &p.address.line2,
                    &p.address.postal_code,
                    &p.address.city,
                    &p.address.region,
                    &p.address.country,
                    &p.email,
                    &p.phone};
}

struct Field {
  std::string_view name;
  bool (*differs)(const Profile& a, const Profile& b);
  void (*take)(Profile& to, const Profile& from);
  bool identifies;
};

template <auto Member>
constexpr Field FieldOf(std::string_view name, bool identifies) {
  return {name, [](const Profile& a, const Profile& b) { return a.*Member != b.*Member; },
          [](Profile& to, const Profile& from) { to.*Member = from.*Member; }, identifies};
}

constexpr Field kFields[] = {
    FieldOf<&Profile::kind>("kind", true),
    FieldOf<&Profile::given_name>("given_name", true),
    FieldOf<&Profile::family_name>("family_name", true),
    FieldOf<&Profile::birth_date>("birth_date", true),
    FieldOf<&Profile::nationality>("nationality", true),
    FieldOf<&Profile::legal_name>("legal_name", true),
    FieldOf<&Profile::registration_number>("registration_number", true),
    FieldOf<&Profile::country_of_incorporation>("country_of_incorporation", true),
    FieldOf<&Profile::address>("address", false),
    FieldOf<&Profile::email>("email", false),
    FieldOf<&Profile::phone>("phone", false),
};

absl::Status CheckKind(const Profile& profile) {
  struct Owned {
    std::string_view name;
    const std::string& text;
    CustomerKind kind;
  };
  const Owned fields[] = {
      {"given_name", profile.given_name, CustomerKind::kPerson},
      {"family_name", profile.family_name, CustomerKind::kPerson},
      {"birth_date", profile.birth_date, CustomerKind::kPerson},
      {"nationality", profile.nationality, CustomerKind::kPerson},
      {"legal_name", profile.legal_name, CustomerKind::kBusiness},
      {"registration_number", profile.registration_number, CustomerKind::kBusiness},
      {"country_of_incorporation", profile.country_of_incorporation, CustomerKind::kBusiness},
  };
  for (const Owned& field : fields) {
    if (field.text.empty() || field.kind == profile.kind) continue;
    if (profile.kind == CustomerKind::kUnknown) return Invalid("kind", "must be given");
    return Invalid(field.name, "not a field of this kind of customer");
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view NameOf(CustomerKind kind) {
  constexpr std::string_view kNames[] = {"", "person", "business"};
  return kNames[static_cast<std::size_t>(kind)];
}

absl::StatusOr<CustomerKind> ParseCustomerKind(std::string_view name) {
  for (const CustomerKind kind :
       {CustomerKind::kUnknown, CustomerKind::kPerson, CustomerKind::kBusiness}) {
    if (NameOf(kind) == name) return kind;
  }
  return Error(Reason::kInternal, "the database has a kind that there is not");
}

std::span<const std::string_view> ProfileFields() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const Field& field : kFields) names.push_back(field.name);
    return names;
  }();
  return kNames;
}

absl::StatusOr<Profile> Merge(const Profile& before, const Profile& given,
                              const std::vector<std::string>& mask) {
  Profile after = before;
  const Profile nothing;
  for (const Field& field : kFields) {
    const bool named = std::ranges::find(mask, field.name) != mask.end();
    if (named || (mask.empty() && field.differs(given, nothing))) field.take(after, given);
  }
  for (const std::string& name : mask) {
    if (std::ranges::find(kFields, std::string_view(name), &Field::name) == std::end(kFields)) {
      return Error(Reason::kUnknownField, "not a field of a profile", {.param = "update_mask"});
    }
  }
  return after;
}

absl::Status CheckProfile(const Profile& profile, absl::CivilDay today) {
  FLORIN_RETURN_IF_ERROR(CheckKind(profile));
  if (!IsText(profile.given_name, kLongestName)) return Invalid("given_name", "1 to 100");
  if (!IsText(profile.family_name, kLongestName)) return Invalid("family_name", "1 to 100");
  if (!IsText(profile.legal_name, kLongestLine)) return Invalid("legal_name", "1 to 140");
  if (!profile.birth_date.empty()) {
    const std::optional<absl::CivilDay> day = ReadDay(profile.birth_date);
    if (!day || *day < absl::CivilDay(1900, 1, 1) || *day > today) {
      return Invalid("birth_date", "YYYY-MM-DD, from 1900-01-01 to today");
    }
  }
  if (!profile.nationality.empty() && !IsCountry(profile.nationality)) {
    return Invalid("nationality", "two capital letters");
  }
  if (!IsRegistrationNumber(profile.registration_number)) {
    return Invalid("registration_number", "1 to 40 of A-Z a-z 0-9 space . - /");
  }
  if (!profile.country_of_incorporation.empty() && !IsCountry(profile.country_of_incorporation)) {
    return Invalid("country_of_incorporation", "two capital letters");
  }
  FLORIN_RETURN_IF_ERROR(CheckAddress(profile.address));
  if (!profile.email.empty() && !NormalizeEmail(profile.email)) {
    return Invalid("email", "an e-mail address in ASCII");
  }
  if (!profile.phone.empty() && NormalizePhone(profile.phone) != profile.phone) {
    return Invalid("phone", "E.164: + and 7 to 15 digits");
  }
  return absl::OkStatus();
}

absl::Status CheckComplete(const Profile& profile, KycLevel level) {
  if (level == KycLevel::kNone) {
    return Error(Reason::kInvalidField, "BASIC or FULL", {.param = "level"});
  }
  const auto needs = [](std::string_view field, bool there) -> absl::Status {
    return there ? absl::OkStatus() : Invalid(field, "needed for this level");
  };
  FLORIN_RETURN_IF_ERROR(needs("kind", profile.kind != CustomerKind::kUnknown));
  if (profile.kind == CustomerKind::kPerson) {
    FLORIN_RETURN_IF_ERROR(needs("given_name", !profile.given_name.empty()));
    FLORIN_RETURN_IF_ERROR(needs("family_name", !profile.family_name.empty()));
    FLORIN_RETURN_IF_ERROR(needs("birth_date", !profile.birth_date.empty()));
    FLORIN_RETURN_IF_ERROR(needs("nationality", !profile.nationality.empty()));
  } else {
    FLORIN_RETURN_IF_ERROR(needs("legal_name", !profile.legal_name.empty()));
    FLORIN_RETURN_IF_ERROR(needs("registration_number", !profile.registration_number.empty()));
    FLORIN_RETURN_IF_ERROR(
        needs("country_of_incorporation", !profile.country_of_incorporation.empty()));
  }
  if (level == KycLevel::kFull) {
    FLORIN_RETURN_IF_ERROR(needs("address", !profile.address.empty()));
  }
  return absl::OkStatus();
}

std::string ResidenceOf(const Profile& profile) {
  return profile.address.country.empty() ? profile.country_of_incorporation
                                         : profile.address.country;
}

bool IdentityDiffers(const Profile& a, const Profile& b) {
  return std::ranges::any_of(
      kFields, [&](const Field& field) { return field.identifies && field.differs(a, b); });
}

std::vector<std::string> FieldsThatDiffer(const Profile& a, const Profile& b) {
  std::vector<std::string> names;
  for (const Field& field : kFields) {
    if (field.differs(a, b)) names.emplace_back(field.name);
  }
  return names;
}

std::optional<std::string> NormalizeEmail(std::string_view text) {
  if (text.size() > 254) return std::nullopt;
  std::string out;
  for (const char c : text) {
    if (c <= ' ' || c > '~') return std::nullopt;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  const std::size_t at = out.find('@');
  if (at == out.npos || at == 0 || at > 64 || out.find('@', at + 1) != out.npos) {
    return std::nullopt;
  }
  const std::string_view domain = std::string_view(out).substr(at + 1);
  if (domain.find('.') == domain.npos || domain.starts_with('.') || domain.ends_with('.') ||
      domain.find("..") != domain.npos) {
    return std::nullopt;
  }
  return out;
}

std::optional<std::string> NormalizePhone(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(" -.()").find(c) != std::string_view::npos) continue;
    out += c;
  }
  if (out.size() < 8 || out.size() > 16 || out[0] != '+' || out[1] == '0') return std::nullopt;
  if (!std::all_of(out.begin() + 1, out.end(), IsDigit)) return std::nullopt;
  return out;
}

// "1;", the kind, and each text with its length before it, so that none can pass for the end of
// another. A later form begins with another number.
std::string EncodeProfile(const Profile& profile) {
  std::string out = "1;";
  out += std::to_string(static_cast<int>(profile.kind));
  out += ';';
  for (const std::string* text : TextsOf(profile)) {
    out += std::to_string(text->size());
    out += ':';
    out += *text;
  }
  return out;
}

absl::StatusOr<Profile> DecodeProfile(std::string_view octets) {
  const absl::Status broken = Error(Reason::kInternal, "a profile cannot be read");
  if (octets.size() < 4 || octets.substr(0, 2) != "1;" || octets[3] != ';') return broken;
  if (octets[2] < '0' || octets[2] > '2') return broken;
  Profile profile{.kind = static_cast<CustomerKind>(octets[2] - '0')};
  octets.remove_prefix(4);
  for (std::string* text : TextsOf(profile)) {
    std::size_t size = 0;
    std::size_t digits = 0;
    while (digits < octets.size() && digits < 5 && IsDigit(octets[digits])) {
      size = size * 10 + static_cast<std::size_t>(octets[digits++] - '0');
    }
    if (digits == 0 || digits >= octets.size() || octets[digits] != ':') return broken;
    octets.remove_prefix(digits + 1);
    if (size > octets.size()) return broken;
    *text = octets.substr(0, size);
    octets.remove_prefix(size);
  }
  if (!octets.empty()) return broken;
  return profile;
}

}  // namespace florin::accounts
