// What can be told from a query's text without running it. SQLite parses the query; this only looks for words.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database.hpp"

namespace arrow_sql {

struct Token {
    enum class Kind { word, literal, symbol };  // a literal is a number, a string or a quoted name
    Kind kind;
    std::string_view text;  // points into the query
    int depth;              // of parentheses around it; a parenthesis itself counts as outside
};

/// The query's tokens, without blanks and comments.
std::vector<Token> tokens_of(std::string_view query);

/// True for the word `word`, in any case. Never for a quoted name.
bool is_word(const Token& token, std::string_view word);

/// The query with every condition of WHERE and HAVING replaced by 1, so that no row is filtered out. A query that
/// SQLite would refuse may come out as anything.
std::string without_filters(std::string_view query);

/// The query without what ends it: semicolons, blanks and comments.
std::string_view without_end(std::string_view query);

/// The first construct whose result depends on rows of `table` other than the one at hand ("GROUP BY", "ORDER BY",
/// "LIMIT", ...), aggregate functions excepted; "" if there is none. A subquery that does not read the table does not
/// count.
std::string_view across_rows(const std::vector<Token>& tokens, std::string_view table);

/// A query taken apart as SELECT items rest.
struct SelectList {
    std::vector<std::string_view> items;
    std::string_view rest;  // from FROM on
};

/// Nothing where that is not possible: for WITH, VALUES, and SELECT DISTINCT or without FROM.
std::optional<SelectList> select_list(std::string_view query);

/// True for *, and for name.*
bool is_star(std::string_view item);

/// True for a name, perhaps qualified and quoted, with or without AS and another: for a column, if there is one of that
/// name.
bool is_name(std::string_view item);

/// "2:17" for a byte offset: line and column, from 1.
std::string place_of(std::string_view query, std::size_t offset);

/// Prepares the query of an option `query`, which must be one SELECT without parameters. Throws CONFIG: `place`, then
/// "query:2:17: no such column: amout; " and what `hint` answers to SQLite's message.
Statement prepare_select(const Database& database, const std::string& query, const std::string& place,
                         const std::function<std::string(std::string_view message)>& hint);

}  // namespace arrow_sql
