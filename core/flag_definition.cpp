// The grammar of flag definitions, read by descent and written back.
#include "core/flag_definition.hpp"

#include <array>

#include "core/spelling.hpp"

namespace jobwatchdog {
namespace {

constexpr std::array<std::string_view, 3> field_names{"user", "tool", "session"};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }

/// What an id may hold without quotes. Bytes above ASCII are letters of UTF-8.
bool is_bare(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || is_digit(c) || static_cast<unsigned char>(c) >= 0x80U ||
         std::string_view{"_-.:@+/"}.find(c) != std::string_view::npos;
}

/// A reader of one definition. The first problem ends it: from then on every step fails.
class Reader {
 public:
  Reader(std::string_view text, const KnownFlag& flag) : text_(text), flag_(flag) {}

  bool read(FlagDefinition& definition) {
    if (text_.size() > FlagLimits::text_bytes_max)
      return fail(0, "it is longer than " + std::to_string(FlagLimits::text_bytes_max) + " bytes",
                  "target fewer ids, or use a percentage");
    skip_blanks();
    definition.is_disabled = accept_word("disabled");
    if (definition.is_disabled && !accept(';') && !is_at_end()) return fail_expecting("\";\"");
    if (definition.is_disabled && is_at_end()) return true;
    do {
      if (!read_next_rule(definition)) return false;
    } while (accept(';'));
    return is_at_end() ||
           fail_expecting(definition.rules.back().rollout ? "\";\"" : "\"if\", \"for\" or \";\"");
  }

  [[nodiscard]] const FlagProblem& problem() const { return problem_; }

 private:
  bool read_next_rule(FlagDefinition& definition) {
    const std::size_t from = at_;
    if (!definition.rules.empty() && definition.rules.back().always_matches())
      return fail(from, "nothing behind a rule that always matches is ever reached",
                  "put the rules with \"if\" or \"for\" before it, or remove the rest");
    if (definition.rules.size() == FlagLimits::rules_max)
      return fail(from, "there are more than " + std::to_string(FlagLimits::rules_max) + " rules",
                  "put several ids into one rule: user in (u1, u2)");
    FlagRule rule;
    if (!read_value(rule.value)) return false;
    if (accept_word("if") && !read_conditions(rule.conditions)) return false;
    if (accept_word("for") && !read_rollout(rule.rollout.emplace())) return false;
    definition.rules.push_back(std::move(rule));
    return true;
  }

  bool read_value(FlagValue& value) {
    const std::size_t from = at_;
    const std::string_view word = take_word();
    value.type = flag_.type;
    if (word.empty()) return fail_expecting(value_words());
    const bool is_boolean = word == "true" || word == "false";
    bool is_number = true;
    for (const char c : word) is_number = is_number && is_digit(c);
    if (!is_boolean && !is_number)
      return fail(from, quoted_word(word) + " is not " + value_words(),
                  flag_.type == FlagType::boolean ? suggestion(word, {"true", "false", "disabled"})
                                                  : "write digits only, such as 30000");
    if (is_boolean != (flag_.type == FlagType::boolean))
      return fail(
          from,
          quoted_word(word) + " is of the wrong type: " + std::string{flag_.name} + " is " + value_words(),
          "write " + value_words(), FlagErrorCode::type_mismatch);
    if (is_boolean) value.number = word == "true" ? 1 : 0;
    return is_boolean || read_number(word, from, value.number);
  }

  bool read_number(std::string_view digits, std::size_t from, std::int64_t& number) {
    constexpr std::int64_t beyond_every_flag = 1'000'000'000'000'000;
    number = 0;
    for (const char c : digits) {
      if (number < beyond_every_flag) number = number * 10 + (c - '0');
    }
    if (number >= flag_.least && number <= flag_.most) return true;
    return fail(from, quoted_word(digits) + " is outside of what is sensible for " + std::string{flag_.name},
                "give a number from " + std::to_string(flag_.least) + " to " + std::to_string(flag_.most));
  }

  bool read_conditions(std::vector<FlagCondition>& conditions) {
    do {
      if (conditions.size() == FlagLimits::conditions_max)
        return fail(at_, "a rule has more than " + std::to_string(FlagLimits::conditions_max) + " conditions",
                    "say the same with fewer");
      FlagCondition& condition = conditions.emplace_back();
      if (!read_field(condition.field)) return false;
      condition.is_negated = accept_word("not");
      if (!accept_word("in")) return fail_expecting("\"in (...)\" or \"not in (...)\"");
      if (!accept('(')) return fail_expecting("\"(\"");
      do {
        if (!read_id(condition.ids.emplace_back(), "an id")) return false;
      } while (accept(','));
      if (!accept(')')) return fail_expecting("\",\" or \")\"");
    } while (accept_word("and"));
    return true;
  }

  bool read_rollout(FlagRollout& rollout) {
    const std::size_t from = at_;
    const std::string_view digits = take_word();
    bool is_number = !digits.empty() && digits.size() <= 3;
    for (const char c : digits) is_number = is_number && is_digit(c);
    for (const char c : digits) rollout.percent = is_number ? rollout.percent * 10 + (c - '0') : 101;
    if (!is_number || rollout.percent > 100) {
      return fail(from, quoted_word(digits) + " is not a percentage",
                  "write a whole number from 0 to 100: for 25% of user");
    }
    if (!accept('%')) return fail_expecting("\"%\"");
    if (!accept_word("of")) return fail_expecting("\"of\"");
    if (!read_field(rollout.field)) return false;
    return !accept_word("by") || read_id(rollout.group, "a group");
  }

  bool read_field(FlagField& field) {
    const std::size_t from = at_;
    const std::string_view word = take_word();
    for (std::size_t i = 0; i < field_names.size(); ++i) {
      field = static_cast<FlagField>(i);
      if (word == field_names[i]) return true;
    }
    if (word.empty()) return fail_expecting("\"user\", \"tool\" or \"session\"");
    return fail(from, quoted_word(word) + " is nothing that a flag can be told by",
                suggestion(word, {field_names.begin(), field_names.end()}));
  }

  bool read_id(std::string& id, const char* what) {
    const std::size_t from = at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      if (!read_quoted(id)) return false;
    } else {
      id = take_word();
    }
    if (id.empty())
      return fail_expecting(
          std::string{what} +
          ", in double quotes when it has other characters than letters, digits and _ - . : @ + /");
    if (id.size() <= FlagLimits::id_bytes_max) return true;
    return fail(from,
                std::string{what} + " is longer than " + std::to_string(FlagLimits::id_bytes_max) + " bytes",
                "shorten it");
  }

  bool read_quoted(std::string& id) {
    const std::size_t from = at_++;
    while (at_ < text_.size() && !is_control(text_[at_])) {
      const bool is_quote = text_[at_] == '"';
      const bool is_doubled = is_quote && at_ + 1 < text_.size() && text_[at_ + 1] == '"';
      if (is_quote && !is_doubled) {
        ++at_;
        skip_blanks();
        return true;
      }
      id += text_[at_];
      at_ += is_doubled ? 2 : 1;
    }
    return fail(from, "a double quote is opened and not closed on its line",
                "close it; a quote in an id is doubled");
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  [[nodiscard]] bool is_at_end() const { return at_ == text_.size(); }

  [[nodiscard]] std::string_view next_word() const {
    std::size_t end = at_;
    while (end < text_.size() && is_bare(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }

  std::string_view take_word() {
    const std::string_view word = next_word();
    at_ += word.size();
    skip_blanks();
    return word;
  }

  bool accept_word(std::string_view wanted) {
    const bool is_there = next_word() == wanted;
    if (is_there) take_word();
    return is_there;
  }

  bool accept(char wanted) {
    const bool is_there = at_ < text_.size() && text_[at_] == wanted;
    if (is_there) ++at_;
    if (is_there) skip_blanks();
    return is_there;
  }

  [[nodiscard]] std::string value_words() const {
    return flag_.type == FlagType::boolean ? "true or false" : "a whole number";
  }

  /// A piece of the text as it can be shown: short and on one line.
  static std::string quoted_word(std::string_view word) {
    constexpr std::size_t shown_max = 40;
    return "\"" + single_line(std::string{word.substr(0, shown_max)}) +
           (word.size() > shown_max ? "...\"" : "\"");
  }

  bool fail_expecting(const std::string& wanted) {
    const std::string_view word = next_word().empty() ? text_.substr(at_, 1) : next_word();
    return fail(
        at_,
        is_at_end() ? "it ends where " + wanted + " is expected"
                    : quoted_word(word) + " stands where " + wanted + " is expected",
        "write, for example: " + std::string{flag_.type == FlagType::boolean
                                                 ? "true if user in (u1, u2); true for 25% of user; false"
                                                 : "60000 if tool in (upscaler); 30000"});
  }

  bool fail(std::size_t at, std::string what, std::string mend,
            FlagErrorCode code = FlagErrorCode::parse_error) {
    problem_ = {code, {"character " + std::to_string(at + 1), std::move(what), std::move(mend)}};
    return false;
  }

  std::string_view text_;
  const KnownFlag& flag_;
  std::size_t at_{0};
  FlagProblem problem_;
};

std::string id_text(const std::string& id) {
  bool is_all_bare = true;
  std::string quoted = "\"";
  for (const char c : id) {
    is_all_bare = is_all_bare && is_bare(c);
    quoted += c;
    if (c == '"') quoted += c;
  }
  return is_all_bare ? id : quoted + "\"";
}

void write_rule(std::string& text, const FlagRule& rule) {
  text += flag_value_text(rule.value);
  const char* link = " if ";
  for (const FlagCondition& condition : rule.conditions) {
    text += link;
    text += flag_field_name(condition.field);
    text += condition.is_negated ? " not in (" : " in (";
    for (std::size_t i = 0; i < condition.ids.size(); ++i)
      text += (i > 0 ? ", " : "") + id_text(condition.ids[i]);
    text += ")";
    link = " and ";
  }
  if (!rule.rollout) return;
  text += " for " + std::to_string(rule.rollout->percent) + "% of ";
  text += flag_field_name(rule.rollout->field);
  if (!rule.rollout->group.empty()) text += " by " + id_text(rule.rollout->group);
}

}  // namespace

Result<FlagDefinition, FlagProblem> parse_flag_definition(std::string_view text, const KnownFlag& flag) {
  FlagDefinition definition;
  Reader reader{text, flag};
  if (!reader.read(definition)) return reader.problem();
  return definition;
}

std::string flag_definition_text(const FlagDefinition& definition) {
  std::string text = definition.is_disabled ? "disabled" : "";
  for (const FlagRule& rule : definition.rules) {
    if (!text.empty()) text += "; ";
    write_rule(text, rule);
  }
  return text;
}

std::string_view flag_field_name(FlagField field) { return field_names[static_cast<std::size_t>(field)]; }

}  // namespace jobwatchdog
