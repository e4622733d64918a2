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

#include "descriptor.hpp"

namespace ndjson {

enum class WriteMode { create, append, replace };

/// One output file. Regular files are written as text comes in and cut back on abort(); of anything else (a pipe, a
/// device), which cannot be cut back, nothing is written before commit().
class OutputFile {
public:
    static OutputFile open(const std::string& path, WriteMode mode) {
        OutputFile file;
        file.path_ = path;
        int flags = O_CLOEXEC | O_CREAT | O_NOCTTY;
        // Append needs to read: the last line may lack its end.
        flags |= mode == WriteMode::append ? O_RDWR : O_WRONLY;
        if (mode == WriteMode::create) flags |= O_EXCL;
        if (mode == WriteMode::replace) flags |= O_TRUNC;
        // A pipe or a device has nothing that could be overwritten, and must not make this wait.
        if (is_special(path)) flags = O_CLOEXEC | O_NOCTTY | O_WRONLY | O_NONBLOCK;
        const int fd = retried([&] { return ::open(path.c_str(), flags, 0666); });
        if (fd < 0) file.fail_open(errno);
        file.fd_ = Descriptor(fd);
        struct stat status {};
        if (::fstat(fd, &status) != 0) throw_errno(errno, "cannot look at " + path);
        file.cuttable_ = S_ISREG(status.st_mode);
        if (file.cuttable_ && mode == WriteMode::append) file.go_to_end(status.st_size);
        return file;
    }

    /// The next bytes of the bucket. They may come in any portions; each costs a system call.
    void write(const leat::context& ctx, std::string_view text) {
        if (!cuttable_) return write_waiting(ctx, fd_.get(), path_, text);
        while (!text.empty()) {
            const ssize_t count = retried([&] { return ::pwrite(fd_.get(), text.data(), text.size(), written_); });
            if (count < 0) throw_errno(errno, "cannot write to " + path_);
            written_ += count;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    /// What was written so far stays.
    void commit() { committed_ = written_; }
    /// Cuts off what was written since the last commit. False, with errno set: it could not.
    [[nodiscard]] bool abort() {
        if (!cuttable_ || written_ == committed_) return true;
        written_ = committed_;
        return retried([&] { return ::ftruncate(fd_.get(), committed_); }) == 0;
    }
    /// Sees the file safely on its device. False, with errno set: the device did not take it.
    [[nodiscard]] bool sync() {
        return !cuttable_ || retried([&] { return ::fsync(fd_.get()); }) == 0;
    }
    /// Takes away a file in which nothing was committed, so that the next run does not find it in its way.
    void remove_if_empty() {
        if (cuttable_ && committed_ == 0) ::unlink(path_.c_str());
    }
    /// False: what is written cannot be taken back.
    [[nodiscard]] bool can_be_cut() const { return cuttable_; }
    /// True when the file ended, before this run, in a line without a line end.
    [[nodiscard]] bool lacks_line_end() const { return lacks_line_end_ && written_ == committed_; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    static bool is_special(const std::string& path) {
        struct stat status {};
        return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
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
            case ENOENT: {
                const auto slash = path_.rfind('/');
                const std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
                throw leat::error(LEAT_ERR_CONFIG, "cannot create " + path_ + ": the directory " + directory +
                                                       " does not exist: create it (mkdir -p " + directory +
                                                       ") or use another path");
            }
            default:
                throw_errno(error, "cannot create " + path_);
        }
    }

    void go_to_end(off_t size) {
        written_ = size;
        committed_ = size;
        char last = '\n';
        if (size > 0 && retried([&] { return ::pread(fd_.get(), &last, 1, size - 1); }) != 1) {
            throw_errno(errno, "cannot read the end of " + path_);
        }
        lacks_line_end_ = last != '\n';
    }

    std::string path_;
    Descriptor fd_;
    bool cuttable_ = false;
    bool lacks_line_end_ = false;
    off_t written_ = 0;
    off_t committed_ = 0;
};

}  // namespace ndjson
