// One component of a loaded library, normalised so that callers test for no NULL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/abi.hpp"

namespace leat::plugin {

class Library;

enum class Kind : std::uint32_t {
    runner = LEAT_RUNNER,
    source = LEAT_SOURCE,
    transform = LEAT_TRANSFORM,
    sink = LEAT_SINK,
    pipeline = LEAT_PIPELINE,
};

/// "runner", "source", "transform", "sink" or "pipeline".
std::string_view kind_name(Kind kind) noexcept;

/// A component as its library describes it. The tables are the host's own copies: what lies beyond the plugin's
/// struct_size, and every entry that it left NULL, is filled with a stub. The stubs of open, ack, flush, begin,
/// commit, pre_process and post_process answer LEAT_OK; save and recover answer LEAT_OK with no bytes; close,
/// abort and interrupt do nothing; extension answers NULL; derive, and everything required of a table that this
/// component does not have, answers LEAT_ERR_UNSUPPORTED.
/// Immutable after the handshake, and so readable from any thread; lives as long as its Library.
struct Component {
    std::string id;  ///< "acme.orders"
    Kind kind = Kind::source;
    std::uint64_t flags = 0;  ///< LEAT_REPLAYABLE...; bits that this host does not know are kept
    std::string summary;
    std::string docs;           ///< Markdown; may be empty
    std::string config_schema;  ///< JSON Schema text, known to be a JSON object; empty when !takes_config
    std::string example;        ///< YAML of the component's own keys; may be empty
    bool takes_config = false;  ///< it has a config_schema

    leat_component entry{};  ///< create, destroy and extension; its table pointers are NULL: use the copies below
    leat_runner runner{};
    leat_source source{};
    leat_transform transform{};
    leat_sink sink{};
    leat_hooks hooks{};

    // Which optional parts are really there.
    bool has_transform = false;  ///< of a pipeline: its own transform table
    bool has_hooks = false;      ///< of a pipeline: pre_process or post_process
    bool has_ack = false;
    bool has_derive = false;
    bool has_flush = false;
    bool has_save = false;
    bool has_recover = false;
    bool has_begin = false;
    bool has_commit = false;
    bool has_abort = false;

    const Library* library = nullptr;

    bool promises(std::uint64_t flag) const noexcept { return (flags & flag) == flag; }
    /// Id and version of its plugin; of a component of the host's own: those of the host.
    std::string_view plugin_id() const noexcept;
    std::string_view plugin_version() const noexcept;
    /// `source "csv"`, for messages.
    std::string name() const;
};

}  // namespace leat::plugin
