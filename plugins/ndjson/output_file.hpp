// A file that a sink fills bucket by bucket: what a bucket wrote stays once it is committed, and is cut off when it is
// not. Throws leat::error with the path, the system's reason and the remedy.
#pragma once

#include <leat/leat.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "descriptor.hpp"

namespace ndjson {

enum class WriteMode { create, append, replace };

inline WriteMode write_mode_named(std::string_view name) {
    if (name == "append") return WriteMode::append;
    return name == "replace" ? WriteMode::replace : WriteMode::create;
}

/// One output file. Regular files are written as text comes in and cut back on abort(); of anything else (a pipe, a
/// device), which cannot be cut back, nothing should be written before commit().
class OutputFile {
public:
    OutputFile(std::string path, WriteMode mode) : path_(std::move(path)), mode_(mode) {}

    /// Looks whether begin() will be able to do its work. Changes nothing: to open a pipeline is not to run it.
    void check() const {
        struct stat status {};
        const bool exists = ::stat(path_.c_str(), &status) == 0;
        if (!exists && errno != ENOENT) fail_open(errno);
        if (exists && S_ISDIR(status.st_mode)) fail_open(EISDIR);
        if (exists && S_ISREG(status.st_mode) && mode_ == WriteMode::create) fail_open(EEXIST);
        const std::string directory = this->directory();
        if (!exists && ::stat(directory.c_str(), &status) != 0) fail_open(errno);
        const std::string& target = exists ? path_ : directory;
        if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) fail_open(errno);
    }

    /// Makes the file, or empties it, or goes to its end, as the mode says; the first call does, the others do nothing.
    void begin() {
        if (fd_.is_open()) return;
        int flags = O_CLOEXEC | O_CREAT | O_NOCTTY;
        // Append needs to read: the last line may lack its end.
        flags |= mode_ == WriteMode::append ? O_RDWR : O_WRONLY;
        if (mode_ == WriteMode::create) flags |= O_EXCL;
        if (mode_ == WriteMode::replace) flags |= O_TRUNC;
        // A pipe or a device has nothing that could be overwritten, and must not make this wait.
        if (is_special()) flags = O_CLOEXEC | O_NOCTTY | O_WRONLY | O_NONBLOCK;
        Descriptor fd(retried([&] { return ::open(path_.c_str(), flags, 0666); }));
        if (!fd.is_open()) fail_open(errno);
        struct stat status {};
        if (::fstat(fd.get(), &status) != 0) throw_errno(errno, "cannot look at " + path_);
        cuttable_ = S_ISREG(status.st_mode);
        if (cuttable_ && mode_ == WriteMode::append) go_to_end(fd.get(), status.st_size);
        fd_ = std::move(fd);
    }

    /// The next bytes of the bucket. They may come in any portions; each costs a few system calls.
    void write(const leat::context& ctx, std::string_view text) {
        if (!cuttable_) return write_waiting(ctx, fd_.get(), path_, text);
        const WithoutWriteSignals without_signals;
        while (!text.empty()) {
            const ssize_t count = retried([&] { return ::pwrite(fd_.get(), text.data(), text.size(), written_); });
            if (count < 0) throw_errno(errno, "cannot write to " + path_);
            written_ += count;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    /// What was written so far stays.
    void commit() {
        committed_ = written_;
        any_committed_ = true;
    }
    /// Cuts off what was written since the last commit.
    void abort(const leat::context& ctx) {
        if (!cuttable_ || written_ == committed_) return;
        written_ = committed_;
        if (retried([&] { return ::ftruncate(fd_.get(), committed_); }) == 0) return;
        ctx.log(LEAT_LOG_ERROR, "cannot cut " + path_ + " back to its first " + std::to_string(committed_) +
                                    " bytes: " + std::strerror(errno) +
                                    "; what follows them is of a bucket that was not committed");
    }
    /// Sees the file safely on its device. One that was made for nothing is taken away, so that the next run does not
    /// find it in its way.
    void close(const leat::context& ctx) {
        if (!fd_.is_open()) return;
        if (cuttable_ && retried([&] { return ::fsync(fd_.get()); }) != 0) {
            ctx.log(LEAT_LOG_ERROR, "cannot flush " + path_ + " to its device: " + std::strerror(errno) +
                                        "; what was written last may be lost if the machine stops");
        }
        if (cuttable_ && mode_ == WriteMode::create && !any_committed_) ::unlink(path_.c_str());
        fd_ = Descriptor();
    }

    /// False: what is written cannot be taken back. Known after begin().
    [[nodiscard]] bool can_be_cut() const { return cuttable_; }
    /// Bytes in it, those of the bucket that is being written too; 0 for what is not a regular file.
    [[nodiscard]] std::int64_t size() const { return written_; }
    /// True at the end of a file that ended, before this run, in a line without a line end.
    [[nodiscard]] bool lacks_line_end() const { return lacks_line_end_ && !any_committed_ && written_ == committed_; }
    /// The first bytes of a file that is appended to, at most `count`.
    [[nodiscard]] std::string head(std::size_t count) const {
        std::string bytes(count, '\0');
        const ssize_t got = retried([&] { return ::pread(fd_.get(), bytes.data(), count, 0); });
        if (got < 0) throw_errno(errno, "cannot read the beginning of " + path_);
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    [[nodiscard]] bool is_special() const {
        struct stat status {};
        return ::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
    }
    [[nodiscard]] std::string directory() const {
        const auto slash = path_.rfind('/');
        return slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    }

    [[noreturn]] void fail_open(int error) const {
        switch (error) {
            case EEXIST:
                throw leat::error(LEAT_ERR_CONFIG, path_ +
                                                       " exists already: remove it, or say what to do with it by "
                                                       "mode: append or mode: replace");
            case ENXIO:
                throw leat::error(LEAT_ERR_CONFIG, path_ + " is a pipe that nobody reads: start its reader first");
            case EISDIR:
                throw leat::error(LEAT_ERR_CONFIG, path_ + " is a directory: path must name a file");
            case ENOENT:
                throw leat::error(LEAT_ERR_CONFIG, "cannot create " + path_ + ": the directory " + directory() +
                                                       " does not exist: create it (mkdir -p " + directory() +
                                                       ") or use another path");
            default:
                throw_errno(error, "cannot write to " + path_);
        }
    }

    void go_to_end(int fd, off_t size) {
        written_ = size;
        committed_ = size;
        char last = '\n';
        if (size > 0 && retried([&] { return ::pread(fd, &last, 1, size - 1); }) != 1) {
            throw_errno(errno, "cannot read the end of " + path_);
        }
        lacks_line_end_ = last != '\n';
    }

    // Fixed after construction.
    std::string path_;
    WriteMode mode_;

    Descriptor fd_;  ///< from begin() to close()
    bool cuttable_ = false;
    bool lacks_line_end_ = false;
    bool any_committed_ = false;
    off_t written_ = 0;
    off_t committed_ = 0;
};

}  // namespace ndjson
