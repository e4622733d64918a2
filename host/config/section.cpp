#include "config/section.hpp"

#include <algorithm>
#include <optional>

#include "config/suggest.hpp"
#include "config/units.hpp"
#include "config/wording.hpp"

namespace leat::config {
namespace {

std::optional<std::uint64_t> whole_number(const Node& node) {
    if (node.kind != Node::Kind::scalar) return std::nullopt;
    const auto value = scalar_value(node);
    if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
    if (value.is_uint64()) return value.get_uint64();
    return std::nullopt;
}

/// True for text with or without a unit, and for a bare number: parse_bytes and parse_duration say what is wrong.
bool may_have_unit(const Node& node) {
    if (node.kind != Node::Kind::scalar || node.secret) return false;
    const auto value = scalar_value(node);
    return value.is_string() || value.is_number();
}

}  // namespace

std::string description(const Node& node) {
    if (node.secret) return "a secret";
    switch (node.kind) {
        case Node::Kind::list:
            return "a list";
        case Node::Kind::map:
            return "a mapping";
        case Node::Kind::scalar:
            break;
    }
    return description(scalar_value(node));
}

Section::Section(const Node& node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {
    if (!is_mapping() && !node.is_null() && !node.wrong)
        problems_.add(node.mark, path_, "is " + description(node) + ", but must be a mapping of keys and values");
}

Section::Found Section::get(std::string_view name) {
    known_.push_back({name, {}});
    return {node_.find(name), name};
}

Section::Found Section::get(std::string_view name, std::string_view alias) {
    known_.push_back({name, alias});
    const Found by_name{node_.find(name), name}, by_alias{node_.find(alias), alias};
    if (by_name && by_alias)
        problem(by_alias, "is another name of " + path_of(name) + ", which is given too; write only one of them");
    return by_name ? by_name : by_alias;
}

void Section::read_bytes(const Found& found, std::uint64_t& out, std::uint64_t least, std::uint64_t most) {
    if (!found || found->wrong) return;
    const std::string range = bytes_text(least) + " to " + bytes_text(most);
    if (!may_have_unit(*found.value))
        return problem(found, "is " + description(*found.value) + ", but must be a size from " + range);
    const auto read = parse_bytes(found->text);
    if (!read) return problem(found, read.error().message());
    if (read.value() < least || read.value() > most)
        return problem(found, "is " + printable(found->text) + ", but must be from " + range);
    out = read.value();
}

void Section::read_duration(const Found& found, std::chrono::nanoseconds& out, std::chrono::nanoseconds least,
                            std::chrono::nanoseconds most) {
    if (!found || found->wrong) return;
    const std::string range = duration_text(least) + " to " + duration_text(most);
    if (!may_have_unit(*found.value))
        return problem(found, "is " + description(*found.value) + ", but must be a duration from " + range);
    const auto read = parse_duration(found->text);
    if (!read) return problem(found, read.error().message());
    if (read.value() < least || read.value() > most)
        return problem(found, "is " + printable(found->text) + ", but must be from " + range);
    out = read.value();
}

void Section::read_rate(const Found& found, RateSettings& out) {
    if (!found || found->wrong) return;
    const auto path = path_of(found.name);
    if (found->kind != Node::Kind::list || found->items.empty()) return read_one_rate(*found.value, path, out);
    for (std::size_t i = 0; i < found->items.size(); ++i)
        read_one_rate(found->items[i], path + '[' + std::to_string(i) + ']', out);
}

void Section::read_one_rate(const Node& node, const std::string& path, RateSettings& out) {
    if (node.wrong) return;
    if (!may_have_unit(node)) {
        return problems_.add(node.mark, path,
                             "is " + description(node) + ", but must be a rate, as in 5000 rows/s or 20MiB/s");
    }
    const auto read = parse_rate(node.text);
    if (!read) return problems_.add(node.mark, path, read.error().message());
    auto& kind = read.value().is_of_rows ? out.rows : out.bytes;
    if (kind) {
        return problems_.add(node.mark, path,
                             std::string("is a second rate of ") + (read.value().is_of_rows ? "rows" : "bytes") +
                                 "; write one of rows, one of bytes, or both");
    }
    kind = read.value().per_second;
}

bool Section::count(const Found& found, std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
    if (!found || found->wrong) return false;
    const auto read = whole_number(*found.value);
    if (read && *read >= least && *read <= most) {
        out = *read;
        return true;
    }
    problem(found, "is " + description(*found.value) + ", but must be a whole number from " + std::to_string(least) +
                       " to " + std::to_string(most));
    return false;
}

void Section::finish() {
    std::vector<std::string> names, shown;
    for (const auto& [name, alias] : known_) {
        names.emplace_back(name);
        if (!alias.empty()) names.emplace_back(alias);
        shown.push_back(std::string(name) + (alias.empty() ? "" : " (or " + std::string(alias) + ')'));
    }
    for (const auto& [key, value] : node_.entries) {
        if (std::find(names.begin(), names.end(), key.text) != names.end()) continue;
        problems_.add(key.mark, path_of(key.text), unknown_key(key.text, names, shown));
    }
}

std::string Section::path_of(std::string_view name) const {
    return below(path_, name);
}

void Section::problem(const Found& found, std::string message) {
    problems_.add(found->mark, path_of(found.name), std::move(message));
}

}  // namespace leat::config
