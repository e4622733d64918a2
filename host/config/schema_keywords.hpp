// Looks keywords up in a JSON Schema. Shared by config/schema_rules.cpp and config/schema_faults.cpp.
#pragma once

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/units.hpp"
#include "config/wording.hpp"

namespace leat::config::schema {

using boost::json::array;
using boost::json::object;
using boost::json::value;

// std::regex_search recurses for every character: more of them could use up the stack.
inline constexpr std::size_t longest_for_pattern = 2048;

inline std::string_view view(boost::json::string_view text) {
    return {text.data(), text.size()};
}

inline std::string_view view(const value& text) {
    return {text.get_string().data(), text.get_string().size()};
}

inline const value* find(const object& rules, std::string_view keyword) {
    return rules.if_contains(boost::json::string_view(keyword.data(), keyword.size()));
}

inline const array* find_array(const object& rules, std::string_view keyword) {
    const value* const found = find(rules, keyword);
    return found ? found->if_array() : nullptr;
}

inline const object* find_object(const object& rules, std::string_view keyword) {
    const value* const found = find(rules, keyword);
    return found ? found->if_object() : nullptr;
}

inline std::optional<std::string_view> find_text(const object& rules, std::string_view keyword) {
    const value* const found = find(rules, keyword);
    if (!found || !found->is_string()) return std::nullopt;
    return view(*found);
}

inline std::optional<std::uint64_t> find_count(const object& rules, std::string_view keyword) {
    const value* const found = find(rules, keyword);
    if (!found || !found->is_int64() || found->get_int64() < 0) return std::nullopt;
    return static_cast<std::uint64_t>(found->get_int64());
}

inline constexpr std::string_view combinators[] = {"allOf", "anyOf", "oneOf"};

/// A whole number that the ABI can carry, whichever way it is written.
inline bool is_whole(const value& of) {
    if (of.is_int64()) return true;
    return of.is_double() && std::trunc(of.get_double()) == of.get_double() && std::fabs(of.get_double()) < 9.2e18;
}

inline bool is_of_type(const value& of, std::string_view type) {
    if (type == "string") return of.is_string();
    if (type == "boolean") return of.is_bool();
    if (type == "integer") return is_whole(of);
    if (type == "number") return of.is_number();
    if (type == "array") return of.is_array();
    if (type == "object") return of.is_object();
    if (type == "null") return of.is_null();
    return true;
}

inline std::vector<std::string_view> types_of(const object& rules) {
    if (const auto type = find_text(rules, "type")) return {*type};
    std::vector<std::string_view> out;
    if (const auto* types = find_array(rules, "type")) {
        for (const auto& type : *types) {
            if (type.is_string()) out.push_back(view(type));
        }
    }
    return out;
}

inline bool allows_type(const object& rules, const value& of) {
    const auto types = types_of(rules);
    return types.empty() || std::any_of(types.begin(), types.end(), [&](auto type) { return is_of_type(of, type); });
}

inline void add_unique(std::vector<std::string>& list, std::string item) {
    if (!item.empty() && std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

enum class Unit { bytes, duration };

inline std::optional<Unit> unit_of(const object& rules) {
    const auto name = find_text(rules, "x-unit");
    if (!name) return std::nullopt;
    return *name == "bytes" ? Unit::bytes : Unit::duration;
}

inline Result<std::int64_t> parse_unit(Unit unit, std::string_view text) {
    if (unit == Unit::duration) {
        BOOST_OUTCOME_TRY(const auto duration, parse_duration(text));
        return duration.count();
    }
    BOOST_OUTCOME_TRY(const auto bytes, parse_bytes(text));
    if (bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return Error(Errc::configuration, "is " + in_quotes(text) + ", which is more than this host can count");
    return static_cast<std::int64_t>(bytes);
}

}  // namespace leat::config::schema
