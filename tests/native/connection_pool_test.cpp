// The pool of connections: what is opened before it is wanted.
#include "native/connection_pool.hpp"

#include <gtest/gtest.h>

#include "tests/support/database.hpp"

namespace jobwatchdog::test {
namespace {

TEST(connection_pool, that_is_warm_opens_nothing_for_the_first_that_come) {
  const Database database = Database::empty();
  int opened_count = 0;
  ConnectionPool pool{[&] {
    ++opened_count;
    return Connection::open(database.url(), {});
  }};
  pool.warm(3, "SELECT 1");
  EXPECT_EQ(opened_count, 3);
  const std::function<int(const DatabaseError&)> failed = [](const DatabaseError&) { return -1; };
  std::function<int(int)> nested = [&](int depth) {
    return pool.lend<int>([&](Connection&) { return depth == 0 ? opened_count : nested(depth - 1); }, failed);
  };
  EXPECT_EQ(nested(2), 3);
  EXPECT_EQ(nested(3), 4);
}

TEST(connection_pool, that_cannot_be_warmed_leaves_it_to_whoever_wants_a_connection) {
  const Database database = Database::empty();
  int opened_count = 0;
  ConnectionPool pool{[&] {
    ++opened_count;
    return Connection::open(opened_count == 1 ? "host=/nowhere" : database.url(), {});
  }};
  pool.warm(3, "SELECT 1");
  EXPECT_EQ(opened_count, 1);
  pool.warm(3, "SELECT missing");
  EXPECT_EQ(opened_count, 2);
  EXPECT_TRUE(pool.query("SELECT 1", {}, {.read_only = true}).ok());
}

}  // namespace
}  // namespace jobwatchdog::test
