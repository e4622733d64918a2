#include "sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace csv {
namespace {

constexpr std::size_t block_size = 256 * 1024;

[[noreturn]] void refuse(std::string text) {
    throw leat::error(LEAT_ERR_CONFIG, std::move(text));
}

std::string cause(int error) {
    return std::generic_category().message(error);
}

std::string directory_of(std::string const& path) {
    std::size_t const slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

char const* remedy(int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return "; free some space, or write elsewhere, and run again";
        case EFBIG:
            return "; the file reached the size limit of its file system, or of ulimit -f";
        case EACCES:
        case EPERM:
            return "; let this user write there, or use another path";
        case EROFS:
            return "; the file system is read-only: use another path";
        case EPIPE:
            return "; the program that reads it has ended";
        case EIO:
            return "; the device fails: look at the system's log";
        default:
            return "";
    }
}

/// A column of a batch, with what its cells need looked up once.
struct OutColumn {
    leat::array_view view;
    leat::type_info type;
    bool has_nulls;
    std::int32_t const* offsets = nullptr;  // of text with 32-bit offsets, the most frequent kind
    char const* bytes = nullptr;
    std::size_t readable = 0;  // of bytes

    explicit OutColumn(leat::array_view const& values)
        : view(values), type(values.type()), has_nulls(values.has_nulls()) {
        if (type.id == leat::kind::utf8 && view.size() > 0) {
            offsets = view.buffer<std::int32_t>(1) + view.offset();
            bytes = view.buffer<char>(2);
            readable = static_cast<std::size_t>(offsets[view.size()]);
        }
    }
};

}  // namespace

Sink::Sink(leat::context& ctx)
    : path_(ctx.text("/path")), field_(','), delimiter_(','), header_(ctx.boolean("/header", true)) {
    std::string const delimiter = ctx.text("/delimiter", ",");
    delimiter_ = delimiter == "\\t" ? '\t' : delimiter.size() == 1 ? delimiter[0] : '\0';
    if (delimiter_ == '\0' || delimiter_ == '"' || delimiter_ == '\n' || delimiter_ == '\r' ||
        (delimiter_ & 0x80) != 0) {
        refuse("option delimiter: \"" + delimiter + "\" is not one ASCII character other than a quote or a line break");
    }
    field_ = FieldWriter(delimiter_);
    std::string const mode = ctx.text("/mode", "create");
    mode_ = mode == "append" ? Mode::append : mode == "replace" ? Mode::replace : Mode::create;
}

Sink::~Sink() {
    if (fd_ >= 0) ::close(fd_);
}

/// Looks whether the file can be made, and makes nothing.
void Sink::open(leat::context&) {
    struct stat status {};
    std::string const directory = directory_of(path_);
    if (::stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        int const error = errno == ENOENT || errno == 0 ? ENOENT : errno == EACCES ? EACCES : ENOTDIR;
        refuse("cannot write " + path_ + ": the directory " + directory + ": " + cause(error) +
               "; create it with mkdir -p " + directory + ", or use another path");
    }
    bool const exists = ::stat(path_.c_str(), &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) refuse(path_ + " is a directory; path names the file to write");
    if (exists && S_ISREG(status.st_mode) && mode_ == Mode::create) {
        refuse(path_ + " exists; set mode to append or replace, or use another path");
    }
    if (::access(exists ? path_.c_str() : directory.c_str(), W_OK) != 0) fail(errno, "write");
}

void Sink::open_file() {
    struct stat status {};
    bool const special = ::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
    int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_CREAT;
    if (special) {
        flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
    } else if (mode_ == Mode::create) {
        flags |= O_EXCL;
    } else if (mode_ == Mode::replace) {
        flags |= O_TRUNC;
    }
    do
        fd_ = ::open(path_.c_str(), flags, 0666);
    while (fd_ < 0 && errno == EINTR);
    if (fd_ < 0 && errno == EEXIST) refuse(path_ + " exists; set mode to append or replace, or use another path");
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) fail(errno, "create");
    can_cut_ = S_ISREG(status.st_mode);
    written_ = committed_ = can_cut_ ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void Sink::begin(leat::context&, leat_bucket const&) {
    if (fd_ < 0) open_file();
    text_.truncate(0);
}

void Sink::write(leat::context&, leat::batch& batch) {
    if (fd_ < 0) open_file();
    if (batch.schema_handle() != schema_) {
        std::string const columns = header_of(batch.schema());
        if (schema_ == nullptr) {
            columns_ = columns;
            if (header_ && !header_written_) {
                if (written_ == 0) {
                    text_.append(columns_);
                } else {
                    check_header(columns_);
                }
                header_written_ = true;
            }
        } else if (columns != columns_) {
            throw leat::error(LEAT_ERR_FATAL,
                              "the columns changed within the run: a CSV file has one set of columns, and " + path_ +
                                  " was begun with " + columns_.substr(0, columns_.size() - 1) + ", not " +
                                  columns.substr(0, columns.size() - 1));
        }
        schema_ = batch.schema_handle();
    }
    if (header_ && !header_written_) {  // it was cut off with an aborted bucket
        text_.append(columns_);
        header_written_ = true;
    }
    write_rows(batch);
    // All of it now: nothing is left that could go wrong in commit.
    flush();
}

void Sink::commit(leat::context&, leat_bucket const&) {
    committed_ = written_;
    header_committed_ = header_written_;
}

void Sink::abort(leat::context& ctx, leat_bucket const&) {
    text_.truncate(0);
    if (fd_ < 0 || written_ == committed_) return;
    if (can_cut_ && ::ftruncate(fd_, static_cast<off_t>(committed_)) == 0) {
        written_ = committed_;
        header_written_ = header_committed_;
        return;
    }
    ctx.log(LEAT_LOG_ERROR, can_cut_ ? "cannot cut " + path_ + " back to byte " + std::to_string(committed_) + ": " +
                                           cause(errno) + "; rows after that were not committed"
                                     : path_ + " is not a regular file: rows of a bucket that failed stay in it");
}

void Sink::close(leat::context& ctx) {
    if (fd_ < 0) return;
    // Some file systems tell only now that they could not keep what they took.
    if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) {
        ctx.log(LEAT_LOG_ERROR, "cannot close " + path_ + ": " + cause(errno) + "; its last rows may be missing");
    }
}

/// The header of the file that is appended to must be ours.
void Sink::check_header(std::string const& header) const {
    std::string found(header.size() + 3, '\0');
    ssize_t const count = ::pread(fd_, found.data(), found.size(), 0);
    if (count < 0) fail(errno, "read");
    found.resize(static_cast<std::size_t>(count));
    if (found.starts_with("\xef\xbb\xbf")) found.erase(0, 3);
    std::string const ours = header.substr(0, header.size() - 1);
    found = found.substr(0, std::min(found.find_first_of("\r\n"), found.size()));
    if (found != ours) {
        refuse("cannot append to " + path_ + ": it begins with \"" + found + "\", and the columns to write are \"" +
               ours + "\"; append to a file of the same columns, or use another path");
    }
}

std::string Sink::header_of(leat::schema_view const& schema) const {
    TextBuffer out;
    for (int i = 0; i < schema.size(); ++i) {
        if (i > 0) out.append(delimiter_);
        field_.append(out, schema[i].name(), schema[i].name().size());
    }
    out.append('\n');
    return std::string(out.view());
}

void Sink::write_rows(leat::batch& batch) {
    using leat::kind;
    std::vector<OutColumn> columns;
    for (int i = 0; i < batch.columns(); ++i) {
        columns.emplace_back(batch.column(i));
        if (columns.back().type.id == kind::other) {
            throw leat::error(LEAT_ERR_UNSUPPORTED,
                              "column \"" + std::string(columns.back().view.schema().name()) + "\" is of Arrow type " +
                                  columns.back().view.schema().format() +
                                  ", which the csv sink cannot write; leave it out, or convert it");
        }
    }
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
        bool first = true;
        for (OutColumn const& column : columns) {
            if (!std::exchange(first, false)) text_.append(delimiter_);
            if (column.has_nulls && !column.view.valid(row)) continue;
            switch (column.type.id) {
                case kind::null:
                    break;
                case kind::utf8: {
                    auto const begin = static_cast<std::size_t>(column.offsets[row]);
                    auto const end = static_cast<std::size_t>(column.offsets[row + 1]);
                    field_.append(text_, {column.bytes + begin, end - begin}, column.readable - begin);
                    break;
                }
                case kind::large_utf8: {
                    std::string_view const text = leat::column<std::string_view>(column.view)[row];
                    field_.append(text_, text, text.size());
                    break;
                }
                case kind::binary:
                case kind::large_binary:
                case kind::fixed_binary: {
                    std::string_view const bytes = leat::column<std::string_view>(column.view)[row];
                    if (bytes.empty()) {
                        text_.append("\"\"");
                        break;
                    }
                    char* const to = text_.room((bytes.size() + 2) / 3 * 4);
                    text_.advance(static_cast<std::size_t>(put_base64(to, bytes) - to));
                    break;
                }
                case kind::list:
                case kind::large_list:
                case kind::structure:
                case kind::map:
                    scratch_.clear();
                    JsonText::append(scratch_, column.view, row);
                    field_.append(text_, scratch_, scratch_.size());
                    break;
                default: {
                    char* const begin = text_.room(longest_value);
                    char* end = begin;
                    put_scalar(end, column.view, row);
                    text_.advance(static_cast<std::size_t>(end - begin));
                }
            }
        }
        text_.append('\n');
        if (text_.size() >= block_size) flush();
    }
}

void Sink::flush() {
    std::string_view rest = text_.view();
    while (!rest.empty()) {
        ssize_t const count = can_cut_ ? ::pwrite(fd_, rest.data(), rest.size(), static_cast<off_t>(written_))
                                       : ::write(fd_, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(errno, "write");
        written_ += static_cast<std::uint64_t>(count);
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    text_.truncate(0);
}

void Sink::fail(int error, char const* doing) const {
    throw leat::error(error == EIO ? LEAT_ERR_FATAL : LEAT_ERR_CONFIG,
                      "cannot " + std::string(doing) + " " + path_ + ": " + cause(error) + remedy(error));
}

}  // namespace csv
