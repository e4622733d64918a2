// The subset of JSON Schema (draft 7) that components are described with, and what it says of a value in words for
// people. Whether a value is valid in the whole of draft 7 is valijson's to say: config/schema_check.cpp.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace leat::config {

/// One thing that is wrong with a value.
struct Fault {
    std::string pointer;  ///< JSON Pointer of the value
    std::string path;     ///< the same for people: "types.price", "path[1]"; empty for the whole
    bool at_key = false;  ///< the key is wrong, not what stands behind it
    std::string message;
};

class SchemaRules {
public:
    /// Whether the value at a JSON Pointer must not be shown.
    using IsSecret = std::function<bool(std::string_view pointer)>;

    /// `schema` is an object. Errors: Errc::configuration, what in the schema cannot be used, and where.
    static Result<SchemaRules> read(boost::json::value schema);

    /// Everything that the subset finds wrong. A value for x-unit is a text with its unit.
    std::vector<Fault> faults(const boost::json::value& given, const IsSecret& is_secret) const;

    enum class Defaults { leave_out, fill_in };
    /// A value without faults, with numbers where the schema has units; nothing at all becomes a mapping where one is
    /// allowed.
    boost::json::value completed(const boost::json::value& given, Defaults defaults) const;

    /// JSON Pointers of the values that the schema marks as x-secret.
    std::vector<std::string> secrets(const boost::json::value& given) const;

    /// The schema of completed values: numbers instead of units.
    boost::json::value without_units() const;

private:
    struct Place {
        std::string pointer, path;
        Place key(std::string_view name) const;
        Place item(std::size_t index) const;
    };
    /// When a mapping takes no keys but those that it describes, if it does not say so itself: if it describes any, or
    /// says that there are none; never, since it is one part of a schema that does.
    enum class Closed { by_properties, by_schema };
    class Explain;

    explicit SchemaRules(boost::json::value schema);
    std::string prepare(const boost::json::object& rules);
    /// The keywords of a schema, references followed; those that `true` and `false` stand for.
    const boost::json::object& rules_of(const boost::json::value& schema) const;
    bool matches(const boost::json::value& schema, const boost::json::value& given) const;
    bool matches_key(std::string_view pattern, std::string_view key) const;
    /// Whether the value has a type that the schema allows.
    bool accepts_kind(const boost::json::value& schema, const boost::json::value& given) const;
    /// What the schema allows, in words: "text or a list".
    std::string expected(const boost::json::value& schema) const;
    /// Adds all keys that the schema describes. True when it says itself which others it takes.
    bool collect_keys(const boost::json::value& schema, std::vector<std::string>& names) const;
    void find_secrets(const boost::json::value& schema, const boost::json::value& given, const std::string& pointer,
                      std::vector<std::string>& out) const;
    void complete(const boost::json::value& schema, boost::json::value& given, Defaults defaults) const;
    void complete_mapping(const boost::json::object& rules, boost::json::object& given, Defaults defaults) const;

    boost::json::value root_;
    std::map<std::string, std::regex, std::less<>> patterns_;
};

}  // namespace leat::config
