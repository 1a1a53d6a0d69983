// Rules proposed from what a database looks like.
#include "core/rule_proposal.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/rule_text.hpp"
#include "core/spelling.hpp"

namespace jobwatchdog {
namespace {

using Words = std::vector<std::string_view>;

const Words status_columns{"status",     "state",     "situacao", "estado",
                           "job_status", "job_state", "fase",     "stage"};
const Words working_words{"running",      "processing",  "in_progress", "inprogress",  "working",
                          "started",      "starting",    "analyzing",   "analysing",   "executing",
                          "importing",    "uploading",   "generating",  "rendering",   "sending",
                          "busy",         "claimed",     "dispatched",  "processando", "em_processamento",
                          "em_andamento", "em_execucao", "executando",  "rodando",     "analisando",
                          "em_analise",   "iniciando",   "iniciado",    "gerando",     "importando",
                          "enviando"};
const Words waiting_words{"pending", "queued",      "waiting", "new",     "created",    "scheduled",
                          "ready",   "pendente",    "na_fila", "fila",    "aguardando", "novo",
                          "nova",    "enfileirado", "criado",  "agendado"};
const Words failure_words{"failed", "failure", "error", "errored", "aborted",  "dead",
                          "falhou", "falha",   "falho", "erro",    "com_erro", "abortado"};
const Words heartbeat_columns{"last_seen_at",  "heartbeat_at",    "last_heartbeat_at", "updated_at",
                              "modified_at",   "last_updated",    "atualizado_em",     "alterado_em",
                              "modificado_em", "data_atualizacao"};
const Words started_columns{"started_at", "processing_started_at", "claimed_at", "iniciado_em", "inicio",
                            "data_inicio"};
const Words created_columns{"created_at", "inserted_at", "queued_at", "criado_em", "data_criacao", "criacao"};
const Words finished_columns{"completed_at", "finished_at",   "ended_at",    "failed_at",
                             "concluido_em", "finalizado_em", "terminado_em"};
const Words error_columns{"error_message",    "error", "last_error", "failure_reason", "mensagem_erro",
                          "mensagem_de_erro", "erro",  "motivo"};
const Words user_columns{"user_id",     "usuario_id", "id_usuario", "owner_id",
                         "customer_id", "cliente_id", "account_id", "profile_id"};
const Words charged_stems{"charged", "cobrad", "debitad"};
const Words refunded_stems{"refund", "estorn", "devolvid", "reembols"};
const Words amount_stems{"credit_cost", "credits", "cost",  "creditos", "custo",
                         "amount",      "price",   "preco", "valor"};

constexpr const char* timestamptz = "timestamp with time zone";

bool is_one_of(const Words& words, std::string_view text) {
  const std::string word = plain_word(text);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view candidate) { return candidate == word; });
}

bool has_stem(const Words& stems, std::string_view text) {
  const std::string word = plain_word(text);
  return std::any_of(stems.begin(), stems.end(),
                     [&](std::string_view stem) { return word.find(stem) != std::string::npos; });
}

/// The first column, by the order of `words`, whose name is one of them and whose type fits.
std::string column_named(const TableFacts& facts, const Words& words, std::string_view type) {
  for (const std::string_view word : words) {
    for (const ColumnFacts& column : facts.columns) {
      if (plain_word(column.name) == word && (type.empty() || column.type.rfind(type, 0) == 0) &&
          !column.is_generated)
        return column.name;
    }
  }
  return "";
}

std::string column_with_stem(const TableFacts& facts, const Words& stems, const Words& types) {
  for (const std::string_view stem : stems) {
    for (const ColumnFacts& column : facts.columns) {
      const bool type_fits =
          std::any_of(types.begin(), types.end(), [&](std::string_view type) { return column.type == type; });
      if (type_fits && plain_word(column.name).find(stem) != std::string::npos) return column.name;
    }
  }
  return "";
}

std::vector<std::string> values_among(const std::vector<std::string>& values, const Words& words) {
  std::vector<std::string> found;
  for (const std::string& value : values) {
    if (is_one_of(words, value)) found.push_back(value);
  }
  return found;
}

const StatusCandidate* best_status(const TableProfile& profile) {
  const StatusCandidate* best = nullptr;
  for (const StatusCandidate& candidate : profile.status_candidates) {
    if (values_among(candidate.values, working_words).empty()) continue;
    if (best == nullptr || is_one_of(status_columns, candidate.column)) best = &candidate;
  }
  return best;
}

/// The columns that tell the age, most telling first; without any, a remark says what is in the way.
std::vector<std::string> age_columns(const TableFacts& facts, std::vector<std::string>& remarks) {
  for (const Words* words : {&heartbeat_columns, &started_columns, &created_columns}) {
    const std::string column = column_named(facts, *words, timestamptz);
    if (!column.empty()) return {column};
  }
  for (const ColumnFacts& column : facts.columns) {
    if (column.type == timestamptz) return {column.name};
  }
  for (const ColumnFacts& column : facts.columns) {
    if (column.type.rfind("timestamp", 0) == 0) {
      remarks.push_back("no rule: column \"" + column.name +
                        "\" is a timestamp without time zone. Mend: ALTER TABLE " + quoted(facts.table) +
                        " ALTER COLUMN " + quote_identifier(column.name) + " TYPE timestamptz USING " +
                        quote_identifier(column.name) + " AT TIME ZONE 'UTC'");
      return {};
    }
  }
  remarks.emplace_back("no rule: the table has no timestamptz column that could tell a row's age");
  return {};
}

std::optional<Refund> find_refund(const TableFacts& facts, const std::vector<FunctionProfile>& functions,
                                  std::vector<std::string>& remarks) {
  Refund refund;
  refund.charged = column_with_stem(facts, charged_stems, {"boolean"});
  refund.refunded = column_with_stem(facts, refunded_stems, {"boolean"});
  refund.amount = column_with_stem(facts, amount_stems, {"integer", "bigint", "smallint", "numeric"});
  refund.user = column_named(facts, user_columns, "");
  if (refund.charged.empty() && refund.refunded.empty()) return std::nullopt;
  for (const FunctionProfile& function : functions) {
    if (has_stem(refunded_stems, function.name.name)) refund.function = function.name;
  }
  std::vector<std::string> missing;
  if (refund.charged.empty()) missing.emplace_back("a boolean column that says it was charged");
  if (refund.refunded.empty()) missing.emplace_back("a boolean column that says it was refunded");
  if (refund.amount.empty()) missing.emplace_back("a number column with the amount");
  if (refund.user.empty()) missing.emplace_back("a column with the user");
  if (!refund.function) missing.emplace_back("a refund function f(user, amount, description)");
  if (!missing.empty()) {
    remarks.push_back("rows seem to cost credits, but no refund is proposed; missing: " + joined(missing));
    return std::nullopt;
  }
  refund.description = "Refund: job stuck, stopped by jobwatchdog";
  return refund;
}

void propose_set(Rule& rule, const TableFacts& facts, const StatusCandidate& status,
                 std::vector<std::string>& remarks) {
  const std::vector<std::string> failures = values_among(status.values, failure_words);
  const std::vector<std::string> waiting = values_among(status.values, waiting_words);
  const bool fails = !failures.empty() || waiting.empty();
  const std::string target =
      !failures.empty() ? failures.front() : (waiting.empty() ? "failed" : waiting.front());
  rule.set.push_back({rule.status, Assignment::Kind::literal, target});
  if (fails) {
    if (failures.empty())
      remarks.push_back("no failure status is known for this table; \"failed\" is a guess");
    if (!waiting.empty())
      remarks.push_back("to run such rows again instead, set " + rule.status + " = \"" + waiting.front() +
                        "\"");
    const std::string error_column = column_named(facts, error_columns, "");
    if (!error_column.empty() && error_column != rule.status) {
      rule.set.push_back(
          {error_column, Assignment::Kind::literal, "Stopped by jobwatchdog: no progress for 10 minutes"});
    }
    const std::string finished = column_named(facts, finished_columns, timestamptz);
    if (!finished.empty()) rule.set.push_back({finished, Assignment::Kind::database_now, ""});
  } else {
    remarks.push_back("no failure status is known for this table, so rows go back to \"" + target +
                      "\"; your worker then runs them again");
  }
  const std::string updated = column_named(facts, heartbeat_columns, timestamptz);
  if (!updated.empty()) rule.set.push_back({updated, Assignment::Kind::database_now, ""});
}

std::optional<Proposal> propose(const TableProfile& profile, const std::vector<FunctionProfile>& functions) {
  const StatusCandidate* status = best_status(profile);
  if (status == nullptr) return std::nullopt;
  const TableFacts& facts = profile.facts;
  Proposal proposal{facts.table, std::nullopt, {}};
  Rule rule;
  rule.tables = {facts.table};
  rule.status = status->column;
  rule.stuck_in = values_among(status->values, working_words);
  rule.older_than = minutes(10);
  rule.age_of = age_columns(facts, proposal.remarks);
  if (rule.age_of.empty()) return proposal;
  if (facts.unique_columns.empty()) {
    proposal.remarks.emplace_back("no rule: the table has no primary key or unique index of one column");
    return proposal;
  }
  const bool has_id =
      std::find(facts.unique_columns.begin(), facts.unique_columns.end(), "id") != facts.unique_columns.end();
  rule.key = has_id ? "id" : facts.unique_columns.front();
  propose_set(rule, facts, *status, proposal.remarks);
  rule.refund = find_refund(facts, functions, proposal.remarks);
  if (find_column(facts, "task_id") != nullptr && find_column(facts, "api_account") != nullptr) {
    proposal.remarks.emplace_back(
        "rows have task_id and api_account: if RunningHub runs them, add provider = \"runninghub\" and hard_deadline = \"12 min\"");
  }
  rule.name = "stuck-" + plain_word(facts.table.name);
  std::replace(rule.name.begin(), rule.name.end(), '_', '-');
  rule.audit = true;
  proposal.rule = std::move(rule);
  return proposal;
}

/// Whether two rules differ in nothing but their tables and names.
bool same_shape(Rule a, const Rule& b) {
  a.name = b.name;
  a.tables = b.tables;
  return a == b;
}

void give_unique_names(std::vector<Proposal>& proposals) {
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    if (!proposals[i].rule) continue;
    int same = 1;
    for (std::size_t j = 0; j < i; ++j)
      same += proposals[j].rule && plain_word(proposals[j].table.name) == plain_word(proposals[i].table.name)
                  ? 1
                  : 0;
    if (same > 1) proposals[i].rule->name += "-" + std::to_string(same);
  }
}

void append_comment(std::string& out, const std::string& text) { out += "# " + single_line(text) + "\n"; }

}  // namespace

std::string plain_word(std::string_view text) {
  // Letters of Latin-1 behind the UTF-8 lead byte 0xC3, from 0x80 on, without case and accent; '.' = none.
  static constexpr std::string_view folded =
      "aaaaaaaceeeeiiiidnooooo.ouuuuy.saaaaaaaceeeeiiiidnooooo.ouuuuy.y";
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    char c = '_';
    if (byte >= 'A' && byte <= 'Z') {
      c = static_cast<char>(byte - 'A' + 'a');
    } else if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
      c = static_cast<char>(byte);
    } else if (byte == 0xC3U && at + 1 < text.size()) {
      const std::uint32_t index = static_cast<unsigned char>(text[++at]) - 0x80U;
      if (index < folded.size() && folded[index] != '.') c = folded[index];
    }
    if (c == '_' && (out.empty() || out.back() == '_')) continue;
    out += c;
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

std::vector<Proposal> propose_rules(const std::vector<TableProfile>& tables,
                                    const std::vector<FunctionProfile>& functions) {
  std::vector<Proposal> proposals;
  for (const TableProfile& profile : tables) {
    std::optional<Proposal> proposal = propose(profile, functions);
    if (!proposal) continue;
    const auto twin = std::find_if(proposals.begin(), proposals.end(), [&](const Proposal& earlier) {
      return earlier.rule && proposal->rule && same_shape(*proposal->rule, *earlier.rule);
    });
    if (twin != proposals.end()) {
      twin->rule->tables.push_back(proposal->table);
    } else {
      proposals.push_back(std::move(*proposal));
    }
  }
  give_unique_names(proposals);
  return proposals;
}

std::string proposals_as_toml(const std::vector<Proposal>& proposals) {
  std::string out =
      "# Rules proposed by `jobwatchdog adopt`. Read each one, adjust older_than to your longest honest run, then:\n"
      "#   jobwatchdog rules check        what would not work, and what to do\n"
      "#   jobwatchdog sweep --dry-run    what would change, and why; writes nothing\n"
      "#   jobwatchdog sweep              settle\n";
  for (const Proposal& proposal : proposals) {
    out += "\n";
    if (!proposal.rule) append_comment(out, display_name(proposal.table));
    for (const std::string& remark : proposal.remarks) append_comment(out, remark);
    if (proposal.rule) out += rule_as_toml(*proposal.rule);
  }
  return out;
}

}  // namespace jobwatchdog
