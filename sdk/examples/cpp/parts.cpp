// example.parts: a transactional sink that writes every bucket as one part, a directory with a file of NDJSON. The
// first page of leat/leat.hpp is a map of what there is.
//
// To learn from it: how rows and token become durable together (begin, write, commit, abort, recover), the fence
// against a second writer, several workers in one target, columns of several types and what is not taken of them.
//
// A worker writes a lane, and a lane is a directory. In it there is at any instant:
//
//   PATH/LANE/0000000001/rows.ndjson   a part: the rows of a bucket, a line each; missing when it had none
//   PATH/LANE/0000000001/token         and the token that was committed with them
//   PATH/LANE/0000000002/...           the part after it; the last one has the token that recover gives
//   PATH/LANE/.begun/                  what was begun and is not committed: nobody's, and removed by the next begin
//   PATH/LANE/.lock                    locked from begin to the end of commit or abort; empty
//
// Commit makes both files in .begun durable, and the directory .begun itself; then it renames .begun to the next
// number, and makes that durable. The rename is the commit: before it there is no new part and the old token is the
// last one, behind it rows and token are both there. There is no instant in between, so a process may be killed, and
// the power may fail, whenever they like. When a step fails, the next instance finds by recover on which side of the
// rename it was.
//
// Two writers of one lane: while one is between begin and commit the other does not get the lock, and later it finds
// another token than it was told. The kernel unlocks for a process that dies.
//
// Parts may be taken away once they are read, but for the last one of a lane: its token is the memory of what is there.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <leat/leat.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(leat_status status, const std::string& what, const fs::path& path, int error) {
    throw leat::error(status, "cannot " + what + " " + path.string() + ": " + std::strerror(error));
}
[[noreturn]] void fail(leat_status status, const std::string& what, const fs::path& path) {
    fail(status, what, path, errno);
}

std::string_view view(const leat_bytes& bytes) {
    return {bytes.size > 0 ? static_cast<const char*>(bytes.data) : "", bytes.size};
}

/// A file that is open, or not.
class File {
public:
    File() = default;
    File(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
    File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    File& operator=(File&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }

private:
    int fd_ = -1;
};

/// Makes durable which names a directory has.
void sync_directory(const fs::path& path, leat_status otherwise) {
    const File directory(path, O_RDONLY | O_DIRECTORY);
    if (!directory || (::fsync(directory.get()) != 0 && errno != EINVAL)) fail(otherwise, "sync", path);
}
/// Makes a directory, durably, unless it is there.
void make_directory(const fs::path& path, const std::string& what, leat_status otherwise) {
    const bool is_new = ::mkdir(path.c_str(), 0777) == 0;
    if (!is_new && errno != EEXIST) fail(otherwise, what, path);
    if (!is_new) return;
    const fs::path plain = path.has_filename() ? path : path.parent_path();  // without a slash behind it
    sync_directory(plain.has_parent_path() ? plain.parent_path() : fs::path("."), otherwise);
}
/// False: see errno.
bool write_all(const File& file, std::string_view data) {
    while (!data.empty()) {
        const auto n = ::write(file.get(), data.data(), data.size());
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) data.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// ---- Cells ----

std::int64_t floor_of(std::int64_t number, std::int64_t by) {
    return number / by - (number % by < 0 ? 1 : 0);
}
/// What is left then; not by multiplication, which may run over.
std::int64_t rest_of(std::int64_t number, std::int64_t by) {
    return number % by + (number % by < 0 ? by : 0);
}
/// Days from 1970-01-01 to the first of January of any year, in the Gregorian calendar.
std::int64_t first_day_of(std::int64_t year) {
    return 365 * year + floor_of(year - 1, 4) - floor_of(year - 1, 100) + floor_of(year - 1, 400) - 719527;
}
int digits_of(leat::time_unit unit) {
    switch (unit) {
        case leat::time_unit::milli:
            return 3;
        case leat::time_unit::micro:
            return 6;
        case leat::time_unit::nano:
            return 9;
        default:
            return 0;
    }
}
/// As in 2000-10-10T20:55:36.000000Z; the Z only where the column has a zone: then its values are in UTC.
std::string time_text(std::int64_t value, const leat::type_info& type) {
    constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int digits = digits_of(type.unit);
    std::int64_t per_second = 1;
    for (int i = 0; i < digits; ++i)
        per_second *= 10;
    const auto seconds = floor_of(value, per_second), fraction = rest_of(value, per_second);
    const auto days = floor_of(seconds, 86400), of_day = rest_of(seconds, 86400);
    auto year = 1970 + floor_of(days * 400, 146097);  // at most one too many or too few
    while (first_day_of(year) > days)
        --year;
    while (first_day_of(year + 1) <= days)
        ++year;
    auto day = static_cast<int>(days - first_day_of(year));
    const bool is_leap = first_day_of(year + 1) - first_day_of(year) == 366;
    int month = 0;
    for (int length = 31; day >= length; length = lengths[month] + (month == 1 && is_leap ? 1 : 0)) {
        day -= length;
        ++month;
    }
    char text[80];
    int n = std::snprintf(text, sizeof text, "%s%04lld-%02d-%02dT%02d:%02d:%02d", year < 0 ? "-" : "",
                          static_cast<long long>(std::abs(year)), month + 1, day + 1, static_cast<int>(of_day / 3600),
                          static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60));
    if (digits > 0)
        n += std::snprintf(text + n, sizeof text - static_cast<std::size_t>(n), ".%0*lld", digits,
                           static_cast<long long>(fraction));
    return std::string(text, static_cast<std::size_t>(n)) + (type.zone.empty() ? "" : "Z");
}

void append_text(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
            char escaped[8];
            out.append(escaped, static_cast<std::size_t>(std::snprintf(escaped, sizeof escaped, "\\u%04X", byte)));
        } else {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
    }
    out += '"';
}

void append_cell(std::string& out, const leat::array_view& column, std::int64_t row) {
    if (!column.valid(row)) {
        out += "null";
        return;
    }
    const auto type = column.type();
    switch (type.id) {
        case leat::kind::int32:
            out += std::to_string(leat::column<std::int32_t>(column)[row]);
            break;
        case leat::kind::int64:
            out += std::to_string(leat::column<std::int64_t>(column)[row]);
            break;
        case leat::kind::utf8:
            append_text(out, leat::column<std::string_view>(column)[row]);
            break;
        default:
            out += '"' + time_text(leat::column<std::int64_t>(column)[row], type) + '"';
    }
}

void check_columns(const leat::schema_view& schema) {
    for (int i = 0; i < schema.size(); ++i) {
        const ArrowSchema& column = schema[i].raw();
        const auto id = schema[i].type().id;
        const bool is_taken =
            id == leat::kind::int32 || id == leat::kind::int64 || id == leat::kind::utf8 || id == leat::kind::timestamp;
        if (is_taken && column.dictionary == nullptr) continue;
        throw leat::error(LEAT_ERR_UNSUPPORTED,
                          std::string("column \"") + column.name + "\" has the Arrow type \"" + column.format + "\"" +
                              (column.dictionary != nullptr ? " with a dictionary" : "") +
                              "; int32, int64, utf8 and timestamps are taken: convert it, or leave it out");
    }
}

// ---- The sink ----

class Parts {
public:
    explicit Parts(leat::context& ctx) : path_(ctx.text("/path")) {}

    void open(leat::context&) {
        make_directory(path_, "make the directory", LEAT_ERR_CONFIG);
        if (!fs::is_directory(path_)) fail(LEAT_ERR_CONFIG, "make the directory", path_, ENOTDIR);
    }
    void close(leat::context&) { unlock(); }

    std::string recover(leat::context&, std::string_view lane) {
        enter(lane);
        return last_token();
    }

    void begin(leat::context&, const leat_bucket& bucket) {
        unlock();
        text_.clear();
        enter(bucket.lane);
        make_directory(lane_, "make", LEAT_ERR_RETRY);
        File lock(lane_ / ".lock", O_RDWR | O_CREAT);
        if (!lock) fail(LEAT_ERR_RETRY, "open", lane_ / ".lock");
        if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) fail(LEAT_ERR_RETRY, "lock", lane_ / ".lock");
            throw leat::error(LEAT_ERR_FATAL, "fenced: another writer has begun a part in " + lane_.string());
        }
        if (last_token() != view(bucket.prev)) {
            throw leat::error(LEAT_ERR_FATAL,
                              "fenced: the last part in " + lane_.string() +
                                  " is not the one that is due: another host writes this lane, or parts "
                                  "were taken away");
        }
        std::error_code error;
        fs::remove_all(begun(), error);
        if (error) fail(LEAT_ERR_RETRY, "remove", begun(), error.value());
        if (::mkdir(begun().c_str(), 0777) != 0) fail(LEAT_ERR_RETRY, "make", begun());
        lock_ = std::move(lock);
    }

    void write(leat::context&, leat::batch& in) {
        check_columns(in.schema());
        for (std::int64_t row = 0; row < in.rows(); ++row) {
            text_ += '{';
            for (int i = 0; i < in.columns(); ++i) {
                if (i > 0) text_ += ',';
                append_text(text_, in.schema()[i].name());
                text_ += ':';
                append_cell(text_, in.column(i), row);
            }
            text_ += "}\n";
            if (text_.size() >= 1U << 16) flush(LEAT_ERR_RETRY);
        }
    }

    // Any failure is BROKEN: what a file holds whose fsync has failed is not known, and behind a rename that was not
    // made durable neither is that. A new instance asks recover, and the bucket is written anew if it must.
    void commit(leat::context&, const leat_bucket& bucket) {
        if (!text_.empty()) flush(LEAT_ERR_BROKEN);
        if (rows_ && ::fsync(rows_.get()) != 0) fail(LEAT_ERR_BROKEN, "sync", begun() / "rows.ndjson");
        const File token(begun() / "token", O_WRONLY | O_CREAT | O_EXCL);
        if (!token || !write_all(token, view(bucket.token)) || ::fsync(token.get()) != 0)
            fail(LEAT_ERR_BROKEN, "write the token in", begun());
        sync_directory(begun(), LEAT_ERR_BROKEN);
        if (::rename(begun().c_str(), part(last_ + 1).c_str()) != 0)
            fail(LEAT_ERR_BROKEN, "rename .begun to", part(last_ + 1));
        sync_directory(lane_, LEAT_ERR_BROKEN);
        ++last_;
        unlock();
    }

    // What cannot be removed here is removed by the next begin.
    void abort(leat::context&, const leat_bucket&) {
        text_.clear();
        std::error_code ignored;
        if (lock_) fs::remove_all(begun(), ignored);  // it is ours only as long as the lock is
        unlock();
    }

private:
    fs::path begun() const { return lane_ / ".begun"; }
    fs::path part(std::int64_t number) const {
        char name[32];
        std::snprintf(name, sizeof name, "%010lld", static_cast<long long>(number));
        return lane_ / name;
    }
    void unlock() {
        rows_ = File();
        lock_ = File();
    }

    /// A name of any bytes becomes one of a directory; two names never become the same, nor one that begins with a dot.
    void enter(std::string_view lane) {
        std::string name;
        for (const char c : lane) {
            const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                  c == '_' || c == '-' || (c == '.' && !name.empty());
            char escaped[4];
            std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
            name += is_plain ? std::string(1, c) : std::string(escaped);
        }
        if (name.size() > 252) {
            throw leat::error(LEAT_ERR_CONFIG,
                              "the name of the lane is too long for a directory: give the pipeline a shorter one");
        }
        const fs::path whole = path_ / (name.empty() ? "%" : name);  // % alone is the name of none
        if (whole != lane_) last_ = -1;
        lane_ = whole;
    }

    /// Finds the last part: by looking through the directory once, and then for those that came after it.
    void find_last() {
        std::error_code error;
        if (last_ < 0) {
            std::int64_t last = 0;
            fs::directory_iterator entry(lane_, error);
            for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
                const auto name = entry->path().filename().string();
                if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
                    name.size() < 19)
                    last = std::max<std::int64_t>(last, std::stoll(name));
            }
            if (error && error != std::errc::no_such_file_or_directory)
                fail(LEAT_ERR_RETRY, "read", lane_, error.value());
            last_ = last;
        }
        while (fs::exists(part(last_ + 1), error))
            ++last_;
    }
    /// Without a part it is empty.
    std::string last_token() {
        find_last();
        if (last_ == 0) return {};
        const auto path = part(last_) / "token";
        const File file(path, O_RDONLY);
        if (!file) fail(errno == ENOENT ? LEAT_ERR_FATAL : LEAT_ERR_RETRY, "open", path);
        std::string out;
        char some[4096];
        for (ssize_t n = 1; n != 0;) {
            n = ::read(file.get(), some, sizeof some);
            if (n < 0 && errno != EINTR) fail(LEAT_ERR_RETRY, "read", path);
            if (n > 0) out.append(some, static_cast<std::size_t>(n));
        }
        return out;
    }

    void flush(leat_status otherwise) {
        const auto path = begun() / "rows.ndjson";
        if (!rows_) rows_ = File(path, O_WRONLY | O_CREAT | O_EXCL);
        if (!rows_ || !write_all(rows_, text_)) fail(otherwise, "write", path);
        text_.clear();
    }

    fs::path path_, lane_;    // PATH, and PATH/LANE
    std::int64_t last_ = -1;  // number of the last part that is known in the lane; -1: not looked for yet
    File lock_, rows_;
    std::string text_;  // rows that are not in the file yet
};

constexpr auto config = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["path"],
  "properties": {
    "path": {"type": "string", "minLength": 1, "maxLength": 1000,
             "description": "The directory; it is made, but not the one that it is in"}
  }
})";

}  // namespace

LEAT_PLUGIN("example-parts", "1.0.0", "Apache-2.0",
            leat::sink<Parts>(leat::about{"example.parts",
                                          "Writes every bucket as one part: a directory with a file of NDJSON", config,
                                          LEAT_TRANSACTIONAL | LEAT_DETERMINISTIC}
                                  .with_example("path: parts")))
