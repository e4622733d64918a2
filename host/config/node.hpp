// A YAML document as a tree that remembers where everything stands. config/node.cpp is the one place where yaml-cpp is
// used, and where its exceptions end.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/environment.hpp"
#include "config/problems.hpp"

namespace leat::config {

struct Node {
    enum class Kind { scalar, list, map } kind = Kind::scalar;
    Mark mark;
    std::string text;                 ///< of a scalar
    bool plain = true;                ///< a scalar without quotes, which may mean a number, a boolean or null
    bool wrong = false;               ///< a problem tells why already: the value means nothing
    bool secret = false;              ///< the scalar of a !secret; its text is the value already
    std::vector<Variable> variables;  ///< that its text was made of
    std::vector<Node> items;          ///< of a list
    struct Entry;
    std::vector<Entry> entries;  ///< of a map, in order; keys are scalars

    bool is_null() const;
    const Node* find(std::string_view key) const;
    std::vector<std::string> keys() const;
};

struct Node::Entry {
    Node key, value;
};

/// Parses one document, and resolves its variables and secrets; all that is wrong goes to `problems`.
/// Empty when it is no YAML at all; an empty document is a null.
std::optional<Node> parse_yaml(const std::string& text, const std::string& file, const Environment& environment,
                               Problems& problems);

/// The value that a scalar stands for by the core schema of YAML 1.2: null, boolean, integer, float or text. An integer
/// that fits neither int64 nor uint64 stays text, so that no digit is lost, and so do .inf and .nan, which JSON lacks.
boost::json::value scalar_value(const Node& scalar);

/// A tree as JSON: fills the value of `component`, its marks and its secrets.
void to_json(const Node& node, ComponentSettings& component);

/// One step of a JSON Pointer, escaped (RFC 6901).
std::string pointer_step(std::string_view key);

}  // namespace leat::config
