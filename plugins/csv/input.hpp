// The plain text of one file, with a way back to its beginning.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "files.hpp"

namespace csv {

/// A file, pipe or standard input, unpacked. Regular files are read to the length that they have when they are opened.
class Input {
public:
    /// Begins at the first byte; see rewind for `keep`. Throws CONFIG with path, cause and remedy.
    void open(InputFile file, Compression compression, bool keep) {
        file_ = std::move(file);
        compression_ = compression;
        kept_ = std::string();
        replayed_ = 0;
        keeping_ = keep && !regular();
        seek({});
    }
    void close() { bytes_.reset(); }

    /// Reads some bytes; waits no longer than `wait_ns` for what is not a regular file.
    Arrival read(leat::context& ctx, std::span<char> into, std::uint64_t wait_ns, std::size_t& count) {
        if (replayed_ < kept_.size()) {
            count = kept_.copy(into.data(), into.size(), replayed_);
            replayed_ += count;
            if (replayed_ == kept_.size() && !keeping_) kept_ = std::string(), replayed_ = 0;
            return Arrival::data;
        }
        Arrival const arrival = bytes_->read(ctx, into.data(), into.size(), wait_ns, count);
        if (arrival == Arrival::data && keeping_) kept_.append(into.data(), count), replayed_ = kept_.size();
        return arrival;
    }

    /// Back to the first byte. Of a pipe this is possible as long as open and every rewind so far were told to `keep`
    /// what is read from there on.
    void rewind(bool keep) {
        keeping_ = keep && !regular();
        replayed_ = 0;
        if (regular()) seek({});
    }
    /// Throws CONFIG when the file is not that of the mark any more; regular files only.
    void seek(FileMark const& mark) { bytes_.emplace(file_, compression_, mark); }
    /// See ByteInput::mark.
    FileMark mark(std::uint64_t offset, bool all) { return bytes_->mark(static_cast<std::int64_t>(offset), all); }

    bool regular() const { return file_.regular; }
    /// True once the end was reached and more had been written behind it meanwhile.
    bool has_grown() const { return bytes_->raw().has_grown(); }
    /// How far reading came, in bytes of the file as it lies there.
    std::uint64_t bytes_read() const { return bytes_ ? static_cast<std::uint64_t>(bytes_->raw().bytes_read()) : 0; }
    InputFile const& file() const { return file_; }

private:
    InputFile file_;
    Compression compression_ = Compression::automatic;
    std::optional<ByteInput> bytes_;
    bool keeping_ = false;
    std::string kept_;
    std::size_t replayed_ = 0;
};

}  // namespace csv
