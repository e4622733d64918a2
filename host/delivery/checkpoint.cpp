#include "delivery/checkpoint.hpp"

#include <algorithm>

#include "delivery/bytes.hpp"

namespace leat::delivery {
namespace {

// version 1 byte | flags 1 | bucket 8 | segment 8 | skip 8 | rows 8 | source 4 + n | position 4 + n |
// states 4 + (4 + n)... | replay 4 + n | lanes 4 | ahead 4 + n * 4 * 8 | checksum 8; all numbers little-endian. Version
// 4, which is written for one lane, has neither lanes nor ahead. Versions 2 and 3 are 4 and 5 without rows, and in 3
// those of ahead are counted in each segment; version 1 has neither segment nor replay. Every version begins with its
// number and ends with the checksum of all before it, so that one host can tell a token of a newer one from bytes of
// another program.
constexpr char version = 5;
constexpr char version_of_one_lane = 4;
constexpr char last_without_rows = 3;
constexpr std::size_t largest_token = 4096;
constexpr std::size_t checksum_size = 8;

constexpr unsigned char is_complete = 1;
constexpr unsigned char is_whole = 2;

std::string encoded(const Checkpoint& checkpoint, std::string_view source, std::string_view position, bool whole) {
    std::string out;
    out += checkpoint.lanes > 1 ? version : version_of_one_lane;
    append_number(out, (checkpoint.complete ? is_complete : 0U) | (whole ? is_whole : 0U), 1);
    append_number(out, checkpoint.bucket, 8);
    append_number(out, checkpoint.segment, 8);
    append_number(out, checkpoint.skip, 8);
    append_number(out, checkpoint.rows, 8);
    append_text(out, source);
    append_text(out, position);
    append_texts(out, whole ? checkpoint.states : std::vector<std::string>());
    append_text(out, checkpoint.replay);
    if (checkpoint.lanes > 1) {
        append_number(out, checkpoint.lanes, 4);
        append_number(out, checkpoint.ahead.size(), 4);
        for (const auto& span : checkpoint.ahead) {
            for (const auto border : {span.begin, span.end}) {
                append_number(out, border.segment, 8);
                append_number(out, border.rows, 8);
            }
        }
    }
    append_number(out, checksum(out), checksum_size);
    return out;
}

Error foreign(std::string_view token, const std::string& why) {
    constexpr std::size_t most_shown = 8;
    const std::string shown = token.empty() ? "" : ", " + hex(token.substr(0, most_shown));
    const std::string more = token.size() > most_shown ? "..." : "";
    return Error(Errc::pipeline_execution, "the token in the target is none of this host's (" +
                                               std::to_string(token.size()) + " bytes" + shown + more + "): " + why +
                                               "; load into another target, or start over with --fresh");
}

}  // namespace

std::string Checkpoint::token(bool whole) const {
    std::size_t size = source.size() + position.size();
    for (const auto& state : states)
        size += state.size();
    if (whole && size < largest_token) {
        auto token = encoded(*this, source, position, true);
        if (token.size() <= largest_token) return token;
    }
    if (source.size() < largest_token) {
        auto token = encoded(*this, source, {}, false);
        if (token.size() <= largest_token) return token;
    }
    return encoded(*this, {}, {}, false);
}

Result<Checkpoint::Parsed> Checkpoint::parse(std::string_view token) {
    if (token.size() < 1 + checksum_size || token.size() > largest_token) {
        return foreign(token, "a token has " + std::to_string(1 + checksum_size) + " to " +
                                  std::to_string(largest_token) +
                                  " bytes, so another program wrote it or it was cut off");
    }
    BytesReader tail(token.substr(token.size() - checksum_size));
    const auto body = token.substr(0, token.size() - checksum_size);
    if (tail.number(checksum_size) != checksum(body))
        return foreign(token, "its checksum is wrong, so another program wrote it or it was cut off");
    const bool is_first = body.front() == 1;
    const bool has_lanes = body.front() == version;
    if (body.front() == last_without_rows) {
        return Error(
            Errc::pipeline_execution,
            "the token in the target is of format 3, which does not tell where rows are when the source cuts its "
            "batches otherwise: load into another target, or start over with --fresh");
    }
    if (body.front() < 1 || body.front() > version) {
        return Error(Errc::pipeline_execution, "the token in the target is of format " +
                                                   std::to_string(static_cast<unsigned char>(body.front())) +
                                                   ", and this host reads formats 1 to " + std::to_string(version) +
                                                   ": a newer Leat wrote it; update this one, or start over with "
                                                   "--fresh");
    }
    BytesReader read(body.substr(1));
    Parsed out;
    const auto flags = read.number(1);
    out.checkpoint.bucket = read.number(8);
    if (!is_first) out.checkpoint.segment = read.number(8);
    out.checkpoint.skip = read.number(8);
    if (body.front() > last_without_rows) out.checkpoint.rows = read.number(8);
    out.checkpoint.source = read.text();
    out.checkpoint.position = read.text();
    out.checkpoint.states = read.texts();
    if (!is_first) out.checkpoint.replay = read.text();
    if (has_lanes) {
        out.checkpoint.lanes = static_cast<std::uint32_t>(read.number(4));
        const auto next_border = [&] {
            const auto of = read.number(8);
            return Border{of, read.number(8)};
        };
        for (auto spans = std::min<std::uint64_t>(read.number(4), Checkpoint::most_ahead); spans > 0; --spans) {
            const auto begin = next_border();
            out.checkpoint.ahead.push_back({begin, next_border()});
        }
    }
    out.checkpoint.complete = (flags & is_complete) != 0;
    out.whole = (flags & is_whole) != 0;
    if (!read.all_read() || flags > (is_complete | is_whole)) return foreign(token, "its parts do not fit together");
    return out;
}

}  // namespace leat::delivery
