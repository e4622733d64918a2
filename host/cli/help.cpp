#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>
#include <sstream>
#include <vector>

#include "cli/verbs.hpp"
#include "config/suggest.hpp"
#include "observe/events.hpp"
#include "observe/line_log.hpp"

namespace leat::cli {
namespace {

using observe::event_names;
using observe::EventName;
using observe::Level;

std::vector<std::string> words_of(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::vector<std::string> out;
    for (std::string word; in >> word;)
        out.push_back(word);
    return out;
}

std::string level_of(const EventName& event) {
    return std::string(event.level ? observe::level_name(*event.level) : "any");
}

boost::json::object json_of(const EventName& event) {
    const auto words = words_of(event.fields);
    return {{"id", event.id},
            {"level", level_of(event)},
            {"meaning", event.meaning},
            {"what_to_do", event.remedy},
            {"fields", boost::json::array(words.begin(), words.end())}};
}

std::string listed() {
    std::size_t width = 0;
    for (const auto& event : event_names)
        width = std::max(width, event.id.size());
    std::string out = "What Leat logs; leat help ID tells what to do about it.\n";
    for (const std::optional<Level> level : {std::optional(Level::error), std::optional(Level::warn),
                                             std::optional(Level::info), std::optional<Level>()}) {
        out += "\n" + (level ? std::string(observe::level_name(*level)) : "of any level") + ":\n";
        for (const auto& event : event_names) {
            if (event.level != level) continue;
            out += "  " + std::string(event.id) + std::string(width + 2 - event.id.size(), ' ') +
                   std::string(event.meaning) + "\n";
        }
    }
    return out;
}

std::string explained(const EventName& event) {
    std::string fields;
    for (const auto& word : words_of(event.fields))
        fields += (fields.empty() ? "" : ", ") + word;
    return std::string(event.id) + " (" + (event.level ? level_of(event) : "of any level") + ")\n" +
           std::string(event.meaning) + "\n\nWhat to do: " + std::string(event.remedy) +
           "\nFields:     " + (fields.empty() ? "none" : fields) + "\n";
}

}  // namespace

Exit help(const HelpArguments& verb, const Console& console) {
    if (verb.id.empty()) {
        if (verb.json) {
            boost::json::array all;
            for (const auto& event : event_names)
                all.emplace_back(json_of(event));
            console.out << boost::json::serialize(boost::json::object{{"events", std::move(all)}}) << '\n';
        } else {
            console.out << listed();
        }
        return Exit::done;
    }
    const auto* const found = std::find_if(event_names.begin(), event_names.end(),
                                           [&](const EventName& event) { return event.id == verb.id; });
    if (found == event_names.end()) {
        std::vector<std::string> ids;
        for (const auto& event : event_names)
            ids.emplace_back(event.id);
        return console.fail(Exit::usage, "there is no event \"" + verb.id + "\"" + config::did_you_mean(verb.id, ids) +
                                             "\nleat help lists the events, leat VERB --help the arguments of a verb");
    }
    if (verb.json) {
        console.out << boost::json::serialize(json_of(*found)) << '\n';
    } else {
        console.out << explained(*found);
    }
    return Exit::done;
}

}  // namespace leat::cli
