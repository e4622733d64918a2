#include "config/load.hpp"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <deque>
#include <new>
#include <utility>

#include "config/node.hpp"
#include "config/section.hpp"
#include "config/suggest.hpp"
#include "config/text_file.hpp"
#include "config/units.hpp"
#include "config/wording.hpp"

namespace leat::config {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t largest_file = 16u << 20;
constexpr std::uint64_t readable_version = 1;
constexpr std::uint64_t kibi = 1u << 10, mebi = 1u << 20, gibi = 1u << 30, tebi = gibi << 10;

/// A key with its value.
struct Entry {
    const Node* key;
    const Node* value;
};

/// Names become parts of file names, of metrics and of messages.
bool is_name(std::string_view name) {
    const auto is_alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= 100 && is_alphanumeric(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

/// True for a scalar that can be the name of something. `null`, `1` and `true` are names where names are expected.
bool names_something(const Node& node) {
    return node.kind == Node::Kind::scalar && !node.secret && !node.wrong && !node.text.empty() &&
           !(node.plain && node.text == "~");
}

bool has_wildcard(std::string_view text) {
    return text.find_first_of("*?[") != std::string_view::npos;
}

/// A path as a pattern that nothing but itself matches.
std::string as_pattern(const fs::path& path) {
    std::string out;
    for (const char c : path.string()) {
        const bool is_sign = std::string_view("*?[").find(c) != std::string_view::npos;
        if (fs::path::preferred_separator == '\\' && is_sign) {  // which takes no meaning away there
            out += {'[', c, ']'};
            continue;
        }
        if (fs::path::preferred_separator != '\\' && (is_sign || c == '\\')) out += '\\';
        out += c;
    }
    return out;
}

/// The files that a pattern below `folder` matches, sorted by name.
/// Errors: Errc::configuration; the text goes on from the pattern ("cannot be searched").
Result<std::vector<fs::path>> matching_files(const fs::path& folder, const std::string& pattern) {
    std::string whole;
    const fs::path named(pattern);
    if (named.has_root_directory()) {
        // On Windows one that names no drive means that of the folder.
        if (!named.has_root_name()) whole = as_pattern(folder.root_name());
    } else if (!folder.empty()) {
        whole = as_pattern(folder) + '/';
    }
    whole += pattern;
    glob_t found{};
    const auto stop_unless_missing = [](const char*, int error) { return error == ENOENT || error == ENOTDIR ? 0 : 1; };
    const int status = ::glob(whole.c_str(), GLOB_NOSORT, stop_unless_missing, &found);
    std::vector<fs::path> out(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    for (auto& each : out)
        each.make_preferred();
    if (status != 0 && status != GLOB_NOMATCH)
        return Error(Errc::configuration, "cannot be searched; a folder of it may not be read");
    std::sort(out.begin(), out.end());
    return out;
}

/// Reads the main file and all that it includes, then what they say together.
class Loader {
public:
    Loader(const fs::path& file, const Environment& environment, Problems& problems)
        : environment_(environment), problems_(problems) {
        settings_.file = file;
    }

    std::optional<Settings> load(const std::string& text) {
        if (!read_document(text, settings_.file)) return std::nullopt;
        for (const auto& connection : connections_)
            check_connection(connection);
        for (const auto& pipeline : pipelines_)
            read_pipeline(pipeline);
        if (pipelines_.empty() && !knows_why_empty_) {
            problems_.add({settings_.file.string(), 0, 0}, "pipelines",
                          "is missing; add one, as in pipelines: {orders: {extract: ..., load: ...}}");
        }
        return std::move(settings_);
    }

private:
    /// False when it is no YAML.
    bool read_document(const std::string& text, const fs::path& file) {
        settings_.text += text;
        auto parsed = parse_yaml(text, file.string(), environment_, problems_);
        if (!parsed) return false;
        open_files_.push_back(file);
        read_top(documents_.emplace_back(std::move(*parsed)), file);
        open_files_.pop_back();
        return true;
    }

    void read_top(const Node& root, const fs::path& file) {
        const bool is_main = documents_.size() == 1;
        if (is_main && root.is_null()) {
            knows_why_empty_ = true;
            problems_.add({file.string(), 0, 0}, "",
                          "is empty; a configuration begins with version: 1 and has pipelines");
            return;
        }
        Section top(root, "", problems_);
        if (!top.is_mapping()) {
            knows_why_empty_ = true;
            return;
        }
        const auto version = top.get("version");
        if (version || is_main) read_version(version, root);
        if (const auto plugins = top.get("plugins")) read_plugins(*plugins.value, file);
        const auto manager = top.get("manager"), memory = top.get("memory"), bucket = top.get("bucket");
        const auto delivery = top.get("delivery"), http = top.get("http");
        if (is_first(manager, manager_)) read_manager(*manager.value);
        if (is_first(memory, memory_)) top.read_bytes(memory, settings_.memory, mebi, tebi);
        if (is_first(bucket, bucket_)) read_bucket(*bucket.value, "bucket", default_bucket_);
        if (is_first(delivery, delivery_)) read_delivery(top, delivery, default_delivery_);
        if (is_first(http, http_)) read_http(*http.value);
        if (const auto connections = top.get("connections")) collect(*connections.value, "connections", connections_);
        if (const auto pipelines = top.get("pipelines")) collect(*pipelines.value, "pipelines", pipelines_);
        const auto include = top.get("include");
        top.finish();
        note_origins(root, "");
        if (include) read_includes(*include.value, file);
    }

    void note_origins(const Node& node, const std::string& path) {
        if (node.kind == Node::Kind::scalar) settings_.origins.try_emplace(path, Origin{node.mark, node.variables});
        for (std::size_t i = 0; i < node.items.size(); ++i)
            note_origins(node.items[i], path + '[' + std::to_string(i) + ']');
        for (const auto& [key, value] : node.entries)
            note_origins(value, below(path, key.text));
    }

    void read_version(const Section::Found& version, const Node& root) {
        if (!version) {
            problems_.add(root.mark, "version", "is missing; write version: 1");
            return;
        }
        if (version->wrong) return;
        const auto value = version->kind == Node::Kind::scalar ? scalar_value(*version.value) : boost::json::value();
        if (value.is_int64() && value.get_int64() == readable_version) return;
        problems_.add(version->mark, "version",
                      "is " + description(*version.value) + ", but this host reads version 1 only");
    }

    void read_plugins(const Node& node, const fs::path& file) {
        Section plugins(node, "plugins", problems_);
        if (const auto directories = plugins.get("directories")) {
            std::error_code no_working_directory;
            const auto folder = fs::absolute(file, no_working_directory).parent_path();
            for_each_text(directories, "plugins.directories", "folders", "[/usr/lib/leat/plugins]",
                          [&](const Node& item) {
                              // Of several files, they are numbered in the order of all.
                              const auto number = std::to_string(settings_.plugin_directories.size());
                              settings_.origins["plugins.directories[" + number + ']'] = {item.mark, item.variables};
                              settings_.plugin_directories.push_back((folder / item.text).lexically_normal());
                          });
        }
        if (const auto pins = plugins.get("pin")) read_pins(*pins.value);
        if (const auto keys = plugins.get("trust")) read_keys(keys);
        plugins.finish();
    }

    void read_keys(const Section::Found& found) {
        const std::string path = "plugins.trust";
        if (found->kind == Node::Kind::list && found->items.empty()) {
            return problems_.add(found->mark, path,
                                 "has no key, so that no plugin could be loaded; name one, or take the key out");
        }
        for_each_text(
            found, path, "public keys of minisign", "[RWQ...]",
            [&](const Node& item) {
                const auto number = std::to_string(settings_.plugin_keys.size());
                const auto at = path + '[' + number + ']';
                const auto key = minisign::parse_public_key(item.text);
                if (!key) return problems_.add(item.mark, at, in_quotes(item.text) + ' ' + key.error().message());
                settings_.origins[at] = {item.mark, item.variables};
                settings_.plugin_keys.push_back({item.text, key.value()});
            },
            "a key");
    }

    void read_pins(const Node& node) {
        if (node.kind != Node::Kind::map) {
            return problems_.add(node.mark, "plugins.pin",
                                 "is " + description(node) +
                                     ", but must be a mapping of plugins to digests, as in {csv: \"sha256:...\"}; leat "
                                     "plugin sign FILE.so prints one");
        }
        for (const auto& [key, value] : node.entries) {
            const auto path = below("plugins.pin", key.text);
            const auto digest = read_sha256(value);
            if (!digest) {
                if (!value.wrong) {
                    problems_.add(
                        value.mark, path,
                        "is " + description(value) +
                            ", but must be sha256: and 64 hexadecimal digits; leat plugin sign FILE.so prints "
                            "those of a file");
                }
                continue;
            }
            const auto [first, is_new] = settings_.plugin_pins.try_emplace(key.text, PluginPin{*digest, key.mark});
            if (!is_new) problems_.add(key.mark, path, "is given twice; first at " + first->second.where.text());
        }
    }

    /// "sha256:" and 64 digits, which come back in lower case.
    static std::optional<std::string> read_sha256(const Node& node) {
        constexpr std::string_view algorithm = "sha256:";
        constexpr std::size_t digits = 64;
        if (node.kind != Node::Kind::scalar || node.secret || node.wrong) return std::nullopt;
        std::string_view text = node.text;
        if (!text.starts_with(algorithm)) return std::nullopt;
        text.remove_prefix(algorithm.size());
        if (text.size() != digits) return std::nullopt;
        std::string out;
        for (const char c : text) {
            const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
            if (!((lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f'))) return std::nullopt;
            out += lower;
        }
        return out;
    }

    void read_includes(const Node& node, const fs::path& file) {
        for_each_text({&node, "include"}, "include", "files", "[conf.d/*.yaml]", [&](const Node& item) {
            const auto folder = file.parent_path();
            if (!has_wildcard(item.text)) return include((folder / item.text).make_preferred(), item);
            const auto matching = matching_files(folder, item.text);
            if (!matching)
                return problems_.add(item.mark, "include", in_quotes(item.text) + ' ' + matching.error().message());
            for (const auto& each : matching.value())
                include(each, item);
        });
    }

    /// Reads a file, once however often it is named.
    void include(const fs::path& file, const Node& by) {
        const auto is_same = [&](const fs::path& other) {
            std::error_code unreadable;
            return fs::equivalent(other, file, unreadable);
        };
        if (std::any_of(open_files_.begin(), open_files_.end(), is_same)) {
            return problems_.add(by.mark, "include",
                                 in_quotes(file.string()) + " is being read already; a file must not include itself");
        }
        if (std::any_of(included_.begin(), included_.end(), is_same)) return;
        included_.push_back(file);
        const auto text = read_text_file(file, largest_file);
        if (!text) return problems_.add(by.mark, "include", in_quotes(file.string()) + ' ' + text.error().message());
        read_document(text.value(), file);
    }

    /// Calls `use` for each text of a list of texts.
    template <class Use>
    void for_each_text(const Section::Found& found, const std::string& path, const std::string& what,
                       const std::string& example, Use use, const std::string& one = "a path") {
        if (found->kind != Node::Kind::list) {
            return problems_.add(
                found->mark, path,
                "is " + description(*found.value) + ", but must be a list of " + what + ", as in " + example);
        }
        std::size_t index = 0;
        for (const auto& item : found->items) {
            const auto item_path = path + '[' + std::to_string(index++) + ']';
            if (names_something(item)) {
                use(item);
            } else if (!item.wrong) {
                problems_.add(item.mark, item_path, "is " + description(item) + ", but must be " + one);
            }
        }
    }

    /// A section that applies to the whole may stand in one file only: the first one that is `seen`.
    bool is_first(const Section::Found& found, Section::Found& seen) {
        if (!found) return false;
        if (seen) {
            problems_.add(found->mark, std::string(found.name), "is given twice; first at " + seen->mark.text());
            return false;
        }
        seen = found;
        return true;
    }

    /// Named entries of a mapping, which may come from several files; a name must come once.
    void collect(const Node& node, const std::string& path, std::vector<Entry>& entries) {
        if (node.kind != Node::Kind::map) {
            knows_why_empty_ = true;
            return problems_.add(node.mark, path, "is " + description(node) + ", but must be a mapping by name");
        }
        for (const auto& [key, value] : node.entries) {
            if (!is_name(key.text)) {
                problems_.add(
                    key.mark, below(path, key.text),
                    "is no name that can be used here, for it becomes a part of file names: it may have "
                    "letters, digits, \"_\", \".\" and \"-\", must begin with a letter or a digit, and has at "
                    "most 100 characters");
            }
            const auto first = find(entries, key.text);
            if (first) {
                problems_.add(key.mark, below(path, key.text), "is given twice; first at " + first->key->mark.text());
            } else {
                entries.push_back({&key, &value});
            }
        }
    }

    static const Entry* find(const std::vector<Entry>& entries, std::string_view name) {
        for (const auto& entry : entries) {
            if (entry.key->text == name) return &entry;
        }
        return nullptr;
    }

    void read_manager(const Node& node) {
        Section manager(node, "manager", problems_);
        manager.read_count(manager.get("workers"), settings_.manager.workers, 1, 1024);
        if (const auto on_error = manager.get("on_error")) {
            settings_.manager.stop_on_error = on_error->text == "stop";
            if (!on_error->wrong && on_error->text != "stop" && on_error->text != "continue")
                manager.problem(on_error, "is " + description(*on_error.value) + ", but must be stop or continue");
        }
        manager.read_duration(manager.get("grace"), settings_.manager.grace, 1ms, 1h);
        manager.finish();
    }

    void read_http(const Node& node) {
        auto& out = settings_.http;
        Section http(node, "http", problems_);
        out.where = node.mark;
        out.listen = Address{"127.0.0.1", 8642, {}};
        const auto listen = http.get("listen");
        if (listen && !listen->wrong) read_address(http, listen, *out.listen);
        const auto token = http.get("token");
        if (token && !token->wrong) read_token(http, token, out.token);
        http.read_duration(http.get("stalled_after"), out.stalled_after, 100ms, 24h);
        http.finish();
        if (!token && !out.listen->is_local())
            http.problem(listen, "is " + in_quotes(out.listen->text()) +
                                     ", which others than this machine can reach, " +
                                     "so that it needs a token; add one beside it, as in token: !secret " +
                                     "file:/etc/leat/http-token, or listen on 127.0.0.1");
    }

    static void read_address(Section& section, const Section::Found& found, Address& out) {
        if (found->kind != Node::Kind::scalar || found->secret) {
            return section.problem(found, "is " + description(*found.value) +
                                              ", but must be HOST:PORT or unix:/PATH, as in 127.0.0.1:8642");
        }
        auto read = parse_address(found->text);
        if (!read) return section.problem(found, read.error().message());
        out = std::move(read).value();
    }

    static void read_token(Section& section, const Section::Found& found, std::string& out) {
        if (!found->secret) {
            return section.problem(found,
                                   "is written here, where all who can read this file see it; put it elsewhere, "
                                   "as in token: !secret file:/etc/leat/http-token");
        }
        const bool is_plain =
            std::all_of(found->text.begin(), found->text.end(), [](char c) { return c > ' ' && c <= '~'; });
        if (found->text.size() < shortest_token || !is_plain) {
            return section.problem(found, "must have " + std::to_string(shortest_token) +
                                              " characters or more, printable ones of ASCII without spaces; make one "
                                              "with: openssl rand -hex 32");
        }
        out = found->text;
    }

    void read_bucket(const Node& node, const std::string& path, BucketSettings& out) {
        Section bucket(node, path, problems_);
        bucket.read_count(bucket.get("rows", "batch_size"), out.rows, 1, 100'000'000);
        bucket.read_bytes(bucket.get("bytes"), out.bytes, kibi, 16 * gibi);
        bucket.read_duration(bucket.get("timeout"), out.timeout, 1ms, 24h);
        const auto workers = bucket.get("workers", "worker_num");
        bucket.read_count(workers, out.workers, 1, 256);
        out.workers_given_here = static_cast<bool>(workers);
        if (const auto order = bucket.get("order")) {
            out.ordered = order->text == "total";
            if (!order->wrong && order->text != "none" && order->text != "total")
                bucket.problem(order, "is " + description(*order.value) + ", but must be none or total");
        }
        bucket.finish();
    }

    static void read_delivery(Section& section, const Section::Found& found, std::optional<DemandedDelivery>& out) {
        if (found->wrong) return;
        const std::string_view text = found->secret ? std::string_view() : std::string_view(found->text);
        for (const auto delivery :
             {Delivery::at_most_once, Delivery::at_least_once, Delivery::effectively_once, Delivery::exactly_once}) {
            if (text != key_of(delivery)) continue;
            out = DemandedDelivery{delivery, found->mark, section.path_of(found.name)};
            return;
        }
        section.problem(found, "is " + description(*found.value) +
                                   ", but must be exactly_once, effectively_once, at_least_once or at_most_once");
    }

    void read_pipeline(const Entry& entry) {
        PipelineSettings out;
        out.name = entry.key->text;
        out.where = entry.key->mark;
        out.bucket = default_bucket_;
        out.bucket.workers_given_here = false;
        out.delivery = default_delivery_;
        const auto path = below("pipelines", out.name);
        Section pipeline(*entry.value, path, problems_);
        const auto run = pipeline.get("run");
        const auto extract = pipeline.get("extract");
        const auto transform = pipeline.get("transform");
        const auto load = pipeline.get("load");
        pipeline.read_rate(pipeline.get("rate"), out.rate);
        if (const auto bucket = pipeline.get("bucket")) read_bucket(*bucket.value, below(path, "bucket"), out.bucket);
        if (const auto delivery = pipeline.get("delivery")) read_delivery(pipeline, delivery, out.delivery);
        const auto retry = pipeline.get("retry");
        if (retry) read_retry(*retry.value, below(path, "retry"), out.retry);
        if (const auto circuit = pipeline.get("circuit"))
            read_circuit(*circuit.value, below(path, "circuit"), out.circuit);
        const auto dead_letters = pipeline.get("dead_letters");
        if (dead_letters) read_dead_letters(*dead_letters.value, below(path, "dead_letters"), out.dead_letters);
        pipeline.finish();
        if (run) {
            for (const auto& other : {extract, transform, load}) {
                if (other) pipeline.problem(other, "cannot stand beside run: a run component does all of it itself");
            }
            out.run = read_stage(*run.value, below(path, "run"));
            if (out.run) settings_.pipelines.push_back(std::move(out));
            return;
        }
        if (extract) out.extract = read_stage(*extract.value, below(path, "extract"));
        if (transform) read_transforms(*transform.value, below(path, "transform"), out.transform);
        if (load) out.load = read_stage(*load.value, below(path, "load"));
        if (!extract && !load && !pipeline.is_mapping()) {
            if (entry.value->is_null())
                problems_.add(out.where, path, "is empty; a pipeline has extract and load, or run");
            return;
        }
        if (!extract)
            problems_.add(out.where, path,
                          "has no extract; say where its rows come from, as in extract: {csv: {path: orders.csv}}");
        if (!load)
            problems_.add(out.where, path,
                          "has no load; say where its rows go, as in load: {sqlite: {path: shop.db, table: orders}}");
        if (out.extract && out.load) settings_.pipelines.push_back(std::move(out));
    }

    void read_transforms(const Node& node, const std::string& path, std::vector<ComponentSettings>& out) {
        if (node.kind != Node::Kind::list) {
            return problems_.add(
                node.mark, path,
                "is " + description(node) + ", but must be a list of components, as in [{sql: \"SELECT ...\"}]");
        }
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            auto stage = read_stage(node.items[i], path + '[' + std::to_string(i) + ']');
            if (stage) out.push_back(std::move(*stage));
        }
    }

    void read_retry(const Node& node, const std::string& path, RetrySettings& out) {
        Section retry(node, path, problems_);
        retry.read_count(retry.get("attempts"), out.attempts, 1, 100);
        retry.read_duration(retry.get("first_wait"), out.first_wait, 1ms, 1h);
        const auto longest = retry.get("longest_wait");
        retry.read_duration(longest, out.longest_wait, 1ms, 1h);
        if (longest && out.longest_wait < out.first_wait) {
            retry.problem(longest, "is " + duration_text(out.longest_wait) +
                                       ", but must not be less than first_wait, " + duration_text(out.first_wait));
        }
        retry.read_duration(retry.get("budget"), out.budget, 1ms, 24h);
        retry.finish();
    }

    void read_circuit(const Node& node, const std::string& path, CircuitSettings& out) {
        Section circuit(node, path, problems_);
        circuit.read_count(circuit.get("failures"), out.failures, 1, 10'000);
        circuit.read_duration(circuit.get("pause"), out.pause, 1ms, 1h);
        circuit.finish();
    }

    void read_dead_letters(const Node& node, const std::string& path, DeadLetterSettings& out) {
        Section dead_letters(node, path, problems_);
        if (const auto limit = dead_letters.get("limit"); limit && !limit->wrong) read_limit(dead_letters, limit, out);
        const auto to = dead_letters.get("to");
        const bool is_store = to && to->kind == Node::Kind::scalar && to->text == "store";
        if (to && !is_store) out.to = read_stage(*to.value, below(path, "to"));
        dead_letters.finish();
    }

    static void read_limit(Section& section, const Section::Found& limit, DeadLetterSettings& out) {
        if (limit->kind == Node::Kind::scalar && !limit->secret) {
            if (const auto rows = number_before<std::uint64_t>(limit->text, "rows")) {
                out.rows = rows;
                return;
            }
            const auto percent = number_before<double>(limit->text, "%");
            if (percent && *percent >= 0 && *percent <= 100) {
                out.fraction = *percent / 100;
                return;
            }
        }
        section.problem(limit,
                        "is " + description(*limit.value) +
                            ", but must be a number of rows or a part of them from 0% to 100%, as in 100 rows or 1%");
    }

    template <class Number>
    static std::optional<Number> number_before(std::string_view text, std::string_view unit) {
        Number out{};
        const char* const end = text.data() + text.size();
        auto [at, error] = std::from_chars(text.data(), end, out);
        if (error != std::errc()) return std::nullopt;
        while (at != end && *at == ' ')
            ++at;
        if (std::string_view(at, static_cast<std::size_t>(end - at)) != unit) return std::nullopt;
        return out;
    }

    /// A component with its keys. Empty when it cannot be said which.
    std::optional<ComponentSettings> read_stage(const Node& node, const std::string& path) {
        const auto stage = component_of(node, path);
        if (!stage) return std::nullopt;
        ComponentSettings out;
        out.id = stage->key->text;
        out.where = stage->key->mark;
        const Entry* const connection = find(connections_, out.id);
        if (!connection) {
            take_options(*stage->value, below(path, out.id), out);
            return out;
        }
        out.connection = out.id;
        const auto connected = connected_component(*connection);
        if (!connected) return std::nullopt;
        Problems told;  // by check_connection
        read_connection_rate(*connection, told, out.connection_rate);
        const auto connection_path = below(path, out.id);
        out.id = connected->key->text;
        take_options(merged(*connected->value, *stage->value, connection_path), connection_path, out);
        return out;
    }

    void check_connection(const Entry& connection) {
        const auto path = below("connections", connection.key->text);
        const auto component = connected_component(connection);
        RateSettings rate;
        read_connection_rate(connection, problems_, rate);
        if (!component || component->value->kind == Node::Kind::map || component->value->is_null()) return;
        problems_.add(component->value->mark, below(path, component->key->text),
                      "is " + description(*component->value) + ", but must be a mapping of options");
    }

    /// What stands beside the component of a connection.
    static const Node* rate_of(const Node& connection) {
        return connection.kind == Node::Kind::map && connection.entries.size() > 1 ? connection.find("rate") : nullptr;
    }

    static void read_connection_rate(const Entry& connection, Problems& problems, RateSettings& out) {
        const Section::Found rate{rate_of(*connection.value), "rate"};
        if (rate) Section(*connection.value, below("connections", connection.key->text), problems).read_rate(rate, out);
    }

    /// As component_of, beside a rate.
    std::optional<Entry> connected_component(const Entry& connection) {
        const Node& node = *connection.value;
        if (rate_of(node) && node.entries.size() == 2) {
            const auto& [key, value] = node.entries[rate_of(node) == &node.entries[0].value ? 1 : 0];
            if (names_something(key)) return Entry{&key, &value};
        }
        return component_of(node, below("connections", connection.key->text));
    }

    /// What `stage` says, and what only the connection says. The options of a connection are checked by themselves.
    Node merged(const Node& connection, const Node& stage, const std::string& path) {
        if (stage.kind != Node::Kind::map && !stage.is_null()) {
            problems_.add(stage.mark, path,
                          "is " + description(stage) + ", but must be a mapping of options, since it is a connection");
        }
        Node out = stage.kind == Node::Kind::map ? stage : Node{};
        if (connection.kind != Node::Kind::map) return out;
        if (out.kind != Node::Kind::map) out.mark = connection.mark;
        out.kind = Node::Kind::map;
        for (const auto& [key, value] : connection.entries) {
            if (!out.find(key.text)) out.entries.push_back({key, value});
        }
        return out;
    }

    void take_options(const Node& options, const std::string& path, ComponentSettings& out) {
        if (options.kind == Node::Kind::list) {
            return problems_.add(options.mark, path,
                                 "is a list, but must be a mapping of options, or a single value in the short form");
        }
        to_json(options, out);
        if (options.is_null()) out.marks[""] = out.where;
    }

    /// The one component that a node names, bare or with its options. Empty, and a problem, when it names none.
    std::optional<Entry> component_of(const Node& node, const std::string& path) {
        static const Node no_options;
        if (node.wrong) return std::nullopt;
        if (names_something(node)) return Entry{&node, &no_options};
        if (node.kind == Node::Kind::map && node.entries.size() == 1) {
            const auto& [key, value] = node.entries[0];
            if (names_something(key)) return Entry{&key, &value};
        }
        std::string message;
        if (node.kind == Node::Kind::map && node.entries.size() > 1) {
            auto names = node.keys();
            for (auto& name : names)
                name = printable(name);
            message = "has the keys " + joined(names, "and") +
                      ", but must name one component; its options stand below its name";
        } else {
            message = "is " + description(node) + ", but must name a component";
        }
        problems_.add(node.mark, path, message + ", as in {csv: {path: orders.csv}}");
        return std::nullopt;
    }

    const Environment& environment_;
    Problems& problems_;
    Settings settings_;
    BucketSettings default_bucket_;
    std::optional<DemandedDelivery> default_delivery_;
    std::deque<Node> documents_;        ///< entries point into them
    std::vector<fs::path> open_files_;  ///< from the main one to that which is being read
    std::vector<fs::path> included_;
    Section::Found manager_, memory_, bucket_, delivery_, http_;
    std::vector<Entry> connections_;
    std::vector<Entry> pipelines_;
    bool knows_why_empty_ = false;  ///< a problem says already why there is no pipeline
};

/// No exception leaves this module.
template <class Body>
std::optional<Settings> guarded(const fs::path& file, Problems& problems, Body body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        problems.add({file.string(), 0, 0}, "", "cannot be read: not enough memory");
    } catch (const std::exception& e) {
        problems.add({file.string(), 0, 0}, "", std::string("cannot be read: ") + e.what());
    }
    return std::nullopt;
}

}  // namespace

std::string_view key_of(Delivery delivery) noexcept {
    switch (delivery) {
        case Delivery::at_most_once:
            return "at_most_once";
        case Delivery::at_least_once:
            return "at_least_once";
        case Delivery::effectively_once:
            return "effectively_once";
        case Delivery::exactly_once:
            break;
    }
    return "exactly_once";
}

std::optional<Settings> load(const fs::path& file, const Environment& environment, Problems& problems) {
    return guarded(file, problems, [&]() -> std::optional<Settings> {
        const auto text = read_text_file(file, largest_file);
        if (text) return Loader(file, environment, problems).load(text.value());
        problems.add({file.string(), 0, 0}, "", text.error().message());
        return std::nullopt;
    });
}

std::optional<Settings> load_text(const std::string& text, const fs::path& file, const Environment& environment,
                                  Problems& problems) {
    return guarded(file, problems, [&] { return Loader(file, environment, problems).load(text); });
}

}  // namespace leat::config
