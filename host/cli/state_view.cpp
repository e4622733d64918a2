#include "cli/state_view.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "cli/text_table.hpp"
#include "config/suggest.hpp"
#include "config/wording.hpp"
#include "delivery/bytes.hpp"

namespace leat::cli {
namespace {

bool is_text(std::string_view bytes) {
    const auto shown = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; };
    return is_utf8(bytes.data(), bytes.size()) && std::all_of(bytes.begin(), bytes.end(), shown);
}

boost::json::value json_text(std::string_view bytes) {
    if (!is_utf8(bytes.data(), bytes.size())) return nullptr;
    return boost::json::value(bytes);
}

}  // namespace

std::string position_text(std::string_view position) {
    if (position.empty()) return "(beginning)";
    return is_text(position) ? std::string(position) : "0x" + delivery::hex(position);
}

std::string lane_text(const delivery::StateStore::Entry& entry) {
    return printable(entry.lane.empty() ? entry.pipeline + " (runner)" : entry.lane);
}

boost::json::object state_json(const delivery::StateStore::Entry& entry) {
    const auto& checkpoint = entry.checkpoint;
    return {{"pipeline", json_text(entry.pipeline)},
            {"lane", entry.lane.empty() ? boost::json::value() : json_text(entry.lane)},
            {"bucket", checkpoint.bucket},
            {"position", json_text(checkpoint.position)},
            {"position_hex", delivery::hex(checkpoint.position)},
            {"skip", checkpoint.skip},
            {"complete", checkpoint.complete},
            {"source", json_text(checkpoint.source)},
            {"updated", json_text(entry.updated)},
            {"damaged", entry.damaged}};
}

Result<StateEntries> read_state(const std::filesystem::path& directory) {
    BOOST_OUTCOME_TRY(const auto store, delivery::StateStore::open_to_read(directory));
    return store->entries();
}

StateEntries entries_of(const StateEntries& entries, std::string_view pipeline) {
    StateEntries out;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(out),
                 [&](const auto& entry) { return entry.pipeline == pipeline; });
    return out;
}

Exit unknown_pipeline(std::string_view pipeline, const StateEntries& entries, const std::filesystem::path& directory,
                      const Console& console) {
    std::vector<std::string> names;
    for (const auto& entry : entries) {
        if (names.empty() || names.back() != entry.pipeline) names.push_back(entry.pipeline);
    }
    const auto suggestion = config::did_you_mean(pipeline, names);
    std::vector<std::string> shown;
    for (const auto& name : names)
        shown.push_back(config::printable(name));
    return console.fail(Exit::usage, "there is no state of " + config::in_quotes(pipeline) + " in " +
                                         directory.string() +
                                         (suggestion.empty() ? "; there is " : suggestion + " There is ") +
                                         (names.empty() ? "none at all" : "that of " + config::joined(shown, "and")));
}

}  // namespace leat::cli
