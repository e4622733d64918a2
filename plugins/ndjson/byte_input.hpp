// The bytes of one input, decompressed, as they come; waits for a pipe without missing a stop.
#pragma once

#include <leat/leat.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "descriptor.hpp"
#include "file_mark.hpp"
#include "input_files.hpp"

namespace ndjson {

enum class Arrival {
    data,     ///< some bytes
    end,      ///< there are no more
    idle,     ///< nothing came within the time allowed
    stopped,  ///< a stop was asked while waiting
};

enum class Compression { automatic, none, gzip, zstd };

inline Compression compression_named(std::string_view name) {
    if (name == "gzip") return Compression::gzip;
    if (name == "zstd") return Compression::zstd;
    return name == "none" ? Compression::none : Compression::automatic;
}

/// The bytes of a file as they lie there. A regular file is read to the length that it had when it was opened.
class RawInput {
public:
    /// Begins at byte `from`. Throws CONFIG when the file is not that of `mark` any more, see check_mark.
    RawInput(const InputFile& file, const FileMark& mark, std::int64_t from) : name_(file.name) {
        if (file.path == standard_input) {
            fd_ = STDIN_FILENO;
            from = std::max<std::int64_t>(0, ::lseek(fd_, 0, SEEK_CUR));  // a file behind it may have been read in part
        } else {
            // Not blocking, or the opening of a pipe would wait for its writer and could not be stopped.
            owned_ = Descriptor(
                retried([&] { return ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); }));
            fd_ = owned_.get();
        }
        if (fd_ < 0 && errno == ENOENT) {
            throw leat::error(LEAT_ERR_CONFIG,
                              name_ + " was there when the run began, and is gone now: put it back, and run again");
        }
        if (fd_ < 0) throw_errno(errno, "cannot open " + name_);
        struct stat status {};
        if (::fstat(fd_, &status) != 0) throw_errno(errno, "cannot look at " + name_);
        regular_ = S_ISREG(status.st_mode);
        if (!regular_) return;
        check_mark(mark, fd_, name_, status.st_size);
        size_ = status.st_size;
        at_ = from;
        ::posix_fadvise(fd_, from, 0, POSIX_FADV_SEQUENTIAL);
    }

    /// Reads up to `room` bytes into `to`; waits at most `wait_ns` for a pipe.
    Arrival read(const leat::context& ctx, char* to, std::size_t room, std::uint64_t wait_ns, std::size_t& count) {
        if (ctx.stop_state() != LEAT_RUN) return Arrival::stopped;
        if (regular_) {
            const auto left = static_cast<std::size_t>(size_ - at_);
            if (left == 0) return check_growth(ctx);
            room = std::min(room, left);
        }
        for (;;) {
            if (!regular_) {
                const Arrival ready = wait(ctx, wait_ns);
                if (ready != Arrival::data) return ready;
            }
            const ssize_t got = retried([&] { return regular_ ? ::pread(fd_, to, room, at_) : ::read(fd_, to, room); });
            if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) continue;
            if (got < 0) throw_errno(errno, "cannot read " + name_);
            if (got == 0 && regular_) fail_shrunk();
            at_ += got;
            count = static_cast<std::size_t>(got);
            return got == 0 ? Arrival::end : Arrival::data;
        }
    }

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool is_regular() const { return regular_; }
    /// How far reading came, counted from the beginning of the file.
    [[nodiscard]] std::int64_t bytes_read() const { return at_; }
    /// True once the end was reached and more had been written behind it meanwhile.
    [[nodiscard]] bool has_grown() const { return grown_; }
    /// Of a regular file when it was opened, in bytes.
    [[nodiscard]] std::int64_t size() const { return size_; }
    /// Of the first `bytes` bytes of a regular file. Throws FATAL when it has been cut before that.
    std::uint32_t digest(std::int64_t bytes) {
        const auto digest = digest_.of(fd_, name_, bytes);
        if (!digest) fail_shrunk();
        return *digest;
    }

private:
    Arrival wait(const leat::context& ctx, std::uint64_t wait_ns) const {
        const timespec limit = {static_cast<time_t>(wait_ns / 1000000000), static_cast<long>(wait_ns % 1000000000)};
        switch (wait_for(ctx, fd_, ToBe::readable, &limit)) {
            case Waited::ready:
                return Arrival::data;
            case Waited::late:
                return Arrival::idle;
            case Waited::stopped:
                return Arrival::stopped;
            case Waited::failed:
                break;
        }
        throw_errno(errno, "cannot wait for " + name_);
    }

    Arrival check_growth(const leat::context& ctx) {
        struct stat status {};
        if (!grown_ && ::fstat(fd_, &status) == 0 && status.st_size > size_) {
            grown_ = true;
            ctx.warn(name_ + " has grown from " + std::to_string(size_) + " to " + std::to_string(status.st_size) +
                     " bytes while it was read; what was added is not part of this run: run again to read it");
        }
        return Arrival::end;
    }

    [[noreturn]] void fail_shrunk() const {
        struct stat status {};
        const std::string now = ::fstat(fd_, &status) == 0 ? std::to_string(status.st_size) : "fewer";
        throw leat::error(LEAT_ERR_FATAL, name_ + " was " + std::to_string(size_) +
                                              " bytes long when it was opened, and has " + now +
                                              " now: it was cut or overwritten while it was read; let its writer "
                                              "finish, and run again");
    }

    std::string name_;
    Descriptor owned_;
    int fd_ = -1;
    bool regular_ = false;
    bool grown_ = false;
    std::int64_t size_ = 0;
    std::int64_t at_ = 0;
    FileDigest digest_;
};

/// Turns compressed bytes into plain ones.
class Decoder {
public:
    Decoder() = default;
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    virtual ~Decoder() = default;
    /// Takes what it can from the front of `from` and writes at most `room` bytes; returns how many. Throws FATAL when
    /// the bytes are not what they claim to be.
    virtual std::size_t decode(std::string_view& from, char* to, std::size_t room) = 0;
    /// True between two frames, where the input may end.
    [[nodiscard]] virtual bool may_end() const = 0;
    [[nodiscard]] virtual const char* name() const = 0;
};

class GzipDecoder final : public Decoder {
public:
    GzipDecoder() {
        if (::inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
    }
    ~GzipDecoder() override { ::inflateEnd(&stream_); }
    std::size_t decode(std::string_view& from, char* to, std::size_t room) override {
        if (between_members_ && !from.empty()) ::inflateReset(&stream_);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from.data()));
        stream_.avail_in = static_cast<uInt>(from.size());
        stream_.next_out = reinterpret_cast<Bytef*>(to);
        stream_.avail_out = static_cast<uInt>(std::min(room, std::size_t{1} << 30));
        const uInt out_before = stream_.avail_out;
        const int outcome = ::inflate(&stream_, Z_NO_FLUSH);
        if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) {
            throw leat::error(LEAT_ERR_FATAL, stream_.msg == nullptr ? "wrong gzip data" : stream_.msg);
        }
        from.remove_prefix(from.size() - stream_.avail_in);
        between_members_ = outcome == Z_STREAM_END;
        return out_before - stream_.avail_out;
    }
    [[nodiscard]] bool may_end() const override { return between_members_; }
    [[nodiscard]] const char* name() const override { return "gzip"; }

private:
    z_stream stream_{};
    bool between_members_ = false;
};

class ZstdDecoder final : public Decoder {
public:
    ZstdDecoder() : stream_(::ZSTD_createDStream(), &::ZSTD_freeDStream) {
        if (!stream_) throw std::bad_alloc();
    }
    std::size_t decode(std::string_view& from, char* to, std::size_t room) override {
        if (between_frames_ && from.empty()) return 0;  // asking now would begin another frame
        ZSTD_inBuffer in{from.data(), from.size(), 0};
        ZSTD_outBuffer out{to, room, 0};
        const std::size_t outcome = ::ZSTD_decompressStream(stream_.get(), &out, &in);
        if (::ZSTD_isError(outcome) != 0) throw leat::error(LEAT_ERR_FATAL, ::ZSTD_getErrorName(outcome));
        from.remove_prefix(in.pos);
        between_frames_ = outcome == 0;
        return out.pos;
    }
    [[nodiscard]] bool may_end() const override { return between_frames_; }
    [[nodiscard]] const char* name() const override { return "zstd"; }

private:
    std::unique_ptr<ZSTD_DStream, decltype(&::ZSTD_freeDStream)> stream_;
    bool between_frames_ = false;
};

/// The bytes of a file, decompressed where it is compressed.
class ByteInput {
public:
    /// Begins at `from`. Throws CONFIG when the file is not that one any more, see check_mark.
    ByteInput(const InputFile& file, Compression compression, const FileMark& from)
        : compression_(named_by_file(file, compression)),
          raw_(file, from, from.exact ? from.bytes : 0),
          skip_(from.exact ? 0 : from.offset),
          plain_(compression_ == Compression::none) {}

    /// As RawInput::read.
    Arrival read(const leat::context& ctx, char* to, std::size_t room, std::uint64_t wait_ns, std::size_t& count) {
        if (compression_ == Compression::none) return raw_.read(ctx, to, room, wait_ns, count);
        for (;;) {
            const Arrival arrival = read_any(ctx, to, room, wait_ns, count);
            if (arrival != Arrival::data || skip_ == 0) return arrival;
            const std::size_t skipped = std::min(count, static_cast<std::size_t>(skip_));
            skip_ -= static_cast<std::int64_t>(skipped);
            count -= skipped;
            std::memmove(to, to + skipped, count);
            if (count > 0) return arrival;
        }
    }

    [[nodiscard]] const RawInput& raw() const { return raw_; }

    /// A mark at byte `offset` of the plain text of a regular file, which is at its end if `all` of it was taken.
    FileMark mark(std::int64_t offset, bool all) {
        FileMark mark;
        mark.offset = offset;
        mark.bytes = plain_ ? offset : raw_.bytes_read();
        mark.size = raw_.size();
        mark.digest = raw_.digest(mark.bytes);
        mark.exact = plain_ || all;
        return mark;
    }

private:
    static constexpr std::size_t block = std::size_t{64} << 10;
    static constexpr std::string_view gzip_magic{"\x1F\x8B", 2};
    static constexpr std::string_view zstd_magic{"\x28\xB5\x2F\xFD", 4};

    /// What a regular file is can be told at once, of a pipe only when its first bytes have come.
    static Compression named_by_file(const InputFile& file, Compression compression) {
        if (compression != Compression::automatic || !file.regular) return compression;
        const Descriptor fd(retried([&] { return ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
        char magic[4];
        const ssize_t size = retried([&] { return fd.is_open() ? ::pread(fd.get(), magic, sizeof magic, 0) : 0; });
        return named_by({magic, size > 0 ? static_cast<std::size_t>(size) : 0});
    }
    static Compression named_by(std::string_view first_bytes) {
        if (first_bytes.substr(0, gzip_magic.size()) == gzip_magic) return Compression::gzip;
        return first_bytes.substr(0, zstd_magic.size()) == zstd_magic ? Compression::zstd : Compression::none;
    }

    Arrival read_any(const leat::context& ctx, char* to, std::size_t room, std::uint64_t wait_ns, std::size_t& count) {
        for (;;) {
            for (std::size_t left = 0; decoder_ && !waiting_.empty() && waiting_.size() != left;) {
                left = waiting_.size();
                count = decode(to, room);
                if (count > 0) return Arrival::data;
            }
            if (!decoder_ && compression_ == Compression::none) {  // found out from the first bytes of a pipe
                if (waiting_.empty()) return raw_.read(ctx, to, room, wait_ns, count);
                count = std::min(room, waiting_.size());
                std::memcpy(to, waiting_.data(), count);
                waiting_.remove_prefix(count);
                return Arrival::data;
            }
            const Arrival arrival = fill(ctx, wait_ns);
            if (arrival == Arrival::end) {
                if (decoder_) {
                    count = decode(to, room);  // it may still hold output
                    if (count > 0) return Arrival::data;
                    if (!decoder_->may_end()) fail_short();
                    return Arrival::end;
                }
                compression_ = Compression::none;  // too short to be compressed
                if (waiting_.empty()) return Arrival::end;
                continue;
            }
            if (arrival != Arrival::data) return arrival;
            if (!decoder_) choose_decoder();
        }
    }

    std::size_t decode(char* to, std::size_t room) {
        try {
            return decoder_->decode(waiting_, to, room);
        } catch (const leat::error& e) {
            throw leat::error(e.status, raw_.name() + ": the " + decoder_->name() + " data is damaged before byte " +
                                            std::to_string(raw_.bytes_read()) + ": " + e.text +
                                            ": get an undamaged copy of the file");
        }
    }
    [[noreturn]] void fail_short() const {
        throw leat::error(LEAT_ERR_FATAL, raw_.name() + ": the " + decoder_->name() +
                                              " data ends in the middle, after " + std::to_string(raw_.bytes_read()) +
                                              " bytes: the file is not complete; get all of it and run again");
    }

    /// Reads more behind what is waiting.
    Arrival fill(const leat::context& ctx, std::uint64_t wait_ns) {
        const std::string kept(waiting_);
        block_.resize(kept.size() + block);
        std::copy(kept.begin(), kept.end(), block_.begin());
        waiting_ = {block_.data(), kept.size()};
        std::size_t count = 0;
        const Arrival arrival = raw_.read(ctx, block_.data() + kept.size(), block, wait_ns, count);
        if (arrival == Arrival::data) waiting_ = {block_.data(), kept.size() + count};
        return arrival;
    }

    void choose_decoder() {
        if (compression_ == Compression::automatic) {
            if (waiting_.size() < zstd_magic.size() && named_by(waiting_) == Compression::none)
                return;  // wait for more
            compression_ = named_by(waiting_);
        }
        if (compression_ == Compression::gzip) decoder_ = std::make_unique<GzipDecoder>();
        if (compression_ == Compression::zstd) decoder_ = std::make_unique<ZstdDecoder>();
    }

    Compression compression_;
    RawInput raw_;
    std::unique_ptr<Decoder> decoder_;
    std::vector<char> block_;
    std::string_view waiting_;  ///< of block_, not decoded yet
    std::int64_t skip_;         ///< bytes of the plain text before the place to begin at
    bool plain_;                ///< of a regular file: it is not compressed
};

}  // namespace ndjson
