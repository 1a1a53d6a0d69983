// The words of /rest/v1.
#include "native/serve/rest/rest_tables.hpp"

#include <algorithm>
#include <array>

namespace jobwatchdog {
namespace {

constexpr std::array<RestColumn, 21> job_columns{{{"id", "uuid"},
                                                  {"tool", "text"},
                                                  {"user_id", "uuid"},
                                                  {"session_id", "text"},
                                                  {"status", "text"},
                                                  {"task_id", "text"},
                                                  {"api_account", "text"},
                                                  {"payload", "jsonb"},
                                                  {"user_credit_cost", "integer"},
                                                  {"credits_charged", "boolean"},
                                                  {"credits_refunded", "boolean"},
                                                  {"output_url", "text"},
                                                  {"late_output_url", "text"},
                                                  {"error_message", "text"},
                                                  {"position", "integer"},
                                                  {"attempt", "integer"},
                                                  {"created_at", "timestamptz"},
                                                  {"queued_at", "timestamptz"},
                                                  {"started_at", "timestamptz"},
                                                  {"completed_at", "timestamptz"},
                                                  {"updated_at", "timestamptz"}}};

constexpr std::array<RestColumn, 4> credit_columns{
    {{"user_id", "uuid"}, {"balance", "integer"}, {"opening", "integer"}, {"updated_at", "timestamptz"}}};

constexpr std::array<RestColumn, 8> exam_columns{{{"id", "uuid"},
                                                  {"user_id", "uuid"},
                                                  {"status", "text"},
                                                  {"file_url", "text"},
                                                  {"result", "jsonb"},
                                                  {"error_message", "text"},
                                                  {"created_at", "timestamptz"},
                                                  {"updated_at", "timestamptz"}}};

constexpr std::array<RestColumn, 2> role_columns{{{"user_id", "uuid"}, {"role", "text"}}};

constexpr std::array<RestColumn, 8> audit_columns{{{"id", "bigint"},
                                                   {"action", "text"},
                                                   {"table_name", "text"},
                                                   {"record_id", "text"},
                                                   {"old_data", "jsonb"},
                                                   {"new_data", "jsonb"},
                                                   {"actor", "text"},
                                                   {"created_at", "timestamptz"}}};

constexpr RestTable jobs{"ai_jobs", "public.ai_jobs", job_columns};

constexpr std::array<RestTable, 5> tables{{jobs,
                                           {"upscaler_credits", "public.upscaler_credits", credit_columns},
                                           {"exams", "public.exams", exam_columns},
                                           {"user_roles", "public.user_roles", role_columns},
                                           {"audit_log", "public.audit_log", audit_columns}}};

constexpr std::array<RestColumn, 2> of_a_job{{{"p_table_name", "text"}, {"p_job_id", "uuid"}}};
constexpr std::array<RestColumn, 3> of_a_job_and_message{
    {{"p_table_name", "text"}, {"p_job_id", "uuid"}, {"p_error_message", "text"}}};
constexpr std::array<RestColumn, 2> of_a_role{{{"_user_id", "uuid"}, {"_role", "text"}}};
constexpr std::array<RestColumn, 3> of_credits{
    {{"_user_id", "uuid"}, {"_amount", "integer"}, {"_description", "text"}}};

constexpr std::array<RestFunction, 8> functions{
    {{"user_cancel_ai_job", of_a_job, 2, true},
     {"admin_cancel_job", of_a_job, 2, true},
     {"mark_pending_job_as_failed", of_a_job_and_message, 3, false},
     {"has_role", of_a_role, 2, false},
     {"consume_upscaler_credits", of_credits, 2, true},
     {"refund_upscaler_credits", of_credits, 2, true},
     {"cleanup_stuck_analyzing_exams", {}, 0, true},
     {"cleanup_all_stale_ai_jobs", {}, 0, true}}};

template <typename Items>
auto* named(const Items& items, std::string_view name) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const RestTable& jobs_table() { return jobs; }
const RestTable* find_rest_table(std::string_view name) { return named(tables, name); }
const RestColumn* find_column(const RestTable& table, std::string_view name) {
  return named(table.columns, name);
}
const RestFunction* find_rest_function(std::string_view name) { return named(functions, name); }

}  // namespace jobwatchdog
