// example.lines: a source that reads the lines of a text file. The first page of leat/leat.hpp is a map of what there
// is.
//
// To learn from it: positions, and what is refused as one; records that never become rows (reject_raw); batches of
// several columns; memory that runs out; progress; stops.
//
// A line ends with a line feed, or where the file ends; one carriage return in front of the line feed is not part of
// it. What is not UTF-8, or longer than 1 MiB, is rejected with its place.
//
// A position is "BYTES:LINES": where the next line begins, and how many are in front of it. So a run that was
// interrupted numbers its lines as if it had not been, and one that finds the file grown reads what is new.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <leat/leat.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace {

constexpr std::size_t longest_line = 1 << 20;
constexpr std::size_t kept_of_longer = 1024;      // bytes of a line that is too long, for its dead letter
constexpr std::size_t text_of_a_batch = 1 << 20;  // bytes; a batch is complete when it has so many
constexpr std::size_t window_size = longest_line + 2 + (1 << 16);

class File {
public:
    // A pipe without a writer would block open.
    explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

/// Where the next line begins, and how many are in front of it.
struct Position {
    std::int64_t bytes = 0, lines = 0;

    std::string text() const { return std::to_string(bytes) + ":" + std::to_string(lines); }

    static std::optional<Position> parse(std::string_view text) {
        Position out;
        const char* const end = text.data() + text.size();
        const auto [colon, fault] = std::from_chars(text.data(), end, out.bytes);
        if (fault != std::errc() || colon == end || *colon != ':') return std::nullopt;
        if (std::from_chars(colon + 1, end, out.lines).ec != std::errc()) return std::nullopt;
        // Every line has a byte, be it its line feed; and it must be written as we write it.
        if (out.lines < 0 || out.lines > out.bytes || (out.lines == 0) != (out.bytes == 0) || out.text() != text)
            return std::nullopt;
        return out;
    }
};

/// Where a text stops being UTF-8; its size: nowhere.
std::size_t valid_up_to(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::size_t at = 0;
    while (at < text.size()) {
        const unsigned first = byte(at);
        const std::size_t more = first < 0x80 ? 0 : first >= 0xC2 && first < 0xE0 ? 1 : (first & 0xF0) == 0xE0 ? 2 : 3;
        if ((more == 3 && (first < 0xF0 || first > 0xF4)) || more >= text.size() - at) return at;
        // No longer than need be, no surrogates, nothing beyond U+10FFFF.
        const unsigned least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const unsigned most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        for (std::size_t i = 1; i <= more; ++i) {
            const unsigned next = byte(at + i);
            if (next < (i == 1 ? least : 0x80) || next > (i == 1 ? most : 0xBF)) return at;
        }
        at += more + 1;
    }
    return at;
}

class Lines {
public:
    explicit Lines(leat::context& ctx)
        : path_(ctx.text("/path")),
          batch_rows_(ctx.integer("/batch_rows")),
          out_(ctx, {leat::field("line", leat::i64).not_null(), leat::field("text", leat::utf8).not_null()}) {}

    // `resume` is a position that read has given, or empty.
    void open(leat::context& ctx, std::string_view resume) {
        const auto from = resume.empty() ? Position{} : Position::parse(resume);
        if (!from)
            throw leat::error(LEAT_ERR_CONFIG,
                              "the position is not one of mine (BYTES:LINES): begin again with --fresh");
        auto file = std::make_unique<File>(path_);
        if (file->get() < 0) fail(LEAT_ERR_CONFIG, "cannot open");
        struct stat about {};
        if (::fstat(file->get(), &about) != 0) fail(LEAT_ERR_RETRY, "cannot look at");
        if (!S_ISREG(about.st_mode))
            throw leat::error(LEAT_ERR_CONFIG, path_ + " is not a regular file: there are no positions in it");
        check(*file, from->bytes, about.st_size);
        file_ = std::move(file);
        next_ = told_ = *from;
        window_.clear();
        begin_ = 0;
        ctx.progress(static_cast<double>(next_.bytes), static_cast<double>(about.st_size), "bytes");
    }
    void close(leat::context&) {
        file_.reset();
        out_.truncate(0);
    }

    leat_status read(leat::context& ctx, const leat_bucket_config& hint) {
        if (ctx.stop_state() == LEAT_STOP) return LEAT_ERR_CANCELLED;
        const auto before = next_;
        try {
            return read_batch(ctx,
                              hint.max_rows > 0 ? std::min<std::uint64_t>(hint.max_rows, batch_rows_) : batch_rows_);
        } catch (...) {
            // Nothing has happened: the same call may come again.
            out_.truncate(0);
            next_ = before;
            window_.clear();
            begin_ = 0;
            throw;
        }
    }

private:
    [[noreturn]] void fail(leat_status status, const std::string& what) const {
        throw leat::error(status, what + " " + path_ + ": " + std::strerror(errno));
    }

    /// Whether a line can begin at a position, for the file may be another one by now.
    void check(const File& file, std::int64_t at, std::int64_t size) const {
        if (at > size) {
            throw leat::error(LEAT_ERR_CONFIG, path_ + " has " + std::to_string(size) +
                                                   " bytes, and the position is at byte " + std::to_string(at) +
                                                   ": it is another file, or was cut; begin again with --fresh");
        }
        char before = '\n';
        // At the end there need not be one: the last line may be without.
        if (at > 0 && at < size && ::pread(file.get(), &before, 1, at - 1) != 1) fail(LEAT_ERR_RETRY, "cannot read");
        if (before == '\n') return;
        throw leat::error(LEAT_ERR_CONFIG,
                          path_ + " has no line feed in front of the position, byte " + std::to_string(at) +
                              ": it is another file, or its last line went on; begin again with --fresh");
    }

    /// Bytes of the file from next_ on, as far as they were read.
    std::string_view ahead() const { return std::string_view(window_).substr(begin_); }

    /// Reads more of them; false at the end of the file.
    bool fill() {
        window_.erase(0, begin_);
        begin_ = 0;
        const std::size_t have = window_.size();
        window_.resize(window_size);
        ssize_t n = 0;
        do {
            n = ::pread(file_->get(), window_.data() + have, window_size - have,
                        next_.bytes + static_cast<std::int64_t>(have));
        } while (n < 0 && errno == EINTR);
        window_.resize(have + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n < 0) fail(LEAT_ERR_RETRY, "cannot read");
        return n > 0;
    }

    /// The next line with its line feed; empty: there is none; longer than longest_line + 2: it may not be all of it.
    std::string_view find() {
        for (std::size_t seen = 0;;) {
            const auto feed = ahead().find('\n', seen);
            if (feed != std::string_view::npos) return ahead().substr(0, feed + 1);
            seen = ahead().size();
            if (seen > longest_line + 2 || !fill()) return ahead();
        }
    }
    void advance(std::size_t bytes) {
        begin_ += bytes;
        next_.bytes += static_cast<std::int64_t>(bytes);
    }

    void reject(leat::context& ctx, std::string_view record, const std::string& what) const {
        ctx.reject_raw(record, path_ + ":" + std::to_string(next_.lines + 1) + ": " + what);
    }
    /// Goes to the end of a line that is too long for the window, and holds no more of it than that.
    void reject_longer(leat::context& ctx) {
        const std::string kept(ahead().substr(0, kept_of_longer));
        std::size_t length = 0;
        char last = 0;
        for (bool ended = false; !ended;) {
            if (ctx.stop_state() == LEAT_STOP) throw leat::error(LEAT_ERR_CANCELLED);
            const auto text = ahead().substr(0, ahead().find('\n'));
            const bool has_feed = text.size() < ahead().size();
            if (!text.empty()) last = text.back();
            length += text.size();
            advance(text.size() + (has_feed ? 1 : 0));
            if (has_feed && last == '\r') --length;
            ended = has_feed || !fill();
        }
        reject(ctx, kept,
               "a line of " + std::to_string(length) + " bytes; at most " + std::to_string(longest_line) +
                   " are taken, and the first " + std::to_string(kept_of_longer) + " are kept here");
        ++next_.lines;
    }

    enum class Taken { row, reject, later, none };

    /// Takes the next line, or rejects it. A line that is rejected is a read of its own, so that a read that has
    /// rejected something never fails for want of memory: it would be repeated, and the line be rejected twice.
    Taken take(leat::context& ctx) {
        const auto line = find();
        if (line.empty()) return Taken::none;
        auto text = line;
        if (text.back() == '\n') {
            text.remove_suffix(1);
            if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
        }
        const bool is_long = text.size() > longest_line;
        const auto valid = is_long ? 0 : valid_up_to(text);
        if (!is_long && valid == text.size()) {
            out_.put(0, next_.lines + 1).put(1, text).end_row();
            text_ += text.size();
            advance(line.size());
            ++next_.lines;
            return Taken::row;
        }
        if (out_.rows() > 0) return Taken::later;  // the rows in front of it go first
        if (is_long) {
            reject_longer(ctx);
            return Taken::reject;
        }
        char hex[8];
        std::snprintf(hex, sizeof hex, "0x%02X", static_cast<unsigned>(static_cast<unsigned char>(text[valid])));
        reject(ctx, text, "not UTF-8: byte " + std::to_string(valid + 1) + " of the line is " + hex);
        advance(line.size());
        ++next_.lines;
        return Taken::reject;
    }

    leat_status read_batch(leat::context& ctx, std::uint64_t most) {
        text_ = 0;
        auto taken = Taken::row;
        while (taken == Taken::row && static_cast<std::uint64_t>(out_.rows()) < most && text_ < text_of_a_batch)
            taken = take(ctx);
        if (taken == Taken::reject) return LEAT_OK;
        if (taken == Taken::none && next_.bytes == told_.bytes) return LEAT_END;
        // Also without rows: then it is behind the lines at the end that were rejected.
        ctx.emit(out_.finish(), next_.text());
        told_ = next_;
        ctx.progress(static_cast<double>(next_.bytes), 0, "bytes");
        return taken == Taken::none ? LEAT_END : LEAT_OK;
    }

    std::string path_;
    std::uint64_t batch_rows_;
    leat::builder out_;
    std::unique_ptr<File> file_;
    Position next_, told_;  // told: the last that went out with a batch
    std::string window_;    // bytes of the file; those from begin_ on are at next_
    std::size_t begin_ = 0;
    std::size_t text_ = 0;  // bytes in the batch
};

constexpr auto config = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["path"],
  "properties": {
    "path": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "The file"},
    "batch_rows": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1000,
                   "description": "Lines of a batch at most"}
  }
})";

}  // namespace

LEAT_PLUGIN("example-lines", "1.0.0", "Apache-2.0",
            leat::source<Lines>(leat::about{"example.lines", "Reads the lines of a text file", config,
                                            LEAT_REPLAYABLE | LEAT_DETERMINISTIC}
                                    .with_example("path: access.log")))
