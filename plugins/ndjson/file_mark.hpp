// How far a file was read, and whether it still is the file that was read.
#pragma once

#include <leat/leat.hpp>

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "checksum.hpp"
#include "descriptor.hpp"

namespace ndjson {

/// How the text before a mark ends.
enum class TextEnd : std::uint8_t {
    whole,   ///< behind a row
    open,    ///< behind a last row without a line break: more of it may follow
    quoted,  ///< in quotes that nobody has closed: what stands there was rejected, and may be the beginning of a row
};

/// A point between two rows of a regular file.
struct FileMark {
    std::int64_t offset = 0;   ///< in the plain text; what comes next begins there
    std::int64_t line = 1;     ///< in which it begins
    std::int64_t bytes = 0;    ///< of the file as it lies there: so many were read, and `digest` is of them
    std::int64_t size = 0;     ///< at least this was the size of the file, in bytes as it lies there
    std::uint32_t digest = 0;  ///< see FileDigest
    TextEnd end = TextEnd::whole;
    bool exact = true;  ///< unpacking can begin at `bytes`, and gives what comes at `offset`; always of a plain file
};

/// A digest of what a file holds before some byte: of its first 64 KiB and of the last 4 KiB before that byte, so that
/// it costs the same wherever that is, and appending changes nothing.
class FileDigest {
public:
    /// Of the first `bytes` bytes; nothing when there are not so many. Cheapest when `bytes` grows from call to call.
    std::optional<std::uint32_t> of(int fd, const std::string& name, std::int64_t bytes) {
        const std::int64_t head_end = std::min(bytes, head_size);
        if (head_end < head_read_) *this = {};
        if (!add(fd, name, head_read_, head_end, head_)) return std::nullopt;
        head_read_ = head_end;
        std::uint64_t sum = head_;
        if (!add(fd, name, std::max(head_end, bytes - tail_size), bytes, sum)) return std::nullopt;
        return static_cast<std::uint32_t>(sum ^ (sum >> 32));
    }

private:
    static constexpr std::int64_t head_size = std::int64_t{64} << 10;
    static constexpr std::int64_t tail_size = std::int64_t{4} << 10;

    static bool add(int fd, const std::string& name, std::int64_t from, std::int64_t to, std::uint64_t& sum) {
        while (from < to) {
            char block[tail_size];
            const auto room = static_cast<std::size_t>(std::min(to - from, tail_size));
            const ssize_t got = retried([&] { return ::pread(fd, block, room, from); });
            if (got < 0) throw_errno(errno, "cannot read " + name);
            if (got == 0) return false;
            sum = checksum_of({block, static_cast<std::size_t>(got)}, sum);
            from += got;
        }
        return true;
    }

    std::uint64_t head_ = checksum_of("");
    std::int64_t head_read_ = 0;
};

inline const std::string put_back = ": put it back as it was, or start afresh with --fresh";

/// Throws CONFIG, with what differs and what to do, unless the file, which has `size` bytes now, is still the one of
/// which `mark` was made, perhaps with more behind it.
inline void check_mark(const FileMark& mark, int fd, const std::string& name, std::int64_t size) {
    const std::string up_to = "up to byte " + std::to_string(mark.bytes);
    if (size < mark.size) {
        throw leat::error(LEAT_ERR_CONFIG, name + " was cut: it had " + std::to_string(mark.size) +
                                               " bytes when the last run " +
                                               (mark.bytes == 0 ? "came to it" : "read it " + up_to) + ", and has " +
                                               std::to_string(size) + " now" + put_back);
    }
    if (mark.bytes > 0 && FileDigest().of(fd, name, mark.bytes) != mark.digest) {
        throw leat::error(LEAT_ERR_CONFIG, name + " was rewritten or replaced since it was read " + up_to +
                                               ": what it holds before that byte is not what was read" + put_back);
    }
    if (mark.end == TextEnd::quoted && size > mark.size) {
        throw leat::error(LEAT_ERR_CONFIG,
                          name + " has grown behind a quote that was open at its end when it was read " + up_to +
                              ", so that the row there was rejected before it was whole: start afresh with --fresh");
    }
}

/// Bytes of the line break with which a text is to begin that goes on behind TextEnd::open; nothing: `head`, its
/// beginning, is too short to tell. Throws CONFIG when the row goes on.
inline std::optional<std::size_t> line_break_at_front(std::string_view head, const std::string& name,
                                                      std::int64_t offset) {
    if (head.substr(0, 1) == "\n") return 1;
    if (head.substr(0, 2) == "\r\n") return 2;
    if (head.empty() || head == "\r") return std::nullopt;
    throw leat::error(LEAT_ERR_CONFIG,
                      name + ": its last line had no line break when it was read up to byte " + std::to_string(offset) +
                          ", and was taken as it was; now it goes on: put a line break there, or start afresh "
                          "with --fresh");
}

}  // namespace ndjson
