#include "query_text.hpp"

#include <algorithm>

namespace arrow_sql {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The end of a text that began with `quote`; a doubled quote stands for itself.
std::size_t end_of_quoted(std::string_view query, std::size_t at, char quote) {
    for (++at; at < query.size(); ++at) {
        if (query[at] != quote) continue;
        if (at + 1 == query.size() || query[at + 1] != quote || quote == ']') return at + 1;
        ++at;
    }
    return query.size();
}

std::size_t end_of_blank(std::string_view query, std::size_t at) {
    for (;;) {
        const std::size_t begin = at;
        while (at < query.size() && std::string_view(" \t\r\n\f").find(query[at]) != std::string_view::npos)
            ++at;
        if (query.substr(at, 2) == "--") at = std::min(query.find('\n', at), query.size());
        if (query.substr(at, 2) == "/*") {
            const std::size_t end = query.find("*/", at + 2);
            at = end == query.npos ? query.size() : end + 2;
        }
        if (at == begin) return at;
    }
}

std::size_t end_of_token(std::string_view query, std::size_t at, Token::Kind& kind) {
    const char c = query[at];
    kind = Token::Kind::literal;
    if (c == '\'' || c == '"' || c == '`') return end_of_quoted(query, at, c);
    if (c == '[') return end_of_quoted(query, at, ']');
    const auto run = [&](auto belongs) {
        while (at < query.size() && belongs(query[at]))
            ++at;
        return at;
    };
    if (is_digit(c)) return run([](char d) { return is_digit(d) || is_letter(d) || d == '.'; });
    if (is_letter(c)) {
        kind = Token::Kind::word;
        return run([](char d) { return is_letter(d) || is_digit(d) || d == '$'; });
    }
    kind = Token::Kind::symbol;
    return at + 1;
}

/// True for a word that ends the condition which began at the same depth.
bool ends_condition(const Token& token) {
    for (const char* const word : {"group", "having", "window", "order", "limit", "union", "intersect", "except"}) {
        if (is_word(token, word)) return true;
    }
    return false;
}

}  // namespace

std::vector<Token> tokens_of(std::string_view query) {
    std::vector<Token> tokens;
    int depth = 0;
    for (std::size_t at = end_of_blank(query, 0); at < query.size(); at = end_of_blank(query, at)) {
        Token token{};
        const std::size_t end = end_of_token(query, at, token.kind);
        token.text = query.substr(at, end - at);
        if (token.text == ")") --depth;
        token.depth = depth;
        if (token.text == "(") ++depth;
        tokens.push_back(token);
        at = end;
    }
    return tokens;
}

bool is_word(const Token& token, std::string_view word) {
    return token.kind == Token::Kind::word && same_name(token.text, word);
}

std::string without_filters(std::string_view query) {
    const std::vector<Token> tokens = tokens_of(query);
    std::string out;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        out.append(tokens[i].text) += ' ';
        const bool member = i > 0 && tokens[i - 1].text == ".";  // t.having is a column
        if (member || !(is_word(tokens[i], "where") || is_word(tokens[i], "having"))) continue;
        const int depth = tokens[i].depth;
        out += "1 ";
        while (i + 1 < tokens.size() && tokens[i + 1].depth >= depth &&
               !(tokens[i + 1].depth == depth && (ends_condition(tokens[i + 1]) || tokens[i + 1].text == ";")))
            ++i;
    }
    return out;
}

std::string_view without_end(std::string_view query) {
    std::size_t end = 0;
    for (const Token& token : tokens_of(query)) {
        if (token.text != ";") end = static_cast<std::size_t>(token.text.data() + token.text.size() - query.data());
    }
    return query.substr(0, end);
}

namespace {

/// True where a query begins in parentheses.
bool begins_subquery(const std::vector<Token>& tokens, std::size_t at) {
    if (tokens[at].text != "(" || at + 1 == tokens.size()) return false;
    const Token& next = tokens[at + 1];
    return is_word(next, "select") || is_word(next, "with") || is_word(next, "values");
}

/// The parenthesis that closes the one at `at`.
std::size_t end_of_group(const std::vector<Token>& tokens, std::size_t at) {
    std::size_t end = at + 1;
    while (end < tokens.size() && !(tokens[end].text == ")" && tokens[end].depth == tokens[at].depth))
        ++end;
    return end;
}

/// True when the tokens from `begin` to `end` name `table`, quoted or not, otherwise than as in table.column.
bool names_table(const std::vector<Token>& tokens, std::size_t begin, std::size_t end, std::string_view table) {
    for (std::size_t i = begin; i < end; ++i) {
        std::string_view name = tokens[i].text;
        if (tokens[i].kind == Token::Kind::literal && name.size() == table.size() + 2)
            name = name.substr(1, table.size());
        const bool qualifies = i + 1 < tokens.size() && tokens[i + 1].text == ".";
        if (!qualifies && same_name(name, table)) return true;
    }
    return false;
}

}  // namespace

std::string_view across_rows(const std::vector<Token>& tokens, std::string_view table) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (begins_subquery(tokens, i)) {
            const std::size_t end = end_of_group(tokens, i);
            if (!names_table(tokens, i, end, table)) {
                i = end;
                continue;
            }
        }
        const Token* const before = i > 0 ? &tokens[i - 1] : nullptr;
        if (before != nullptr && before->text == ".") continue;
        if (is_word(tokens[i], "group")) return "GROUP BY";
        if (is_word(tokens[i], "order")) return "ORDER BY";
        if (is_word(tokens[i], "limit")) return "LIMIT";
        if (is_word(tokens[i], "union")) return "UNION";
        if (is_word(tokens[i], "intersect")) return "INTERSECT";
        if (is_word(tokens[i], "except")) return "EXCEPT";
        // x IS [NOT] DISTINCT FROM y compares two values of one row.
        const bool compares = before != nullptr && (is_word(*before, "is") || is_word(*before, "not"));
        if (is_word(tokens[i], "distinct") && !compares) return "DISTINCT";
        if (is_word(tokens[i], "over") && before != nullptr && before->text == ")") return "a window function";
    }
    return {};
}

std::optional<SelectList> select_list(std::string_view query) {
    const std::string_view text = without_end(query);
    const std::vector<Token> tokens = tokens_of(text);
    if (tokens.size() < 2 || !is_word(tokens[0], "select") || is_word(tokens[1], "distinct") ||
        is_word(tokens[1], "all"))
        return std::nullopt;
    const auto offset = [text](const Token& token) {
        return static_cast<std::size_t>(token.text.data() - text.data());
    };
    SelectList out;
    std::size_t begin = 1;
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        if (tokens[i].depth > 0 || tokens[i].text == "(" || tokens[i].text == ")") continue;
        // x IS DISTINCT FROM y is an expression.
        const bool from = is_word(tokens[i], "from") && !is_word(tokens[i - 1], "distinct");
        if (!from && tokens[i].text != ",") continue;
        if (i == begin) return std::nullopt;
        const Token& last = tokens[i - 1];
        out.items.push_back(
            text.substr(offset(tokens[begin]), offset(last) + last.text.size() - offset(tokens[begin])));
        begin = i + 1;
        if (!from) continue;
        out.rest = text.substr(offset(tokens[i]));
        return out;
    }
    return std::nullopt;
}

bool is_star(std::string_view item) {
    const std::vector<Token> tokens = tokens_of(item);
    return tokens.back().text == "*" && (tokens.size() == 1 || (tokens.size() == 3 && tokens[1].text == "."));
}

bool is_name(std::string_view item) {
    std::vector<Token> tokens = tokens_of(item);
    const auto names = [](const Token& token) {
        return token.kind == Token::Kind::word ||
               std::string_view("\"`[").find(token.text.front()) != std::string_view::npos;
    };
    // Take the alias off.
    if (tokens.size() >= 2 && tokens[tokens.size() - 2].text != ".") tokens.pop_back();
    if (tokens.size() >= 2 && is_word(tokens.back(), "as")) tokens.pop_back();
    return (tokens.size() == 1 && names(tokens[0])) ||
           (tokens.size() == 3 && names(tokens[0]) && tokens[1].text == "." && names(tokens[2]));
}

std::string place_of(std::string_view query, std::size_t offset) {
    const std::string_view before = query.substr(0, offset);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    return std::to_string(line) + ":" + std::to_string(before.size() - line_begin + 1);
}

Statement prepare_select(const Database& database, const std::string& query, const std::string& place,
                         const std::function<std::string(std::string_view message)>& hint) {
    const auto refuse = [&](const std::string& why) {
        throw leat::error(LEAT_ERR_CONFIG, place + "query" + why + "; it must be one SELECT");
    };
    const std::vector<Token> tokens = tokens_of(query);
    if (tokens.empty()) refuse(" is empty");
    if (!is_word(tokens.front(), "select") && !is_word(tokens.front(), "with") && !is_word(tokens.front(), "values")) {
        refuse(" begins with '" + std::string(tokens.front().text) + "'");
    }
    sqlite3_stmt* raw = nullptr;
    const char* tail = nullptr;
    const int code = sqlite3_prepare_v3(database.raw(), query.c_str(), static_cast<int>(query.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, &tail);
    Statement statement(raw);
    if (code != SQLITE_OK) {
        const std::string message = sqlite3_errmsg(database.raw());
        const leat_status status = status_of(sqlite3_extended_errcode(database.raw()));
        const int offset = sqlite3_error_offset(database.raw());
        const std::string at = offset < 0 ? std::string() : ":" + place_of(query, static_cast<std::size_t>(offset));
        const std::string help = hint(message);
        throw leat::error(status == LEAT_ERR_RETRY ? status : LEAT_ERR_CONFIG,
                          place + "query" + at + ": " + message + (help.empty() ? "" : "; " + help));
    }
    if (sqlite3_stmt_readonly(raw) == 0 || sqlite3_column_count(raw) == 0) refuse(" changes something");
    for (const Token& token : tokens_of(tail)) {
        if (token.text != ";") {
            refuse(":" + place_of(query, static_cast<std::size_t>(token.text.data() - query.data())) +
                   ": a second statement begins here");
        }
    }
    if (sqlite3_bind_parameter_count(raw) > 0) {
        const char* const name = sqlite3_bind_parameter_name(raw, 1);
        refuse(": it has a parameter ('" + std::string(name == nullptr ? "?" : name) +
               "'), and there is nothing to bind to it");
    }
    return statement;
}

}  // namespace arrow_sql
