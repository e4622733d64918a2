// The manifest on disk: read, replaced as a whole, removed. Throws leat::error with the path, the reason and the
// remedy.
#pragma once

#include <leat/leat.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "descriptor.hpp"
#include "manifest.hpp"

namespace ndjson {

/// With its last slash, unless it is the current one.
inline std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// Sees the names in a directory safely on its device. Answers the error, or 0.
inline int sync_directory(const std::string& path) {
    const Descriptor directory(
        retried([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY); }));
    if (!directory.is_open()) return errno;
    if (retried([&] { return ::fsync(directory.get()); }) == 0) return 0;
    // Some file systems of other machines have no such call: what they renamed is as safe as they make it.
    return errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

/// PATH.leat of a data file.
class ManifestFile {
public:
    explicit ManifestFile(std::string data_path)
        : data_path_(std::move(data_path)), path_(data_path_ + ".leat"), next_path_(path_ + ".tmp") {}

    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] bool exists() const {
        struct stat status {};
        return ::lstat(path_.c_str(), &status) == 0;
    }

    /// Empty: there is none.
    [[nodiscard]] std::optional<Manifest> read() const {
        const std::string text = bytes();
        if (text.empty() && !exists()) return std::nullopt;
        if (std::optional<Manifest> found = Manifest::parse(text)) return found;
        if (Manifest::is_of_other_version(text)) {
            throw leat::error(LEAT_ERR_CONFIG, path_ + " is of another version than this leat writes, which is " +
                                                   std::string(Manifest::version) +
                                                   ": go on with the leat that wrote it");
        }
        throw leat::error(LEAT_ERR_CONFIG, path_ + ", which says how far " + data_path_ +
                                               " is committed, cannot be understood: it was cut or changed, or is no "
                                               "manifest of leat; restore it, or remove it and say mode: replace");
    }

    /// True: it is as store() has left it.
    [[nodiscard]] bool is(const Manifest& stored) const { return bytes() == stored.text(); }

    /// Replaces it as a whole. When this returns, the new one is there, also after a power cut. When it throws, the old
    /// one is there, except with BROKEN: then nobody knows which.
    void store(const Manifest& manifest, mode_t permissions) const {
        const WithoutWriteSignals without_signals;
        write_next(manifest.text(), permissions);
        // The commit point: before it the old length and token hold, behind it the new ones.
        if (::rename(next_path_.c_str(), path_.c_str()) != 0) {
            const int error = errno;
            if (error == EIO) outcome_unknown(error);
            ::unlink(next_path_.c_str());
            fail(error, "cannot replace " + path_);
        }
        // Without this a power cut could bring the old manifest back, after the source has been told to forget the
        // rows.
        if (const int error = sync_directory(directory_of(path_)); error != 0) outcome_unknown(error);
    }

    /// Throws what store() would, as far as can be known before.
    void check_place() const {
        struct stat status {};
        if (::stat(path_.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) fail(EISDIR, "");
        const std::string directory = directory_of(path_);
        // To see a directory safely on its device it must be opened for reading.
        if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | R_OK | X_OK, AT_EACCESS) != 0) {
            fail(errno, "cannot write " + path_);
        }
    }

    void remove() const {
        ::unlink(next_path_.c_str());
        if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail(errno, "cannot remove " + path_);
    }

private:
    [[noreturn]] void fail(int error, const std::string& doing) const {
        switch (error) {
            case EISDIR:
                throw leat::error(LEAT_ERR_CONFIG, path_ + " is a directory, where the manifest of " + data_path_ +
                                                       " is due: move it away, or use another path");
            case EEXIST:
                throw leat::error(LEAT_ERR_CONFIG, next_path_ + " is in the way of the manifest of " + data_path_ +
                                                       ": move it away, or use another path");
            case EACCES:
            case EPERM:
            case EROFS:
                throw leat::error(LEAT_ERR_CONFIG, doing + ", the manifest of " + data_path_ + ": " +
                                                       std::strerror(error) +
                                                       ": give the user that runs leat the right to read and write the "
                                                       "directory " +
                                                       directory_of(path_) + ", or use another path");
            default:
                throw_errno(error, doing);
        }
    }

    [[noreturn]] void outcome_unknown(int error) const {
        throw leat::error(LEAT_ERR_BROKEN,
                          "cannot tell whether " + path_ + " was replaced: " + std::strerror(error) + remedy(error));
    }

    /// Its bytes, as far as a manifest may have some; none if it is not there.
    [[nodiscard]] std::string bytes() const {
        const Descriptor file(
            retried([&] { return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); }));
        if (!file.is_open() && errno == ENOENT) return {};
        if (!file.is_open()) fail(errno, "cannot read " + path_);
        // A token has 4 KiB at most.
        std::string bytes(std::size_t{64} << 10, '\0');
        const ssize_t count = retried([&] { return ::pread(file.get(), bytes.data(), bytes.size(), 0); });
        if (count < 0) fail(errno, "cannot read " + path_);
        bytes.resize(static_cast<std::size_t>(count));
        return bytes;
    }

    void write_next(std::string_view text, mode_t permissions) const {
        // What a run that was killed has left.
        ::unlink(next_path_.c_str());
        const Descriptor file(retried([&] {
            return ::open(next_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, permissions);
        }));
        if (!file.is_open()) fail(errno, "cannot write " + next_path_);
        off_t written = 0;
        while (!text.empty()) {
            const ssize_t count = retried([&] { return ::pwrite(file.get(), text.data(), text.size(), written); });
            if (count < 0) give_up_next();
            written += count;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
        // Else the name could be on the device before the bytes.
        if (retried([&] { return ::fdatasync(file.get()); }) != 0) give_up_next();
    }

    [[noreturn]] void give_up_next() const {
        const int error = errno;
        ::unlink(next_path_.c_str());
        fail(error, "cannot write " + next_path_);
    }

    // Fixed after construction.
    std::string data_path_;
    std::string path_;
    std::string next_path_;
};

}  // namespace ndjson
