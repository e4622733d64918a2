// The words that messages are made of.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace leat::config {

/// `"text"` in one line: control characters escaped, and cut when it is long.
std::string in_quotes(std::string_view text);

/// The same without quotes, for a key within a path.
std::string printable(std::string_view text);

/// The path of a key: "orders" below "pipelines" is "pipelines.orders".
std::string below(const std::string& path, std::string_view name);

/// "a, b or c" with the word before the last.
std::string joined(const std::vector<std::string>& names, std::string_view word);

/// As YAML would have it: `"text"`, `1.5`, `["a", "b"]`, in one line.
std::string yaml_text(const boost::json::value& value);

/// What stands there: `the text "abc"`, `the number 5`, `true`, `a list`, `a mapping`, `empty`.
std::string description(const boost::json::value& value);

}  // namespace leat::config
