// What a YAML file says, as structs. config/load.cpp makes them; nothing else reads YAML.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/minisign.hpp"
#include "config/address.hpp"

namespace leat::config {

/// A place in a YAML file; line and column count from 1, 0 means "no place".
struct Mark {
    std::string file;
    int line = 0;
    int column = 0;
    /// "file:line:column"
    std::string text() const;
};

/// A variable that stands in a value, as ${NAME}.
struct Variable {
    std::string name;
    bool is_set = true;  ///< false: the default beside it was taken, as in ${NAME:-default}
    bool operator==(const Variable&) const = default;
};

/// Where a value comes from.
struct Origin {
    Mark where;
    std::vector<Variable> variables;  ///< of the environment, that it was made of
};

/// What happens to a row when the process dies, from the weakest promise to the strongest.
enum class Delivery { at_most_once, at_least_once, effectively_once, exactly_once };
/// As YAML has it: "exactly_once".
std::string_view key_of(Delivery delivery) noexcept;

/// A promise that a pipeline must keep, or it is not run.
struct DemandedDelivery {
    Delivery least = Delivery::at_most_once;
    Mark where;        ///< of the value
    std::string path;  ///< of the key
};

/// When a bucket closes, and how many are written at the same time.
struct BucketSettings {
    std::uint64_t rows = 10'000;                                 ///< alias batch_size; 1..100,000,000
    std::uint64_t bytes = 8u << 20;                              ///< 1 KiB..16 GiB
    std::chrono::nanoseconds timeout = std::chrono::seconds(1);  ///< since the first row of the bucket; 1 ms..24 h
    std::uint32_t workers = 1;                                   ///< alias worker_num; 1..256
    bool ordered = false;                                        ///< order: total; buckets are delivered one by one
    bool workers_given_here = false;                             ///< by the pipeline itself, not inherited
};

struct RetrySettings {
    std::uint32_t attempts = 5;  ///< tries in total, the first included; 1..100
    std::chrono::nanoseconds first_wait = std::chrono::milliseconds(200);  ///< doubles after each failed try; 1 ms..1 h
    std::chrono::nanoseconds longest_wait = std::chrono::seconds(30);      ///< what it doubles up to; 1 ms..1 h
    std::chrono::nanoseconds budget = std::chrono::minutes(5);  ///< one call is tried again for so long; 1 ms..24 h
};

/// When a component that fails again and again is left alone for a while.
struct CircuitSettings {
    std::uint32_t failures = 5;  ///< tries that failed in a row, of all who call it; 1..10,000
    std::chrono::nanoseconds pause = std::chrono::seconds(30);  ///< 1 ms..1 h
};

/// What may go through in a second, 1 or more; empty: any number.
struct RateSettings {
    std::optional<std::uint64_t> rows;
    std::optional<std::uint64_t> bytes;
    bool limits() const noexcept { return rows || bytes; }
    bool operator==(const RateSettings&) const = default;
};

/// One component as named in a pipeline: its id and its own keys.
struct ComponentSettings {
    std::string id;          ///< of the component, connections resolved
    std::string connection;  ///< the connection that it was named by; empty: none
    RateSettings connection_rate;
    boost::json::value value;  ///< its own keys: an object, or the scalar of the short form; null when empty
    Mark where;                ///< of the name
    /// Places of the values by JSON Pointer ("" is the whole), for messages.
    std::map<std::string, Mark> marks;
    /// Places of the keys that these values stand behind, by the same pointers.
    std::map<std::string, Mark> key_marks;
    /// The variables of the values that were made of some, by the same pointers.
    std::map<std::string, std::vector<Variable>> variables;
    /// JSON Pointers of values that came from !secret: never shown.
    std::vector<std::string> secrets;
    /// JSON Pointers of values that a problem tells about already: a variable that is not set, for one.
    std::vector<std::string> wrong;
};

/// How many dead letters a run may have: the larger of both when neither was given, else what was given.
struct DeadLetterSettings {
    std::optional<std::uint64_t> rows = {};    ///< `limit: 100 rows`
    std::optional<double> fraction = {};       ///< `limit: 1%`, of the rows read
    std::optional<ComponentSettings> to = {};  ///< a sink that gets them too; empty: they are in the state only
};

struct PipelineSettings {
    std::string name;
    Mark where;
    std::optional<ComponentSettings> run;  ///< a runner or pipeline component; then the next three are empty
    std::optional<ComponentSettings> extract;
    std::vector<ComponentSettings> transform;
    std::optional<ComponentSettings> load;
    BucketSettings bucket;
    RetrySettings retry;
    CircuitSettings circuit;
    RateSettings rate;  ///< of what its source gives
    DeadLetterSettings dead_letters;
    std::optional<DemandedDelivery> delivery;
};

struct ManagerSettings {
    std::uint32_t workers = 4;   ///< pipelines that run at the same time; 1..1024
    bool stop_on_error = false;  ///< on_error: stop | continue
    std::chrono::nanoseconds grace =
        std::chrono::seconds(30);  ///< how long a plugin call may outlive a stop; 1 ms..1 h
};

/// Health, metrics and progress over HTTP.
struct HttpSettings {
    std::optional<Address> listen;  ///< empty: not at all
    Mark where;                     ///< of the section
    std::string token;              ///< that who asks must have; empty: none. Never shown
    std::chrono::nanoseconds stalled_after =
        std::chrono::seconds(60);  ///< a pipeline that stands still for so long is ill; 100 ms..24 h
};

/// Shorter ones can be guessed.
constexpr std::size_t shortest_token = 16;

/// The one file that is taken for a plugin.
struct PluginPin {
    std::string sha256;  ///< 64 lower-case digits
    Mark where;
};

/// Who may sign plugins.
struct TrustedKey {
    std::string text;  ///< as written
    minisign::PublicKey key;
};

struct Settings {
    std::filesystem::path file;
    std::string text;  ///< of the file and of those that it includes, in the order in which they were read
    std::vector<std::filesystem::path> plugin_directories;  ///< as written, made absolute against the file's folder
    std::map<std::string, PluginPin> plugin_pins;           ///< by the names of their files without ".so"
    std::vector<TrustedKey> plugin_keys;                    ///< empty: plugins need no signature
    ManagerSettings manager;
    std::uint64_t memory = 256u << 20;  ///< for in-flight batches; 1 MiB..1 TiB
    HttpSettings http;
    std::vector<PipelineSettings> pipelines;
    /// Of every value that is no list or mapping, by the path of its key ("pipelines.orders.bucket.rows").
    std::map<std::string, Origin> origins;
};

}  // namespace leat::config
