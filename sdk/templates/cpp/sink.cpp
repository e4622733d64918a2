// @name@: a sink that writes lines to a file. The first page of include/leat/leat.hpp is a map of what there is.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <leat/leat.hpp>

namespace {

class Lines {
public:
    explicit Lines(leat::context& ctx) : path_(ctx.text("/path")), column_(ctx.text("/column")) {}

    void open(leat::context&) {
        file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (file_ < 0) fail(LEAT_ERR_CONFIG, "cannot open");
    }
    void close(leat::context&) { ::close(file_); }

    // A bucket: begin, write*, commit or abort.
    void begin(leat::context&, const leat_bucket&) {
        text_.clear();
        begun_ = ::lseek(file_, 0, SEEK_END);
        if (begun_ < 0) fail(LEAT_ERR_CONFIG, "cannot find the end of");
    }
    void write(leat::context&, leat::batch& in) {
        const int found = in.index(column_);
        if (found < 0 || in.column(found).type().id != leat::kind::int64) {
            throw leat::error(LEAT_ERR_CONFIG, "there is no int64 column \"" + column_ + "\": set `column`");
        }
        in.each<std::int64_t>(found, [this](std::int64_t, const std::optional<std::int64_t>& value) {
            text_ += value ? std::to_string(*value) : "null";
            text_ += '\n';
            if (text_.size() >= 1U << 16) write_text();
        });
    }
    void commit(leat::context&, const leat_bucket&) {
        write_text();
        if (::fsync(file_) != 0 && errno != EINVAL) fail(LEAT_ERR_RETRY, "cannot sync");
    }
    void abort(leat::context&, const leat_bucket&) {
        text_.clear();
        if (::ftruncate(file_, begun_) != 0) fail(LEAT_ERR_BROKEN, "cannot cut back");
    }

private:
    [[noreturn]] void fail(leat_status status, const std::string& what) const {
        throw leat::error(status, what + " " + path_ + ": " + std::strerror(errno));
    }
    void write_text() {
        for (std::size_t at = 0; at < text_.size();) {
            const auto n = ::write(file_, text_.data() + at, text_.size() - at);
            if (n < 0 && errno != EINTR) fail(LEAT_ERR_RETRY, "cannot write");
            if (n > 0) at += static_cast<std::size_t>(n);
        }
        text_.clear();
    }

    std::string path_, column_, text_;
    int file_ = -1;
    off_t begun_ = 0;  // how long the file was when the bucket began
};

constexpr auto config = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["path"],
  "properties": {
    "path": {"type": "string", "description": "The file; lines are appended"},
    "column": {"type": "string", "maxLength": 63, "default": "id", "description": "A column of int64"}
  }
})";

}  // namespace

// LEAT_SINGLE_WRITER: two instances would cut back each other's lines.
LEAT_PLUGIN("@name@", "1.0.0", "Apache-2.0",
            leat::sink<Lines>(leat::about{"@component@", "Writes a column to a file, a line for each row", config,
                                          LEAT_SINGLE_WRITER}
                                  .with_example("path: out.txt")))
