/// A watched table as plain values, and what a rule means for it: written from the rules' documentation, and
/// without a look at the SQL that they compile to.
///
/// Source: design.md section 4; README "The rules".
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace jobwatchdog::test {

/// A time in microseconds from the case's own beginning.
using Micros = std::int64_t;
inline constexpr Micros infinity = std::numeric_limits<Micros>::max();
inline constexpr Micros minus_infinity = std::numeric_limits<Micros>::min();
inline constexpr Micros written_as_now = infinity - 1;  ///< By `now()`, whenever that was.

inline bool is_finite(Micros time) { return time != infinity && time != minus_infinity; }

/// An amount that is no number at all: NaN in the real table. Sound amounts are far from it.
inline constexpr std::int64_t beyond_sense = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t told_beyond_sense = 1'000'000'000'000'000;  ///< What reading makes of it.

/// Whole milliseconds, as core counts them.
inline std::int64_t floor_ms(Micros time) { return time >= 0 ? time / 1000 : -((-time + 999) / 1000); }

enum class KeyType { bigint, uuid, text };

struct Row {
  std::string key;
  std::string status;
  std::array<std::optional<Micros>, 3> ages;
  std::optional<std::string> task;
  std::optional<std::int64_t> rescues;
  std::optional<std::string> user;
  std::optional<std::int64_t> amount;
  std::optional<bool> charged;
  std::optional<bool> refunded;
  std::optional<std::string> note;
  std::optional<Micros> finished;

  bool operator==(const Row&) const = default;
};

enum class Touch { leave, literal, now, clear };

/// What a rule says, in the model's words.
struct Meaning {
  std::vector<std::string> stuck_in;
  std::string settled_as;
  std::size_t age_count{1};  ///< How many of the age columns are asked, the first that is set tells.
  Micros older_than{};
  std::optional<Micros> hard_deadline;  ///< Only with a provider.
  bool counts_rescues{false};
  std::int64_t rescues_max{0};
  bool refunds{false};
  Touch note{Touch::leave};
  std::string note_text;
  Touch finished{Touch::leave};
  bool restarts_age{false};  ///< The first age column is set to now().
};

/// What is stuck at one moment, as everybody sees it.
struct Rest {
  std::int64_t settleable{0};
  std::int64_t waiting{0};
  std::optional<Micros> oldest;

  bool operator==(const Rest&) const = default;
};

/// What one row of the refund statement came to.
enum class Answer { paid, refused, no_row };

struct Payment {
  std::string user;
  std::int64_t amount;

  auto operator<=>(const Payment&) const = default;
};

struct Account {
  std::int64_t balance{0};
  bool refuses{false};

  bool operator==(const Account&) const = default;
};

/// What an open transaction has done: seen by nobody else, and in the way of all that want the same.
struct Pending {
  std::set<std::string> locked;
  std::map<std::string, Row> written;
  std::set<std::string> locked_users;
  std::vector<Payment> payments;
};

struct Position {
  Micros age;
  std::string key;
};

class TableModel {
 public:
  TableModel(Meaning meaning, KeyType key_type) : meaning_(std::move(meaning)), key_type_(key_type) {}

  std::map<std::string, Row> rows;  ///< As committed.
  std::map<std::string, Account> accounts;
  std::vector<Payment> payments;
  std::map<int, Pending> open;  ///< Transactions by their actor.

  [[nodiscard]] const Meaning& meaning() const { return meaning_; }

  [[nodiscard]] std::optional<Micros> age_of(const Row& row) const {
    for (std::size_t i = 0; i < meaning_.age_count; ++i) {
      if (row.ages[i]) return row.ages[i];
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_exhausted(const Row& row) const {
    return meaning_.rescues_max > 0 && row.rescues.value_or(0) >= meaning_.rescues_max;
  }

  /// In a watched status, and older than the limit; whatever its rescues.
  [[nodiscard]] bool is_old_and_watched(const Row& row, Micros now) const {
    const auto age = age_of(row);
    return contains(meaning_.stuck_in, row.status) && age && is_finite(*age) &&
           now - *age > meaning_.older_than;
  }

  [[nodiscard]] bool is_suspect(const Row& row, Micros now) const {
    return is_old_and_watched(row, now) && !is_exhausted(row);
  }

  /// Whether a suspect is settled: core decides in whole milliseconds, and a task waits for its deadline.
  [[nodiscard]] bool is_settled(const Row& row, Micros now) const {
    const std::int64_t age_ms = floor_ms(now) - floor_ms(*age_of(row));
    if (age_ms <= meaning_.older_than / 1000) return false;
    return !waits_for_provider(row) || age_ms >= *meaning_.hard_deadline / 1000;
  }

  /// A task that may still run: to the microsecond, at the moment of writing.
  [[nodiscard]] bool is_before_deadline(const Row& row, Micros now) const {
    return waits_for_provider(row) && now - *age_of(row) <= *meaning_.hard_deadline;
  }

  [[nodiscard]] bool is_due(const Row& row) const {
    return meaning_.refunds && row.charged.value_or(false) && !row.refunded.value_or(false) &&
           row.amount.value_or(0) > 0;
  }

  /// The database cannot tell the row's amount as whole credits.
  [[nodiscard]] bool is_senseless(const Row& row) const {
    return meaning_.refunds && row.amount == beyond_sense;
  }

  /// The page behind a position, oldest first.
  [[nodiscard]] std::vector<Row> find(Micros now, const std::optional<Position>& after,
                                      std::size_t size) const {
    return page(now, after, size, [](const Row&) { return true; });
  }

  /// The page behind a position that `actor` takes: what needs nobody's word and nobody else holds.
  [[nodiscard]] std::vector<Row> take(int actor, Micros now, const std::optional<Position>& after,
                                      std::size_t size) const {
    return page(now, after, size,
                [&](const Row& row) { return !is_before_deadline(row, now) && !is_locked(row.key, actor); });
  }

  [[nodiscard]] Rest rest(Micros now) const {
    Rest rest;
    for (const auto& [key, row] : rows) {
      if (!is_suspect(row, now)) continue;
      ++(is_before_deadline(row, now) ? rest.waiting : rest.settleable);
      rest.oldest = std::min(rest.oldest.value_or(infinity), *age_of(row));
    }
    return rest;
  }

  /// What `actor` gets of the wanted keys: what still matches and nobody else holds, in the order of keys.
  [[nodiscard]] std::vector<Row> lock(int actor, Micros now, const std::vector<std::string>& wanted,
                                      Micros age_min, Micros age_max) const {
    std::vector<Row> locked;
    for (const auto& [key, row] : rows) {
      if (!contains(wanted, key) || is_locked(key, actor) || !is_suspect(row, now)) continue;
      if (is_before_deadline(row, now)) continue;
      if (*age_of(row) >= age_min && *age_of(row) <= age_max) locked.push_back(row);
    }
    std::sort(locked.begin(), locked.end(),
              [this](const Row& a, const Row& b) { return is_key_before(a.key, b.key); });
    return locked;
  }

  [[nodiscard]] Row settled(Row row) const {
    if (is_due(row)) row.refunded = true;
    row.status = meaning_.settled_as;
    if (meaning_.counts_rescues) row.rescues = row.rescues.value_or(0) + 1;
    if (meaning_.note == Touch::literal) row.note = meaning_.note_text;
    if (meaning_.note == Touch::clear) row.note.reset();
    if (meaning_.finished == Touch::now) row.finished = written_as_now;
    if (meaning_.finished == Touch::clear) row.finished.reset();
    if (meaning_.restarts_age) row.ages[0] = written_as_now;
    return row;
  }

  [[nodiscard]] Answer answer_for(const Row& row) const {
    const auto account = row.user ? accounts.find(*row.user) : accounts.end();
    if (account == accounts.end()) return Answer::no_row;
    return account->second.refuses ? Answer::refused : Answer::paid;
  }

  [[nodiscard]] bool is_locked(const std::string& key, int except_actor) const {
    return std::any_of(open.begin(), open.end(), [&](const auto& other) {
      return other.first != except_actor && other.second.locked.contains(key);
    });
  }

  [[nodiscard]] bool is_user_locked(const std::string& user, int except_actor) const {
    return std::any_of(open.begin(), open.end(), [&](const auto& other) {
      return other.first != except_actor && other.second.locked_users.contains(user);
    });
  }

  void pay(const Payment& payment) {
    accounts[payment.user].balance += payment.amount;
    payments.push_back(payment);
  }

  void commit(int actor) {
    for (auto& [key, row] : open[actor].written) rows[key] = row;
    for (const Payment& payment : open[actor].payments) pay(payment);
    open.erase(actor);
  }

  void roll_back(int actor) { open.erase(actor); }

 private:
  static bool contains(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  }

  template <typename Wanted>
  [[nodiscard]] std::vector<Row> page(Micros now, const std::optional<Position>& after, std::size_t size,
                                      const Wanted& is_wanted) const {
    std::vector<Row> found;
    for (const auto& [key, row] : rows) {
      if (!is_suspect(row, now) || !is_wanted(row)) continue;
      if (!after || is_before(after->age, after->key, *age_of(row), key)) found.push_back(row);
    }
    std::sort(found.begin(), found.end(),
              [this](const Row& a, const Row& b) { return is_before(*age_of(a), a.key, *age_of(b), b.key); });
    if (found.size() > size) found.resize(size);
    return found;
  }

  [[nodiscard]] bool waits_for_provider(const Row& row) const {
    return meaning_.hard_deadline.has_value() && row.task.has_value();
  }

  [[nodiscard]] bool is_key_before(const std::string& a, const std::string& b) const {
    return key_type_ == KeyType::bigint ? std::stoll(a) < std::stoll(b) : a < b;
  }

  [[nodiscard]] bool is_before(Micros age_a, const std::string& a, Micros age_b, const std::string& b) const {
    return age_a != age_b ? age_a < age_b : is_key_before(a, b);
  }

  Meaning meaning_;
  KeyType key_type_;
};

}  // namespace jobwatchdog::test
