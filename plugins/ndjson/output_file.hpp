// A file that a sink fills bucket by bucket: what a bucket wrote stays once it is committed, and is cut off when it is
// not. With tokens that also holds for a process that is killed: a manifest beside the file says how far it is
// committed, and a run that goes on cuts it back to there. Throws leat::error with the path, the reason and the remedy.
#pragma once

#include <leat/leat.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "descriptor.hpp"
#include "file_lock.hpp"
#include "manifest_file.hpp"

namespace ndjson {

enum class WriteMode { create, append, replace };

inline WriteMode write_mode_named(std::string_view name) {
    if (name == "append") return WriteMode::append;
    return name == "replace" ? WriteMode::replace : WriteMode::create;
}

/// One output file. Regular files are written as text comes in and cut back on abort(); of anything else (a pipe, a
/// device), which cannot be cut back, nothing should be written before commit(), and no token is kept.
class OutputFile {
public:
    OutputFile(std::string path, WriteMode mode) : path_(std::move(path)), mode_(mode), manifest_file_(path_) {}

    /// Looks whether begin() will be able to do its work. Changes nothing: to open a pipeline is not to run it.
    void check() const {
        struct stat status {};
        const bool exists = ::stat(path_.c_str(), &status) == 0;
        if (!exists && errno != ENOENT) fail_open(errno);
        if (exists && S_ISDIR(status.st_mode)) fail_open(EISDIR);
        // An empty file may be what a run left that was killed before it had a manifest; begin() knows more.
        if (exists && S_ISREG(status.st_mode) && mode_ == WriteMode::create && status.st_size > 0 &&
            !manifest_file_.exists()) {
            fail_open(EEXIST);
        }
        const std::string directory = directory_of(path_);
        if (!exists && ::stat(directory.c_str(), &status) != 0) fail_open(errno);
        const std::string& target = exists ? path_ : directory;
        if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) fail_open(errno);
    }

    /// The token of the last bucket that was committed; empty: none was. Changes nothing.
    std::string recover(std::string_view lane) {
        if (!can_keep_token()) {
            throw leat::error(LEAT_ERR_UNSUPPORTED, path_ +
                                                        " is not a regular file: what is in it cannot be cut back to "
                                                        "the last commit, so that no run can go on from there");
        }
        manifest_file_.check_place();
        const std::optional<Manifest> found = manifest_file_.read();
        if (found) {
            check_lane(*found, lane);
            const Descriptor fd(retried([&] { return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
            if (!fd.is_open() && errno != ENOENT) throw_errno(errno, "cannot read " + path_);
            check_committed(*found, fd.get());
        }
        recovered_ = found ? found->token : "";
        return *recovered_;
    }

    /// The first call makes the file, or gets ready to replace what is in it, or goes to its end, as the mode says, or
    /// goes on where the last commit was; each sees that nobody else has written.
    void begin(const leat::context& ctx, const leat_bucket& bucket) {
        if (!fd_.is_open()) {
            written_ = 0;
            committed_ = 0;
            any_committed_ = false;
            lacks_line_end_ = false;
            outcome_unknown_ = false;
            cut_due_ = false;
            made_ = false;
            with_tokens_ = bucket.token.size > 0 && can_keep_token();
            return with_tokens_ ? open_with_tokens(ctx, bucket) : open_without_tokens(ctx, bucket);
        }
        if (with_tokens_) check_turn(bucket);
        if (cut_due_) cut(out());
        if (with_tokens_ && !waits_to_replace()) check_size(committed_);
    }

    /// The next bytes of the bucket. They may come in any portions; each costs a few system calls.
    void write(const leat::context& ctx, std::string_view text) {
        if (!cuttable_) return write_waiting(ctx, fd_.get(), path_, text);
        const WithoutWriteSignals without_signals;
        written_ = put(out(), text, written_);
    }
    /// What was written so far stays, with the bucket's token; when this throws, it does not, except with BROKEN: then
    /// nobody knows.
    void commit(const leat_bucket& bucket) {
        if (waits_to_replace()) replace();
        if (with_tokens_) commit_token({static_cast<const char*>(bucket.token.data), bucket.token.size});
        committed_ = written_;
        any_committed_ = true;
    }
    /// Cuts off what was written since the last commit.
    void abort(const leat::context& ctx) {
        // When nobody knows whether the bucket is committed, its rows stay: the next run cuts them off, if it is not.
        if (!cuttable_ || written_ == committed_ || outcome_unknown_) return;
        written_ = committed_;
        cut_due_ = retried([&] { return ::ftruncate(out(), committed_); }) != 0;
        if (!cut_due_) return;
        ctx.log(LEAT_LOG_ERROR, "cannot cut " + path_ + " back to its first " + std::to_string(committed_) +
                                    " bytes: " + std::strerror(errno) +
                                    "; what follows them is of a bucket that was not committed");
    }
    /// Sees the file safely on its device. One that was made for nothing is taken away, so that the next run does not
    /// find it in its way.
    void close(const leat::context& ctx) {
        if (!fd_.is_open()) return;
        recovered_.reset();
        if (with_tokens_) abort(ctx);
        // With tokens every commit has done so.
        if (cuttable_ && !with_tokens_ && retried([&] { return ::fsync(fd_.get()); }) != 0) {
            ctx.log(LEAT_LOG_ERROR, "cannot flush " + path_ + " to its device: " + std::strerror(errno) +
                                        "; what was written last may be lost if the machine stops");
        }
        const bool for_nothing =
            with_tokens_ ? manifest_.token.empty() && !outcome_unknown_ && !cut_due_ : !any_committed_;
        if (for_nothing && !waits_to_replace()) take_back(ctx);
        spare_ = Descriptor();
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
    /// Writes all of the text at a place. Returns the place behind it.
    off_t put(int fd, std::string_view text, off_t at) const {
        while (!text.empty()) {
            const ssize_t count = retried([&] { return ::pwrite(fd, text.data(), text.size(), at); });
            if (count < 0) throw_errno(errno, "cannot write to " + path_);
            at += count;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
        return at;
    }

    [[nodiscard]] bool is_special() const {
        struct stat status {};
        return ::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
    }
    /// A name that stands for an open descriptor, such as /dev/stdout, may lead to a file, but has no place beside it.
    [[nodiscard]] bool can_keep_token() const {
        const std::string_view path = path_;
        const auto begins = [path](std::string_view with) { return path.substr(0, with.size()) == with; };
        return !is_special() && !begins("/dev/std") && !begins("/dev/fd/") && !begins("/proc/");
    }
    [[nodiscard]] struct stat status_of(int fd) const {
        struct stat status {};
        if (::fstat(fd, &status) != 0) throw_errno(errno, "cannot look at " + path_);
        return status;
    }
    /// True: the path leads to the file that is open.
    [[nodiscard]] bool names(int fd) const {
        const struct stat opened = status_of(fd);
        struct stat named {};
        return ::stat(path_.c_str(), &named) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
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
                throw leat::error(LEAT_ERR_CONFIG, "cannot create " + path_ + ": the directory " + directory_of(path_) +
                                                       " does not exist: create it (mkdir -p " + directory_of(path_) +
                                                       ") or use another path");
            default:
                throw_errno(error, "cannot write to " + path_);
        }
    }

    void open_without_tokens(const leat::context& ctx, const leat_bucket& bucket) {
        if (is_special()) {
            // A pipe or a device has nothing that could be overwritten, and must not make this wait.
            Descriptor fd(retried([&] { return ::open(path_.c_str(), O_CLOEXEC | O_NOCTTY | O_WRONLY | O_NONBLOCK); }));
            if (!fd.is_open()) fail_open(errno);
            cuttable_ = false;
            fd_ = std::move(fd);
            return;
        }
        // A host may go on from an earlier run without tokens, too: what that one wrote is not replaced.
        const bool appends = mode_ == WriteMode::append || (mode_ == WriteMode::replace && bucket.id > 1);
        if (appends && manifest_file_.exists()) {
            throw leat::error(LEAT_ERR_CONFIG,
                              path_ + " is written by runs that keep their checkpoints in " + manifest_file_.path() +
                                  ", which would cut off what this one, which does not, appends: let it "
                                  "do so too, or remove " +
                                  manifest_file_.path() + " if no other is to go on");
        }
        // To append it needs to read: the last line may lack its end.
        const int access = appends ? O_RDWR : O_WRONLY;
        Opened opened = open_locked(ctx, access | (mode_ == WriteMode::create ? O_EXCL : 0));
        cuttable_ = opened.regular;
        if (cuttable_ && appends) go_to_end(opened.fd.get(), opened.size);
        made_ = opened.made;
        if (cuttable_ && !appends) {
            if (opened.size > 0) {
                wait_to_replace();
            } else {
                manifest_file_.remove();  // what it says is of a file that was here
            }
        }
        fd_ = std::move(opened.fd);
    }

    struct Opened {
        Descriptor fd;
        bool made = false;  ///< it was not there before
        bool regular = true;
        off_t size = 0;
        mode_t permissions = 0;
    };

    /// The file, made if need be, with nobody else writing to it.
    [[nodiscard]] Opened open_locked(const leat::context& ctx, int flags) const {
        flags |= O_CLOEXEC | O_NOCTTY | O_CREAT;
        for (int tries_left = 100;; --tries_left) {
            Opened out;
            out.fd = Descriptor(retried([&] { return ::open(path_.c_str(), flags | O_EXCL, 0666); }));
            out.made = out.fd.is_open();
            if (!out.made && (errno != EEXIST || (flags & O_EXCL) != 0)) fail_open(errno);
            if (!out.made) out.fd = Descriptor(retried([&] { return ::open(path_.c_str(), flags, 0666); }));
            if (!out.fd.is_open()) fail_open(errno);
            out.regular = S_ISREG(status_of(out.fd.get()).st_mode);
            if (!out.regular) return out;
            lock_file(ctx, out.fd.get(), path_);
            // Who held the lock may have taken the file away before letting go.
            if (!names(out.fd.get()) && tries_left > 0) continue;
            const struct stat status = status_of(out.fd.get());
            out.size = status.st_size;
            out.permissions = status.st_mode & 0666;
            return out;
        }
    }

    void open_with_tokens(const leat::context& ctx, const leat_bucket& bucket) {
        Opened opened = open_locked(ctx, O_RDWR);
        with_tokens_ = opened.regular;
        made_ = opened.made;
        try {
            if (opened.regular) go_on_or_begin(opened, bucket);
        } catch (...) {
            if (opened.made) ::unlink(path_.c_str());
            throw;
        }
        cuttable_ = opened.regular;
        fd_ = std::move(opened.fd);
    }

    void go_on_or_begin(const Opened& opened, const leat_bucket& bucket) {
        const int fd = opened.fd.get();
        const std::optional<Manifest> found = manifest_file_.read();
        if (found) check_lane(*found, bucket.lane);
        if (mode_ == WriteMode::create && opened.size > 0 && !(found && is_of_created(*found, bucket))) {
            fail_open(EEXIST);
        }
        // Buckets are numbered through all runs that go on from one another: the first one has none to go on from.
        const bool anew = bucket.id == 1 && (opened.made || mode_ == WriteMode::replace);
        check_fence(found, bucket, anew);
        first_prev_ = text_of(bucket.prev);
        permissions_ = opened.permissions;
        sync_linked_name();
        if (!found || anew) return begin_manifest(opened, bucket, found.has_value());
        check_committed(*found, opened.made ? -1 : fd);
        manifest_ = *found;
        go_to_end(fd, found->length);
        if (opened.size > found->length) cut(fd);
    }

    /// Mode create has made what is there, and this bucket goes on from it.
    static bool is_of_created(const Manifest& found, const leat_bucket& bucket) {
        // Without a token it is what a killed run has left of its first bucket, or a file that one has appended to.
        return found.token.empty() ? found.length == 0 : bucket.id > 1;
    }

    void begin_manifest(const Opened& opened, const leat_bucket& bucket, bool manifest_found) {
        const int fd = opened.fd.get();
        if (mode_ == WriteMode::replace && bucket.id > 1 && opened.size > 0 && !manifest_found) {
            throw leat::error(LEAT_ERR_CONFIG,
                              path_ + " was begun by an earlier run, and its manifest " + manifest_file_.path() +
                                  ", which says how far it is committed, is gone; restore it, or start "
                                  "afresh with --fresh");
        }
        Manifest begun;
        begun.lane = bucket.lane;
        if (mode_ == WriteMode::append && opened.size > 0) {
            go_to_end(fd, opened.size);
            // What others wrote must be there as long as the manifest says that it is.
            if (retried([&] { return ::fdatasync(fd); }) != 0) fail_flush();
            begun.length = opened.size;
            begun.tail = tail_before(fd, opened.size);
        }
        manifest_ = std::move(begun);
        if (opened.size > written_ && mode_ == WriteMode::replace) return wait_to_replace();
        // Before the first row is written: a run that is killed in its first bucket is found out by this.
        manifest_file_.store(manifest_, permissions_);
        if (opened.size > written_) cut(fd);
    }

    /// What is here stays until the first bucket that replaces it is committed; its rows wait in a file without a name.
    void wait_to_replace() {
        for (const std::string& directory : {directory_of(path_), std::string("/tmp")}) {
            spare_ =
                Descriptor(retried([&] { return ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }));
            if (spare_.is_open()) return;
        }
        throw_errno(errno, "cannot make a file for the rows that are to replace " + path_);
    }
    [[nodiscard]] bool waits_to_replace() const { return spare_.is_open(); }
    /// Where rows are written to.
    [[nodiscard]] int out() const { return waits_to_replace() ? spare_.get() : fd_.get(); }

    void replace() {
        // A run that is killed from here on is found out by the manifest of a lane that has only begun.
        if (with_tokens_) {
            manifest_file_.store(manifest_, permissions_);
        } else {
            manifest_file_.remove();
        }
        const auto empty = [&] { return retried([&] { return ::ftruncate(fd_.get(), 0); }); };
        if (empty() != 0) throw_errno(errno, "cannot remove what was in " + path_);
        try {
            std::string block(std::size_t{256} << 10, '\0');
            for (off_t at = 0; at < written_;) {
                const ssize_t got = retried([&] { return ::pread(spare_.get(), block.data(), block.size(), at); });
                if (got <= 0) throw_errno(got == 0 ? EIO : errno, "cannot read the rows that are to replace " + path_);
                put(fd_.get(), std::string_view(block).substr(0, static_cast<std::size_t>(got)), at);
                at += got;
            }
        } catch (...) {
            static_cast<void>(empty());
            throw;
        }
        spare_ = Descriptor();
    }

    void commit_token(std::string_view token) {
        if (token.empty()) {
            throw leat::error(LEAT_ERR_FATAL, "a bucket for " + path_ +
                                                  " came without a token, though the run began with one: "
                                                  "this is a bug of the host");
        }
        Manifest next = manifest_;
        next.token = token;
        if (written_ != committed_) {
            if (!names(fd_.get())) {
                throw leat::error(LEAT_ERR_CONFIG,
                                  path_ +
                                      " was moved, removed or exchanged while it was written: leave it "
                                      "in its place until the run has ended, and run again");
            }
            check_size(written_);
            if (retried([&] { return ::fdatasync(fd_.get()); }) != 0) fail_flush();
            next.length = written_;
            next.tail = tail_before(fd_.get(), written_);
        }
        try {
            manifest_file_.store(next, permissions_);
        } catch (const leat::error& e) {
            outcome_unknown_ = e.status == LEAT_ERR_BROKEN;
            throw;
        }
        manifest_ = std::move(next);
    }

    [[noreturn]] void fail_flush() const { throw_errno(errno, "cannot flush " + path_ + " to its device"); }

    void check_lane(const Manifest& found, std::string_view lane) const {
        if (found.lane == lane) return;
        throw leat::error(LEAT_ERR_CONFIG, path_ + " is written by lane '" + found.lane + "', as " +
                                               manifest_file_.path() + " says, and not by '" + std::string(lane) +
                                               "': use another path, or, if the pipeline has a new name, remove " +
                                               manifest_file_.path() + " and say mode: append or mode: replace");
    }

    /// Holds what is in the file against what was committed. `fd` is negative when there is no file.
    void check_committed(const Manifest& found, int fd) const {
        const std::string remedy =
            "; restore it, or remove " + manifest_file_.path() + " and start afresh with --fresh";
        const std::string committed = std::to_string(found.length) + " bytes were committed";
        if (fd < 0 && found.length > 0) {
            throw leat::error(LEAT_ERR_CONFIG, path_ + " is not there any more: " + committed + remedy);
        }
        if (fd < 0) return;
        const off_t size = status_of(fd).st_size;
        const bool shorter = size < found.length;
        if (!shorter && tail_before(fd, found.length) == found.tail) return;
        throw leat::error(LEAT_ERR_CONFIG, path_ + " is not the file that was written: " + committed + ", " +
                                               std::to_string(size) + " are there" +
                                               (shorter ? "" : ", and what was committed does not end as it did") +
                                               remedy);
    }

    void check_fence(const std::optional<Manifest>& found, const leat_bucket& bucket, bool anew) const {
        const std::string_view stored = found ? std::string_view(found->token) : std::string_view();
        const std::string_view prev = text_of(bucket.prev);
        const bool as_recovered = !recovered_ || *recovered_ == stored;
        if (as_recovered && (prev == stored || (anew && prev.empty()))) return;
        if (found) fail_fenced(bucket);
        throw leat::error(LEAT_ERR_FATAL, path_ + ": fenced: " + manifest_file_.path() +
                                              ", which had the last token of lane '" + bucket.lane +
                                              "', is gone; restore it, or start afresh with --fresh");
    }

    [[noreturn]] void fail_fenced(const leat_bucket& bucket) const {
        throw leat::error(LEAT_ERR_FATAL, path_ + ": fenced: lane '" + bucket.lane +
                                              "' was written by another host since this one began; stop one of them");
    }

    /// The lock keeps others out, but not on every file system.
    void check_turn(const leat_bucket& bucket) const {
        const std::string_view prev = text_of(bucket.prev);
        // A first bucket that replaces comes again as it came before, though it has no predecessor in the file any
        // more.
        const bool in_turn = prev == manifest_.token || (manifest_.token.empty() && prev == first_prev_);
        if (in_turn && (waits_to_replace() || manifest_file_.is(manifest_))) return;
        fail_fenced(bucket);
    }

    void check_size(off_t due) const {
        const off_t size = status_of(fd_.get()).st_size;
        if (size == due) return;
        throw leat::error(LEAT_ERR_CONFIG, path_ + " was changed while it was written: " + std::to_string(due) +
                                               " bytes are due, " + std::to_string(size) +
                                               " are there; let nobody else write to it, and run again");
    }

    [[nodiscard]] std::uint64_t tail_before(int fd, off_t end) const {
        const off_t begin = std::max<off_t>(0, end - Manifest::tail_size);
        std::string bytes(static_cast<std::size_t>(end - begin), '\0');
        const ssize_t got = retried([&] { return ::pread(fd, bytes.data(), bytes.size(), begin); });
        if (got < 0) throw_errno(errno, "cannot read the end of " + path_);
        return checksum_of({bytes.data(), static_cast<std::size_t>(got)});
    }

    /// Sees the name that a link leads to safely on its device. Beside the manifest, its own store() does so.
    void sync_linked_name() const {
        struct stat status {};
        if (::lstat(path_.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return;
        const std::unique_ptr<char, decltype(&::free)> target(::realpath(path_.c_str(), nullptr), &::free);
        const int error = target ? sync_directory(directory_of(target.get())) : errno;
        if (error != 0) throw_errno(error, "cannot flush the directory that " + path_ + " leads to to its device");
    }

    void cut(int fd) {
        if (retried([&] { return ::ftruncate(fd, written_); }) != 0) {
            throw_errno(errno, "cannot cut " + path_ + " back to its first " + std::to_string(written_) + " bytes");
        }
        cut_due_ = false;
    }

    /// As if it had never begun: nothing was committed.
    void take_back(const leat::context& ctx) const {
        if (cuttable_ && (made_ || mode_ == WriteMode::create) && names(fd_.get())) ::unlink(path_.c_str());
        // Left there, it would have what others write meanwhile cut off.
        try {
            if (with_tokens_) manifest_file_.remove();
        } catch (const leat::error& e) {
            ctx.log(LEAT_LOG_ERROR, e.text);
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

    static std::string_view text_of(const leat_bytes& bytes) {
        return {static_cast<const char*>(bytes.data), bytes.size};
    }

    // Fixed after construction.
    std::string path_;
    WriteMode mode_;
    ManifestFile manifest_file_;

    std::optional<std::string> recovered_;  ///< the token that the host was told last

    Descriptor fd_;      ///< from begin() to close()
    Descriptor spare_;   ///< with the rows of the first bucket, while that waits to replace what is in the file
    bool made_ = false;  ///< by begin(): the file was not there before
    bool cuttable_ = false;
    bool lacks_line_end_ = false;
    bool any_committed_ = false;
    bool cut_due_ = false;  ///< an abort could not cut the file back
    off_t written_ = 0;
    off_t committed_ = 0;

    // With tokens only.
    bool with_tokens_ = false;
    bool outcome_unknown_ = false;  ///< of the last commit
    Manifest manifest_;             ///< as it is in its file
    std::string first_prev_;        ///< of the bucket that began
    mode_t permissions_ = 0;
};

}  // namespace ndjson
