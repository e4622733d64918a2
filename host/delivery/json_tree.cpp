#include "delivery/json_tree.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <limits>
#include <utility>

namespace leat::delivery {
namespace {

using boost::system::error_code;

/// What Boost.JSON's parser calls; it hands numbers out as they were written.
struct Builder {
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = max_object_size;
    static constexpr std::size_t max_key_size = max_object_size;
    static constexpr std::size_t max_string_size = max_object_size;

    JsonTree root;
    std::vector<JsonTree> open;  // lists and objects that are being read, the outermost first
    std::vector<std::string> keys;
    std::string parts;

    bool add(JsonTree value) {
        if (open.empty()) {
            root = std::move(value);
            return true;
        }
        auto& parent = open.back();
        if (parent.kind == JsonTree::Kind::object) {
            parent.keys.push_back(std::move(keys.back()));
            keys.pop_back();
        }
        parent.items.push_back(std::move(value));
        return true;
    }
    bool begin(JsonTree::Kind kind) {
        open.emplace_back().kind = kind;
        return true;
    }
    bool end() {
        auto value = std::move(open.back());
        open.pop_back();
        return add(std::move(value));
    }
    bool part(std::string_view text) {
        parts += text;
        return true;
    }
    bool scalar(JsonTree::Kind kind, std::string_view rest) {
        JsonTree value;
        value.kind = kind;
        value.text = std::exchange(parts, {}).append(rest);
        return add(std::move(value));
    }

    static bool on_document_begin(error_code&) { return true; }
    static bool on_document_end(error_code&) { return true; }
    bool on_array_begin(error_code&) { return begin(JsonTree::Kind::list); }
    bool on_array_end(std::size_t, error_code&) { return end(); }
    bool on_object_begin(error_code&) { return begin(JsonTree::Kind::object); }
    bool on_object_end(std::size_t, error_code&) { return end(); }
    bool on_string_part(boost::json::string_view text, std::size_t, error_code&) {
        return part({text.data(), text.size()});
    }
    bool on_string(boost::json::string_view text, std::size_t, error_code&) {
        return scalar(JsonTree::Kind::text, {text.data(), text.size()});
    }
    bool on_key_part(boost::json::string_view text, std::size_t, error_code&) {
        return part({text.data(), text.size()});
    }
    bool on_key(boost::json::string_view text, std::size_t, error_code&) {
        keys.push_back(std::exchange(parts, {}).append(text.data(), text.size()));
        return true;
    }
    bool on_number_part(boost::json::string_view text, error_code&) { return part({text.data(), text.size()}); }
    bool on_number(boost::json::string_view text) { return scalar(JsonTree::Kind::number, {text.data(), text.size()}); }
    bool on_int64(std::int64_t, boost::json::string_view text, error_code&) { return on_number(text); }
    bool on_uint64(std::uint64_t, boost::json::string_view text, error_code&) { return on_number(text); }
    bool on_double(double, boost::json::string_view text, error_code&) { return on_number(text); }
    bool on_bool(bool is_true, error_code&) {
        JsonTree value;
        value.kind = JsonTree::Kind::boolean;
        value.is_true = is_true;
        return add(std::move(value));
    }
    bool on_null(error_code&) { return add({}); }
    static bool on_comment_part(boost::json::string_view, error_code&) { return true; }
    static bool on_comment(boost::json::string_view, error_code&) { return true; }
};

std::string json_text(std::string_view text) {
    return boost::json::serialize(boost::json::string(text));
}

}  // namespace

Result<JsonTree> JsonTree::parse(std::string_view json) {
    boost::json::basic_parser<Builder> parser({});
    error_code error;
    const auto read = parser.write_some(false, json.data(), json.size(), error);
    if (!error && read < json.size()) error = boost::json::error::extra_data;
    if (error) {
        return Error(Errc::pipeline_execution,
                     "it is no JSON: " + error.message() + " at character " + std::to_string(read + 1));
    }
    return std::move(parser.handler().root);
}

std::string JsonTree::serialized() const {
    switch (kind) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return is_true ? "true" : "false";
        case Kind::number:
            return text;
        case Kind::text:
            return json_text(text);
        case Kind::list:
        case Kind::object:
            break;
    }
    std::string out(1, kind == Kind::list ? '[' : '{');
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += ',';
        if (kind == Kind::object) out += json_text(keys[i]) + ':';
        out += items[i].serialized();
    }
    return out += kind == Kind::list ? ']' : '}';
}

}  // namespace leat::delivery
