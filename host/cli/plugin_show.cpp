#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "plugin/library.hpp"

namespace leat::cli {
namespace {

struct Flag {
    std::uint64_t bit;
    const char* name;
    const char* meaning;
};
constexpr Flag flags[] = {
    {LEAT_REPLAYABLE, "replayable", "goes on from a position"},
    {LEAT_DETERMINISTIC, "deterministic", "the same input gives the same output"},
    {LEAT_STATELESS, "stateless", "batches may be split, repeated and run in parallel"},
    {LEAT_TRANSACTIONAL, "transactional", "commits rows and token together"},
    {LEAT_IDEMPOTENT, "idempotent", "writing a bucket again changes nothing"},
    {LEAT_COMPACT_INPUT, "compact input", "wants every offset 0"},
    {LEAT_RICH_TYPES, "rich types", "takes dictionary, run-end encoded and view arrays"},
    {LEAT_OPAQUE_ITEMS, "opaque items", "moves items of its own making"},
    {LEAT_THREAD_BOUND, "thread bound", "wants every call on one thread"},
    {LEAT_OWN_PROCESS, "own process", "wants a process of its own"},
    {LEAT_NONBLOCKING, "non-blocking", "waits for nothing but the processor"},
    {LEAT_BLOCKING, "blocking", "may wait for input or output"},
    {LEAT_SINGLE_WRITER, "single writer", "one worker at a time"},
};

boost::json::object component_json(const plugin::Component& one) {
    boost::json::array promises;
    for (const auto& flag : flags) {
        if (one.promises(flag.bit)) promises.emplace_back(flag.name);
    }
    boost::json::error_code error;
    auto schema = boost::json::parse(one.config_schema, error);
    if (error) schema = nullptr;
    return {{"id", one.id},
            {"kind", plugin::kind_name(one.kind)},
            {"summary", one.summary},
            {"promises", std::move(promises)},
            {"schema", std::move(schema)},
            {"example", one.example},
            {"docs", one.docs},
            {"plugin", one.library->id()},
            {"version", one.library->version()},
            {"license", one.library->license()},
            {"vendor", one.library->vendor()},
            {"file", one.library->path().string()},
            {"pinned", one.library->credentials().is_pinned},
            {"signed_by", one.library->credentials().signed_by}};
}

std::string text_at(const boost::json::object& object, std::string_view key) {
    const auto* const found = object.if_contains(key);
    if (!found) return {};
    return found->is_string() ? std::string(found->get_string()) : boost::json::serialize(*found);
}

/// "integer", "text or list of text", "sample, all or none"
std::string type_of(const boost::json::object& option) {
    if (const auto* const values = option.if_contains("enum"); values && values->is_array()) {
        std::string out;
        for (const auto& value : values->get_array()) {
            out += (out.empty() ? "" : " | ") +
                   (value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value));
        }
        return out;
    }
    for (const char* either : {"oneOf", "anyOf"}) {
        const auto* const list = option.if_contains(either);
        if (!list || !list->is_array()) continue;
        std::string out;
        for (const auto& one : list->get_array()) {
            if (one.is_object()) out += (out.empty() ? "" : " or ") + type_of(one.get_object());
        }
        return out;
    }
    std::string unit = text_at(option, "x-unit");
    if (!unit.empty()) return unit;
    const auto* const type = option.if_contains("type");
    if (!type) return "any";
    if (type->is_array()) {
        std::string out;
        for (const auto& one : type->get_array())
            out += (out.empty() ? "" : " or ") + std::string(one.is_string() ? one.get_string() : "any");
        return out;
    }
    std::string name = text_at(option, "type");
    if (name == "string") return "text";
    if (name == "object") return "mapping";
    if (name == "array") {
        const auto* const items = option.if_contains("items");
        return items && items->is_object() ? "list of " + type_of(items->get_object()) : "list";
    }
    return name;
}

/// The options of a schema, also those of the mapping among several forms.
void show_options(const boost::json::object& schema, std::ostream& out) {
    const auto* const properties = schema.if_contains("properties");
    if (!properties || !properties->is_object()) {
        for (const char* either : {"oneOf", "anyOf"}) {
            const auto* const list = schema.if_contains(either);
            if (!list || !list->is_array()) continue;
            for (const auto& one : list->get_array()) {
                if (one.is_object()) show_options(one.get_object(), out);
            }
        }
        return;
    }
    const auto* const required = schema.if_contains("required");
    out << "\noptions:\n";
    for (const auto& [name, option] : properties->get_object()) {
        if (!option.is_object()) continue;
        const auto& object = option.get_object();
        bool needed = false;
        if (required && required->is_array()) {
            for (const auto& one : required->get_array())
                needed = needed || (one.is_string() && one.get_string() == name);
        }
        out << "  " << name << ": " << type_of(object);
        if (needed) out << ", required";
        if (object.contains("default")) out << ", default " << boost::json::serialize(object.at("default"));
        out << '\n';
        std::string what = text_at(object, "description");
        if (what.empty()) what = text_at(object, "title");
        if (!what.empty()) out << wrapped(printable(what), 6, 100);
    }
}

std::string indented(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        out += "  " + std::string(text.substr(0, end)) + "\n";
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

void show_component(const plugin::Component& one, std::ostream& out) {
    out << one.name() << ": " << one.summary << '\n';
    out << "  plugin " << one.library->id() << ' ' << one.library->version() << " (" << one.library->license()
        << ") from " << one.library->path().string();
    if (const auto& known = one.library->credentials(); !known.sha256.empty()) out << ", " << known.text();
    out << '\n';
    for (const auto& flag : flags) {
        if (one.promises(flag.bit)) out << "  " << flag.name << ": " << flag.meaning << '\n';
    }
    boost::json::error_code error;
    const auto schema = boost::json::parse(one.config_schema, error);
    if (!one.takes_config) {
        out << "\nno options\n";
    } else if (!error && schema.is_object()) {
        show_options(schema.get_object(), out);
    }
    if (!one.example.empty()) out << "\nexample:\n" << indented(one.example);
    if (!one.docs.empty()) out << '\n' << one.docs << '\n';
}

}  // namespace

Exit plugin_show(const PluginShowArguments& verb, const Arguments& arguments, const Console& console) {
    const auto scanned = scan_as_in(verb.as_in, arguments, console);
    if (const auto* const failed = std::get_if<Exit>(&scanned)) return *failed;
    const auto& catalog = std::get<plugin::Catalog>(scanned);
    std::vector<const plugin::Component*> wanted;
    for (const auto* one : catalog.components()) {
        if (one->id == verb.id) wanted.push_back(one);
    }
    if (wanted.empty()) {
        for (const auto* one : catalog.components()) {
            if (one->library->id() == verb.id) wanted.push_back(one);
        }
    }
    if (wanted.empty()) {
        using plugin::Kind;
        return console.fail(
            Exit::plugin,
            catalog.unknown(verb.id, {Kind::source, Kind::transform, Kind::sink, Kind::runner, Kind::pipeline}).text());
    }
    if (verb.json) {
        boost::json::array all;
        for (const auto* one : wanted)
            all.emplace_back(component_json(*one));
        console.out << boost::json::serialize(boost::json::object{{"components", std::move(all)}}) << '\n';
        return Exit::done;
    }
    bool first = true;
    for (const auto* one : wanted) {
        if (!std::exchange(first, false)) console.out << '\n';
        show_component(*one, console.out);
    }
    return Exit::done;
}

}  // namespace leat::cli
