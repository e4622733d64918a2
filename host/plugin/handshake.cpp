#include "plugin/handshake.hpp"

#include <algorithm>
#include <boost/json/stream_parser.hpp>
#include <cstring>
#include <optional>
#include <string_view>

#include "config/wording.hpp"

namespace leat::plugin {

using config::in_quotes;

namespace {

// sizeof in the first leat.h. A smaller struct was never lawful; a larger one is newer than this host.
template <class T>
constexpr std::uint32_t first_size = 0;
template <>
constexpr std::uint32_t first_size<leat_plugin> = 80;
template <>
constexpr std::uint32_t first_size<leat_component> = 120;
template <>
constexpr std::uint32_t first_size<leat_runner> = 24;
template <>
constexpr std::uint32_t first_size<leat_source> = 48;
template <>
constexpr std::uint32_t first_size<leat_transform> = 64;
template <>
constexpr std::uint32_t first_size<leat_sink> = 72;
template <>
constexpr std::uint32_t first_size<leat_hooks> = 24;

// Past these a descriptor is not large but wrong.
constexpr std::uint32_t largest_struct = 64 * 1024;
constexpr std::uint32_t most_components = 1024;
constexpr std::size_t longest_text = 1024 * 1024;

std::string text(const char* theirs) {
    return theirs ? std::string(theirs, strnlen(theirs, longest_text)) : "";
}

struct Promise {
    std::uint64_t flag;
    const char* name;
    std::vector<Kind> kinds;  // that can keep it
};

/// Those from which the host computes what it guarantees: one in the wrong place is a fault.
const std::vector<Promise>& promises() {
    static const std::vector<Promise> all{
        {LEAT_REPLAYABLE, "REPLAYABLE", {Kind::source, Kind::pipeline}},
        {LEAT_STATELESS, "STATELESS", {Kind::transform, Kind::pipeline}},
        {LEAT_TRANSACTIONAL, "TRANSACTIONAL", {Kind::sink, Kind::pipeline}},
        {LEAT_IDEMPOTENT, "IDEMPOTENT", {Kind::sink, Kind::pipeline}},
    };
    return all;
}

/// Those that change how it is run: one in the wrong place has no effect.
const std::vector<Promise>& wishes() {
    static const std::vector<Promise> all{
        {LEAT_OPAQUE_ITEMS, "OPAQUE_ITEMS", {Kind::pipeline}},
        {LEAT_NONBLOCKING, "NONBLOCKING", {Kind::source, Kind::sink, Kind::pipeline}},
        {LEAT_BLOCKING, "BLOCKING", {Kind::transform, Kind::pipeline}},
        {LEAT_SINGLE_WRITER, "SINGLE_WRITER", {Kind::sink, Kind::pipeline}},
    };
    return all;
}

bool holds(const std::vector<Kind>& kinds, Kind kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

// ---- What stands in for an entry that the plugin left NULL ------------------------------------------------

template <class F>
struct Stub;
template <class... Args>
struct Stub<leat_status (*)(Args...)> {
    static leat_status ok(Args...) { return LEAT_OK; }
    static leat_status unsupported(Args...) { return LEAT_ERR_UNSUPPORTED; }
};
template <class... Args>
struct Stub<void (*)(Args...)> {
    static void nothing(Args...) {}
};

leat_status save_nothing(void*, leat_ctx*, leat_bytes* state) {
    *state = {nullptr, 0};
    return LEAT_OK;
}
leat_status recover_nothing(void*, leat_ctx*, const char*, leat_bytes* token) {
    *token = {nullptr, 0};
    return LEAT_OK;
}
const void* no_extension(void*, const char*) {
    return nullptr;
}

template <class F>
void or_ok(F& entry) {
    if (!entry) entry = Stub<F>::ok;
}
template <class F>
void or_unsupported(F& entry) {
    if (!entry) entry = Stub<F>::unsupported;
}
template <class F>
void or_nothing(F& entry) {
    if (!entry) entry = Stub<F>::nothing;
}

void fill_stubs(Component& c) {
    if (!c.entry.extension) c.entry.extension = no_extension;

    or_unsupported(c.runner.run);
    or_nothing(c.runner.interrupt);

    or_ok(c.source.open);
    or_unsupported(c.source.read);
    or_ok(c.source.ack);
    or_nothing(c.source.close);
    or_nothing(c.source.interrupt);

    or_ok(c.transform.open);
    or_unsupported(c.transform.derive);
    or_unsupported(c.transform.process);
    or_ok(c.transform.flush);
    if (!c.transform.save) c.transform.save = save_nothing;
    or_nothing(c.transform.close);
    or_nothing(c.transform.interrupt);

    or_ok(c.sink.open);
    if (!c.sink.recover) c.sink.recover = recover_nothing;
    or_ok(c.sink.begin);
    or_unsupported(c.sink.write);
    or_ok(c.sink.commit);
    or_nothing(c.sink.abort);
    or_nothing(c.sink.close);
    or_nothing(c.sink.interrupt);

    or_ok(c.hooks.pre_process);
    or_ok(c.hooks.post_process);
}

void note_what_is_there(Component& c) {
    c.has_transform = c.kind == Kind::pipeline && c.transform.process;
    c.has_hooks = c.hooks.pre_process || c.hooks.post_process;
    c.has_ack = c.source.ack;
    c.has_derive = c.transform.derive;
    c.has_flush = c.transform.flush;
    c.has_save = c.transform.save;
    c.has_recover = c.sink.recover;
    c.has_begin = c.sink.begin;
    c.has_commit = c.sink.commit;
    c.has_abort = c.sink.abort;
}

// ---- The checks ---------------------------------------------------------------------------------------------

class Reader {
public:
    explicit Reader(Report& report) : report_(report) {}

    Result<Manifest> read(const leat_plugin& theirs) {
        const auto plugin = copy("its leat_plugin", "leat_plugin", theirs);
        if (!plugin) return *fault_;
        check_version(*plugin);
        if (fault_) return *fault_;  // the rest may mean something else to a newer plugin

        Manifest manifest;
        manifest.id = text(plugin->id);
        manifest.version = text(plugin->version);
        manifest.license = text(plugin->license);
        manifest.vendor = text(plugin->vendor);
        manifest.url = text(plugin->url);
        manifest.summary = text(plugin->summary);
        manifest.build = text(plugin->build);
        manifest.abi_minor = plugin->abi_minor;
        check_manifest(manifest);
        read_components(*plugin, manifest.components);
        if (fault_) return *fault_;
        return manifest;
    }

private:
    void fail(std::string what) {
        if (!fault_) fault_.emplace(Errc::plugin, what);
        report_.fail(std::move(what));
    }

    /// Our own copy of a sized struct, as far as theirs goes. Touches only its struct_size until that is checked.
    template <class T>
    std::optional<T> copy(const std::string& whose, const char* type, const T& theirs) {
        static_assert(first_size<T> != 0 && sizeof(T) >= first_size<T>);
        const std::uint32_t size = theirs.struct_size;
        if (size < first_size<T> || size > largest_struct || size % 8 != 0) {
            fail(whose + " says struct_size " + std::to_string(size) + "; set it to sizeof(" + type +
                 "): " + std::to_string(first_size<T>) + " or more, in steps of 8");
            return std::nullopt;
        }
        T ours{};
        std::memcpy(&ours, &theirs, std::min<std::size_t>(size, sizeof ours));
        return ours;
    }

    void check_version(const leat_plugin& plugin) {
        const auto version = [](std::uint32_t minor) {
            return std::to_string(LEAT_ABI_MAJOR) + "." + std::to_string(minor);
        };
        if (plugin.requires_minor > LEAT_ABI_MINOR) {
            fail("needs plugin ABI " + version(plugin.requires_minor) + "; this host has " + version(LEAT_ABI_MINOR) +
                 ": install a newer Leat");
            return;
        }
        report_.ok("speaks plugin ABI " + version(plugin.abi_minor) + ", needs " + version(plugin.requires_minor) +
                   "; this host has " + version(LEAT_ABI_MINOR));
    }

    void check_id(const std::string& whose, const std::string& id) {
        const std::string rule = "; use a-z, 0-9, '.' and '-', as in \"acme.orders\"";
        if (id.empty()) return fail(whose + " has no id" + rule);
        const auto lawful = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
        };
        const auto bad = std::find_if_not(id.begin(), id.end(), lawful);
        if (bad != id.end()) fail(whose + " has the id " + in_quotes(id) + " with '" + *bad + "' in it" + rule);
    }

    void check_manifest(const Manifest& manifest) {
        check_id("the plugin", manifest.id);
        if (manifest.version.empty()) fail("the plugin has no version; give one, as in \"1.0.0\"");
        if (manifest.license.empty()) {
            fail("the plugin has no license; give an SPDX expression, as in \"Apache-2.0\"");
        }
        if (!fault_) {
            report_.ok("is plugin " + in_quotes(manifest.id) + " " + manifest.version + ", license " +
                       manifest.license);
        }
    }

    void read_components(const leat_plugin& plugin, std::vector<Component>& into) {
        const std::uint32_t count = plugin.n_components;
        if (count == 0) return fail("n_components is 0; a plugin offers at least one component");
        if (count > most_components) {
            return fail("n_components is " + std::to_string(count) + "; a plugin offers at most " +
                        std::to_string(most_components));
        }
        if (!plugin.components) return fail("components is NULL, but n_components is " + std::to_string(count));
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::string whose = "component " + std::to_string(i + 1) + " of " + std::to_string(count);
            const leat_component* theirs = plugin.components[i];
            if (!theirs) {
                fail(whose + " is NULL; set n_components to the length of components");
                continue;
            }
            if (auto component = read_component(whose, *theirs)) {
                check_single(*component, into);
                into.push_back(std::move(*component));
            }
        }
    }

    void check_single(const Component& component, const std::vector<Component>& before) {
        for (const Component& other : before) {
            if (other.id == component.id && other.kind == component.kind) {
                fail(component.name() + " is there twice; give one of them another id");
            }
        }
    }

    /// Nothing when what it is cannot be told; its other faults are in the report.
    std::optional<Component> read_component(const std::string& whose, const leat_component& theirs) {
        const auto entry = copy(whose, "leat_component", theirs);
        if (!entry) return std::nullopt;
        Component component;
        component.id = text(entry->id);
        check_id(whose, component.id);
        if (entry->kind < LEAT_RUNNER || entry->kind > LEAT_PIPELINE) {
            fail("component " + in_quotes(component.id) + " is of kind " + std::to_string(entry->kind) +
                 ", which this host does not know (it knows 1 to " + std::to_string(LEAT_PIPELINE) +
                 "): correct it, or install a newer Leat");
            return std::nullopt;
        }
        component.kind = static_cast<Kind>(entry->kind);
        component.flags = entry->flags;
        component.summary = text(entry->summary);
        component.docs = text(entry->docs);
        component.config_schema = text(entry->config_schema);
        component.example = text(entry->example);
        component.takes_config = entry->config_schema != nullptr;

        const auto faults_before = report_.count(Verdict::failed);
        read_tables(component, *entry);
        check_promises(component);
        check_texts(component);
        if (report_.count(Verdict::failed) == faults_before) {
            report_.ok(component.name() + ": entries, promises and schema agree");
        }
        fill_stubs(component);
        return component;
    }

    void read_tables(Component& c, const leat_component& theirs) {
        c.entry = theirs;
        c.entry.runner = nullptr;
        c.entry.source = nullptr;
        c.entry.transform = nullptr;
        c.entry.sink = nullptr;
        c.entry.hooks = nullptr;
        require(c, "create", c.entry.create);
        require(c, "destroy", c.entry.destroy);

        const bool whole = c.kind == Kind::pipeline;
        if (read_table(c, "runner", theirs.runner, c.runner, c.kind == Kind::runner)) require(c, "run", c.runner.run);
        if (read_table(c, "source", theirs.source, c.source, c.kind == Kind::source || whole)) {
            require(c, "read", c.source.read);
        }
        if (read_table(c, "transform", theirs.transform, c.transform, c.kind == Kind::transform, whole)) {
            require(c, "process", c.transform.process);
        }
        if (read_table(c, "sink", theirs.sink, c.sink, c.kind == Kind::sink || whole)) {
            require(c, "write", c.sink.write);
        }
        read_table(c, "hooks", theirs.hooks, c.hooks, false, whole);
        note_what_is_there(c);
    }

    /// True when the table is there and of use.
    template <class T>
    bool read_table(const Component& c, const std::string& name, const T* theirs, T& ours, bool needed,
                    bool allowed = false) {
        const std::string kind(kind_name(c.kind));
        if (!theirs) {
            if (needed) fail(c.name() + ": its " + name + " table is NULL; a " + kind + " needs it");
            return false;
        }
        if (!needed && !allowed) {
            report_.warn(c.name() + ": its " + name + " table is never used, because it is a " + kind);
            return false;
        }
        const auto copied = copy(c.name() + ": its " + name + " table", ("leat_" + name).c_str(), *theirs);
        if (copied) ours = *copied;
        return copied.has_value();
    }

    template <class F>
    void require(const Component& c, const char* entry, F function) {
        if (!function) {
            fail(c.name() + ": entry " + in_quotes(entry) + " is NULL; a " + std::string(kind_name(c.kind)) +
                 " needs it");
        }
    }

    void check_promises(const Component& c) {
        for (const Promise& promise : promises()) {
            if (c.promises(promise.flag) && !holds(promise.kinds, c.kind)) {
                fail(c.name() + ": promises " + promise.name + ", which a " + std::string(kind_name(c.kind)) +
                     " cannot keep; drop the promise");
            }
        }
        for (const Promise& wish : wishes()) {
            if (c.promises(wish.flag) && !holds(wish.kinds, c.kind)) {
                report_.warn(c.name() + ": the wish " + wish.name + " has no effect on a " +
                             std::string(kind_name(c.kind)));
            }
        }
        if (c.promises(LEAT_TRANSACTIONAL)) {
            require_for(c, "TRANSACTIONAL", "recover", c.has_recover);
            require_for(c, "TRANSACTIONAL", "begin", c.has_begin);
            require_for(c, "TRANSACTIONAL", "commit", c.has_commit);
            require_for(c, "TRANSACTIONAL", "abort", c.has_abort);
        }
        if (c.promises(LEAT_REPLAYABLE)) require_for(c, "REPLAYABLE", "open", c.source.open != nullptr);
        if (c.promises(LEAT_OWN_PROCESS)) {
            report_.warn(c.name() +
                         ": asks for a process of its own, which this host cannot give yet; it runs in the "
                         "host's process, and a crash of it ends the host");
        }
    }

    void require_for(const Component& c, const char* promise, const char* entry, bool there) {
        if (!there) {
            fail(c.name() + ": promises " + promise + ", but its entry " + in_quotes(entry) +
                 " is NULL; fill it or drop the promise");
        }
    }

    void check_texts(const Component& c) {
        if (c.summary.empty()) report_.warn(c.name() + ": has no summary; say in one line what it does");
        if (c.takes_config) check_schema(c);
        if (!c.takes_config && !c.example.empty()) {
            report_.warn(c.name() + ": has an example, but no config_schema, and so takes no configuration");
        }
    }

    void check_schema(const Component& c) {
        boost::json::parse_options deep;
        deep.max_depth = 128;
        boost::json::stream_parser parser({}, deep);
        boost::json::error_code error;
        const std::size_t read = parser.write(c.config_schema, error);
        if (!error) parser.finish(error);
        if (error) {
            fail(c.name() + ": config_schema is not JSON: " + error.message() + " at byte " + std::to_string(read + 1) +
                 "; correct it");
        } else if (!parser.release().is_object()) {
            fail(c.name() + ": config_schema is JSON, but not an object; give a JSON Schema");
        }
    }

    Report& report_;
    std::optional<Error> fault_;
};

}  // namespace

Result<Manifest> read_manifest(const leat_plugin& theirs, Report& report) {
    return Reader(report).read(theirs);
}

}  // namespace leat::plugin
