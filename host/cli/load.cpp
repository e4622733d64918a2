#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <cerrno>
#include <ostream>

#include "cli/verbs.hpp"
#include "delivery/bytes.hpp"

namespace leat::cli {
namespace {

using plugin::Kind;

/// What files are called that a component reads or writes.
struct Ending {
    std::string_view ending;
    const char* component;
    const char* option = nullptr;  ///< that goes with it, as YAML
    const char* value = nullptr;
};
constexpr std::array<Ending, 10> endings{{{".csv", "csv"},
                                          {".tsv", "csv", "delimiter", "\"\\t\""},
                                          {".tab", "csv", "delimiter", "\"\\t\""},
                                          {".ndjson", "ndjson"},
                                          {".jsonl", "ndjson"},
                                          {".ldjson", "ndjson"},
                                          {".db", "sqlite"},
                                          {".db3", "sqlite"},
                                          {".sqlite", "sqlite"},
                                          {".sqlite3", "sqlite"}}};

bool ends_with(std::string_view text, std::string_view ending) {
    if (text.size() < ending.size()) return false;
    return std::equal(ending.begin(), ending.end(), text.end() - static_cast<std::ptrdiff_t>(ending.size()),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

std::string yaml_text(std::string_view text) {
    return boost::json::serialize(boost::json::string(text));  // JSON text is YAML text
}

/// One side of a load: a component and its options, each value as YAML.
struct Side {
    const plugin::Component* component = nullptr;
    std::string path;
    std::vector<std::pair<std::string, std::string>> options;

    bool has(std::string_view key) const {
        return std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.first == key; });
    }
    /// True when the component's schema knows the option.
    bool takes(std::string_view key) const {
        boost::json::error_code error;
        const auto schema = boost::json::parse(component->config_schema, error);
        if (error || !schema.is_object()) return false;
        const auto* const properties = schema.get_object().if_contains("properties");
        return properties && properties->is_object() && properties->get_object().contains(key);
    }
};

/// Reads `orders.csv`, `sqlite:shop.db` or `csv:orders.txt?delimiter=;`.
Result<Side> read_side(const std::string& text, Kind kind, const plugin::Catalog& catalog) {
    Side out;
    if (text == "-" && kind == Kind::sink) {
        out.component = catalog.find("stdout", kind);
        if (!out.component) return catalog.unknown("stdout", {kind});
        return out;
    }
    std::string rest = text;
    std::error_code error;
    const bool is_file = std::filesystem::exists(text, error);
    if (const auto colon = text.find(':'); colon != std::string::npos && !is_file) {
        const auto id = text.substr(0, colon);
        out.component = catalog.find(id, kind);
        if (!out.component && id.find('/') == std::string::npos) return catalog.unknown(id, {kind});
        if (out.component) rest = text.substr(colon + 1);
    }
    const Ending* of_file = nullptr;
    std::string options;
    if (const auto mark = rest.find('?'); mark != std::string::npos && !is_file) {
        options = rest.substr(mark + 1);
        rest.resize(mark);
    }
    out.path = rest;
    if (!out.component) {
        std::string_view name = rest;
        for (const std::string_view packed : {".gz", ".zst"}) {
            if (ends_with(name, packed)) name.remove_suffix(packed.size());
        }
        const auto* const found = std::find_if(endings.begin(), endings.end(),
                                               [&](const Ending& one) { return ends_with(name, one.ending); });
        if (found == endings.end()) {
            return Error(
                Errc::configuration,
                yaml_text(text) + ": no component is known for this kind of file; name one, as in csv:" + text);
        }
        out.component = catalog.find(found->component, kind);
        if (!out.component) return catalog.unknown(found->component, {kind});
        of_file = found;
    }
    if (!rest.empty()) out.options.insert(out.options.begin(), {"path", yaml_text(rest)});
    while (!options.empty()) {
        const auto end = std::min(options.find('&'), options.size());
        const auto one = options.substr(0, end);
        options.erase(0, std::min(end + 1, options.size()));
        const auto equals = one.find('=');
        if (equals == 0 || equals == std::string::npos)
            return Error(Errc::configuration,
                         yaml_text(text) + ": an option is written name=value, not " + yaml_text(one));
        const auto key = one.substr(0, equals);
        const auto value = one.substr(equals + 1);
        // A plain word, number or list stays what YAML makes of it; all else is text.
        const bool plain = !value.empty() && value.find_first_not_of(
                                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                 "0123456789_.+") == std::string::npos;
        const bool flow = !value.empty() && (value.front() == '[' || value.front() == '{');
        out.options.emplace_back(key, plain || flow ? value : yaml_text(value));
    }
    if (of_file && of_file->option && !out.has(of_file->option))
        out.options.emplace_back(of_file->option, of_file->value);
    return out;
}

/// "data/orders 2024.csv.gz" -> "orders_2024"
std::string name_of(const std::string& path) {
    std::string stem = std::filesystem::path(path).filename().string();
    stem = stem.substr(0, stem.find('.', 1));
    std::string out;
    for (const char c : stem) {
        const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        out += word ? c : '_';
    }
    while (!out.empty() && out.front() == '_')
        out.erase(0, 1);
    return out;
}

void write_stage(std::string& yaml, const char* stage, const Side& side) {
    yaml += std::string("    ") + stage + ":\n      " + side.component->id + ":\n";
    for (const auto& [key, value] : side.options)
        yaml += "        " + key + ": " + value + "\n";
}

Result<std::string> make_yaml(const LoadArguments& verb, const plugin::Catalog& catalog) {
    BOOST_OUTCOME_TRY(auto source, read_side(verb.source, Kind::source, catalog));
    BOOST_OUTCOME_TRY(auto target, read_side(verb.target, Kind::sink, catalog));
    const bool source_needs_table = source.takes("table") && !source.has("table") && !source.has("query");
    const bool target_needs_table = target.takes("table") && !target.has("table");
    const std::string table = verb.table.empty() ? name_of(source.path) : verb.table;
    if (target_needs_table && table.empty())
        return Error(Errc::configuration, "the target needs a table: leat load SRC DST TABLE");
    if (source_needs_table && verb.table.empty()) {
        return Error(Errc::configuration,
                     yaml_text(verb.source) + " needs a table: leat load SRC DST TABLE, or SRC?table=NAME");
    }
    if (!verb.table.empty() && !source_needs_table && !target_needs_table) {
        return Error(Errc::configuration,
                     "TABLE " + yaml_text(verb.table) + " is for a database, but neither side takes a table here");
    }
    if (target_needs_table) target.options.emplace_back("table", yaml_text(table));
    if (source_needs_table) source.options.emplace_back("table", yaml_text(table));
    if (!verb.mode.empty()) target.options.emplace_back("mode", verb.mode);
    if (!verb.key.empty()) {
        std::string list;
        for (const auto& column : verb.key)
            list += (list.empty() ? "" : ", ") + yaml_text(column);
        target.options.emplace_back("key", "[" + list + "]");
    }
    std::string name = name_of(table);
    if (name.empty()) name = "load";
    std::string yaml = "version: 1\npipelines:\n  " + name + ":\n";
    write_stage(yaml, "extract", source);
    write_stage(yaml, "load", target);
    return yaml;
}

Result<> save(const std::filesystem::path& file, const std::string& yaml) {
    const auto failure = [&](int error_number) {
        const std::string remedy = error_number == EEXIST ? "; remove it or choose another name" : "";
        return Error(Errc::io,
                     "cannot save the configuration to " + file.string() + ": " + errno_text(error_number) + remedy);
    };
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0) return failure(errno);
    const auto text = "# Made by leat load. Run it again with: leat run " + file.string() + "\n" + yaml;
    const auto wrote = ::write(descriptor, text.data(), text.size());
    const int error = wrote < 0 ? errno : wrote < static_cast<ssize_t>(text.size()) ? ENOSPC : 0;
    if (::close(descriptor) != 0 && error == 0) return failure(errno);
    if (error != 0) return failure(error);
    return done();
}

}  // namespace

Exit load(const LoadArguments& verb, const Arguments& arguments, const Console& console) {
    std::string yaml;
    {
        const auto scanned = scan_plugins(nullptr, arguments, console);
        if (!scanned) return console.fail(scanned.error());
        auto made = make_yaml(verb, scanned.value());
        if (!made) return console.fail(made.error());
        yaml = std::move(made).value();
    }
    if (!verb.save.empty()) {
        if (const auto saved = save(verb.save, yaml); !saved) return console.fail(saved.error());
    }
    const std::filesystem::path name = verb.save.empty() ? std::filesystem::path("leat load") : verb.save;
    // Pipelines are named after their table, which many files may go into: each has a checkpoint of its own.
    auto run = verb.run;
    std::string fingerprint;
    delivery::append_number(fingerprint, delivery::checksum(yaml), 8);
    run.lane_suffix = "#" + delivery::hex(fingerprint);
    return run_configuration(ConfigurationText{std::move(yaml), name}, run, arguments, console);
}

}  // namespace leat::cli
