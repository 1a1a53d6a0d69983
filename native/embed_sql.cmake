# Writes sql/ as C++ string literals, so that the binary needs no files beside it. Run by the build as a script.
function(literal_of file result)
  file(READ ${file} text)
  set(${result} "R\"jobwatchdog_sql(${text})jobwatchdog_sql\"" PARENT_SCOPE)
endfunction()

function(table_of folder name)
  file(GLOB files ${SQL_DIR}/${folder}/*.sql)
  list(SORT files)
  list(LENGTH files count)
  file(APPEND ${OUTPUT} "static constexpr std::array<SqlFile, ${count}> ${name}{{\n")
  foreach(file IN LISTS files)
    get_filename_component(stem ${file} NAME_WE)
    literal_of(${file} literal)
    file(APPEND ${OUTPUT} "{\"${stem}\", ${literal}},\n")
  endforeach()
  file(APPEND ${OUTPUT} "}};\n")
endfunction()

file(WRITE ${OUTPUT} "// Generated from sql/ by native/embed_sql.cmake; changes here are lost.\n#include \"native/embedded_sql.hpp\"\n\n#include <array>\n\nnamespace jobwatchdog {\n")
table_of(migrations migration_files)
table_of(functions function_files)
literal_of(${SQL_DIR}/migration_table.sql migration_table)
literal_of(${SQL_DIR}/schema.sql schema)
literal_of(${SQL_DIR}/audit.sql audit)
file(APPEND ${OUTPUT} "std::span<const SqlFile> embedded_migrations() { return migration_files; }\n"
     "std::span<const SqlFile> embedded_functions() { return function_files; }\n"
     "std::string_view embedded_migration_table() { return ${migration_table}; }\n"
     "std::string_view embedded_audit() { return ${audit}; }\n"
     "std::string_view embedded_schema() { return ${schema}; }\n}  // namespace jobwatchdog\n")
