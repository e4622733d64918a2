#include "cli/dead_view.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "base/utf8.hpp"
#include "cli/state_view.hpp"
#include "cli/text_table.hpp"
#include "config/units.hpp"
#include "config/wording.hpp"
#include "delivery/bytes.hpp"
#include "delivery/row_bytes.hpp"
#include "delivery/state_lock.hpp"

namespace leat::cli {
namespace {

std::string json_text(std::string_view text) {
    return boost::json::serialize(boost::json::string(text));
}

/// Bytes that are not text are given as hexadecimal, so that nothing of them is lost.
std::string field(const std::string& name, std::string_view value) {
    if (is_utf8(value.data(), value.size())) return ",\"" + name + "\":" + json_text(value);
    return ",\"" + name + "_hex\":" + json_text(delivery::hex(value));
}

/// "columns", of the rows that the source of a raw record gives.
std::string columns_field(const delivery::DeadLetter& letter) {
    const auto schema = delivery::schema_of(*letter.schema);
    if (!schema) return {};
    boost::json::object columns;
    for (int i = 0; i < schema.value().columns(); ++i)
        columns[schema.value().name(i)] = schema.value().type_name(i);
    return ",\"columns\":" + boost::json::serialize(columns);
}

/// True for the beginning of a time as RFC 3339 writes it in UTC: "2026-11-26", "2026-11-26T07:00", ...
bool is_time(std::string_view text) {
    static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
    if (text.size() > shape.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !is_digit : text[i] != shape[i]) return false;
    }
    return text.size() == 10 || text.size() == 16 || text.size() == 19 || text.size() == 20;
}

}  // namespace

Result<delivery::LetterFilter> filter_of(const DeadFilterArguments& arguments, Clock::Wall now) {
    delivery::LetterFilter out;
    out.pipeline = arguments.pipeline;
    out.where = arguments.where;
    if (arguments.since.empty()) return out;
    if (is_time(arguments.since)) {
        out.since = arguments.since;
        return out;
    }
    const auto ago = config::parse_duration(arguments.since);
    if (!ago) {
        return Error(Errc::configuration, "--since " + config::in_quotes(arguments.since) +
                                              " is neither a time, such as 2026-11-26 or 2026-11-26T07:00:00Z, nor a "
                                              "duration, such as 2h");
    }
    out.since = delivery::utc_text(now - std::chrono::duration_cast<Clock::Wall::duration>(ago.value()));
    return out;
}

std::string letter_json(const delivery::StoredLetter& stored) {
    const auto& letter = stored.letter;
    std::string out = "{\"id\":" + std::to_string(stored.id) + field("pipeline", stored.pipeline) +
                      field("stage", letter.stage) + field("component", letter.component) +
                      field("version", letter.version) + field("reason", letter.reason);
    if (letter.row.empty()) {
        out += field("raw", letter.raw);
        // What a "row" that somebody puts beside it has to have.
        if (letter.schema) out += columns_field(letter);
        if (!stored.edited.empty()) out += ",\"row\":" + stored.edited;
    } else if (stored.edited.empty()) {
        out += ",\"row\":" + letter.row;
    } else {
        out += ",\"row\":" + stored.edited + ",\"original\":" + letter.row;
    }
    out += field("position", letter.position) + field("run", stored.run) + field("made", stored.made) +
           ",\"state\":" + json_text(stored.damaged ? "damaged" : state_name(stored.state));
    if (!stored.replayed.empty()) out += ",\"replayed\":" + json_text(stored.replayed);
    return out + '}';
}

std::string letters_text(std::uint64_t count) {
    return grouped(count) + (count == 1 ? " dead letter" : " dead letters");
}

}  // namespace leat::cli
