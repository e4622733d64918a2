// What a source of files has read: the content of its positions, and what is left to read when it goes on from one.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "byte_input.hpp"
#include "file_mark.hpp"
#include "input_files.hpp"

namespace ndjson {

struct FileToRead {
    std::size_t file;  ///< index into the files that were found
    FileMark from;
};

/// The files that were read to their end, and how far they were read. Files are known by their path.
///
/// A position holds at most 64 KiB, so it has three ways to know a file, from which it is taken in this order:
///
///   in full   about 20 bytes: how far it was read; what was appended since can be read
///   in brief  6 bytes: that it was read, and a checksum; a file that has changed since is refused
///   not       only what is gone, and only of more than 5,000 files: it would be read again if it came back
///
/// As long as there are no more than some 3,000 files, all are known in full; of 10,000 files, the last 50.
class ReadFiles {
public:
    static constexpr std::size_t most_files = 10000;  ///< that can be known in brief

    /// `component` is for messages.
    explicit ReadFiles(std::string component) : component_(std::move(component)) {}

    /// To where `position` was made. Throws FATAL when it was not made by this version.
    void go_to(std::string_view position) {
        if (position.empty() || position[0] != format) {
            const auto other = position.empty() ? 0 : static_cast<unsigned char>(position[0]);
            throw leat::error(LEAT_ERR_FATAL, "the position of the last run is of format " + std::to_string(other) +
                                                  ", and this version of the " + component_ + " source reads format " +
                                                  std::to_string(format) + ": start afresh with --fresh");
        }
        resumes_ = true;
        Decoding in{position.substr(1)};
        stopped_in_ = in.text();
        if (!stopped_in_.empty()) stopped_at_ = in.mark();
        for (std::uint64_t count = in.number(); count > 0 && in.sound; --count) {
            const auto name = static_cast<std::uint32_t>(in.fixed(brief_name_size));
            add(Brief{name, static_cast<std::uint16_t>(in.fixed(brief_state_size))});
        }
        for (std::uint64_t count = in.number(); count > 0 && in.sound; --count) {
            const std::uint64_t name = in.fixed(full_name_size);
            add(Full{name, in.mark()});
        }
        if (!in.sound || !in.rest.empty()) {
            throw leat::error(LEAT_ERR_FATAL, "the position of the last run, of the " + component_ +
                                                  " source, is damaged: start afresh with --fresh");
        }
    }

    /// True if it is no loss that the file is gone.
    [[nodiscard]] bool was_read(const std::string& path) const {
        const std::uint64_t name = name_of(path);
        return path != stopped_in_ &&
               (std::any_of(full_.begin(), full_.end(), [&](const Full& file) { return file.name == name; }) ||
                std::any_of(brief_.begin(), brief_.end(), [&](const Brief& file) { return file.name == low(name); }));
    }

    /// What is left to read of `files`: first the rest of the one in which the last run stopped, so that rows behind a
    /// position come in the same order again; then what others have grown by; then what is new. Puts those that are new
    /// behind the others in `files` too: columns stay in the order in which they were. Throws CONFIG when a file is not
    /// what it was.
    std::vector<FileToRead> left_of(const leat::context& ctx, std::vector<InputFile>& files) {
        if (files.size() > most_files) {
            throw leat::error(LEAT_ERR_CONFIG, "path names " + std::to_string(files.size()) +
                                                   " files, and a checkpoint has room for " +
                                                   std::to_string(most_files) +
                                                   ": give them to several pipelines, as with one pattern for each");
        }
        std::vector<FileToRead> out;
        if (!resumes_) {
            for (std::size_t i = 0; i < files.size(); ++i)
                out.push_back({i, {}});
            return out;
        }
        const auto no_file = std::find_if(files.begin(), files.end(), [](const auto& file) { return !file.regular; });
        if (no_file != files.end()) {
            throw leat::error(
                LEAT_ERR_CONFIG,
                no_file->name + " cannot be read from where the last run stopped: start afresh with --fresh");
        }
        const Index index(*this);
        const std::uint64_t stopped_in = name_of(stopped_in_);
        const auto first_new = std::stable_partition(files.begin(), files.end(), [&](const InputFile& file) {
            const std::uint64_t name = name_of(file.path);
            return name == stopped_in || index.full.count(name) > 0 || index.brief.count(low(name)) > 0;
        });
        const auto known = static_cast<std::size_t>(first_new - files.begin());
        if (!stopped_in_.empty()) out.push_back({index_of_stopped(files), stopped_at_});
        for (std::size_t i = 0; i < files.size(); ++i) {
            const InputFile& file = files[i];
            if (ctx.stop_state() != LEAT_RUN) throw leat::error(LEAT_ERR_CANCELLED);
            const std::uint64_t name = name_of(file.path);
            const auto full = index.full.find(name);
            const bool stopped_here = !stopped_in_.empty() && i == out[0].file;
            if (full != index.full.end()) full_[full->second].gone = false;
            if (stopped_here) {
                const RawInput checked(file, stopped_at_, 0);
            } else if (full != index.full.end()) {
                const FileMark& mark = full_[full->second].mark;
                const RawInput checked(file, mark, 0);
                if (checked.size() > mark.bytes) out.push_back({i, mark});
            } else if (!is_in_brief(file, name, index)) {
                out.push_back({i, {}});
            }
        }
        warn_of_renamed(ctx, {files.begin() + static_cast<std::ptrdiff_t>(known), files.end()});
        return out;
    }

    /// True if the rows behind the position that it went to are of a file, from somewhere in it.
    [[nodiscard]] bool stopped_in_a_file() const { return !stopped_in_.empty(); }

    /// `file` was read up to `mark`, which is its end.
    void add_read(const InputFile& file, const FileMark& mark) {
        const std::uint64_t name = name_of(file.path);
        const auto known =
            std::find_if(full_.begin(), full_.end(), [name](const Full& other) { return other.name == name; });
        if (known != full_.end()) {
            *known = {name, mark, false};
            full_text_.clear();
            for (const Full& each : full_)
                append(full_text_, each);
        } else {
            add(Full{name, mark, false});
        }
        while (full_text_.size() + brief_text_.size() > room)
            make_room();
    }

    /// The position behind everything that was read.
    [[nodiscard]] std::string position() const { return position("", {}); }
    /// The position in `file`, at `mark`.
    [[nodiscard]] std::string position(const InputFile& file, FileMark mark) const {
        mark.size = std::max(mark.size, mark.bytes == 0 ? file.size : 0);
        return position(file.path, mark);
    }

private:
    [[nodiscard]] std::string position(const std::string& path, const FileMark& mark) const {
        std::string out(1, format);
        out.reserve(path.size() + full_text_.size() + brief_text_.size() + 64);
        append_number(out, path.size());
        out += path;
        if (!path.empty()) append(out, mark);
        append_number(out, brief_.size());
        out += brief_text_;
        append_number(out, full_.size());
        return out += full_text_;
    }

    struct Full {
        std::uint64_t name;
        FileMark mark;
        bool gone = true;  ///< until it is found
    };
    struct Brief {
        std::uint32_t name;
        std::uint16_t state;
        bool gone = true;
    };
    /// Where to find a name.
    struct Index {
        explicit Index(ReadFiles& files) {
            for (std::size_t i = 0; i < files.full_.size(); ++i)
                full.emplace(files.full_[i].name, i);
            for (std::size_t i = 0; i < files.brief_.size(); ++i)
                brief.emplace(files.brief_[i].name, i);
        }
        std::unordered_map<std::uint64_t, std::size_t> full;
        std::unordered_multimap<std::uint32_t, std::size_t> brief;
    };

    // The format: a byte for it; the path in which to go on, with its size, and the mark in it, or an empty path; how
    // many files are known in brief, and these; how many in full, and these. Numbers are little-endian, those without
    // a fixed size have seven bits in each byte.
    static constexpr char format = 2;
    static constexpr std::size_t full_name_size = 6;
    static constexpr std::size_t brief_name_size = 4;
    static constexpr std::size_t brief_state_size = 2;
    static constexpr std::size_t digest_size = 4;
    /// The 64 KiB of a position without the longest path and its mark.
    static constexpr std::size_t room = 65536 - 4096 - 128;
    static constexpr std::size_t most_gone = most_files / 2;

    static std::uint64_t name_of(const std::string& path) {
        const std::uint64_t sum = checksum_of(std::filesystem::path(path).lexically_normal().generic_string());
        return sum & ((std::uint64_t{1} << (8 * full_name_size)) - 1);
    }
    static std::uint32_t low(std::uint64_t name) { return static_cast<std::uint32_t>(name); }
    static std::uint16_t state_of(std::int64_t bytes, std::uint32_t digest) {
        std::string both;
        append_fixed(both, static_cast<std::uint64_t>(bytes), sizeof bytes);
        append_fixed(both, digest, digest_size);
        const std::uint64_t sum = checksum_of(both);
        return static_cast<std::uint16_t>(sum ^ (sum >> 16) ^ (sum >> 32) ^ (sum >> 48));
    }

    static void append_fixed(std::string& out, std::uint64_t number, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            out += static_cast<char>(number >> (8 * i));
    }
    static void append_number(std::string& out, std::uint64_t number) {
        for (; number >= 0x80; number >>= 7)
            out += static_cast<char>(number | 0x80);
        out += static_cast<char>(number);
    }
    static void append(std::string& out, const FileMark& mark) {
        const bool packed = mark.offset != mark.bytes;
        out += static_cast<char>(static_cast<unsigned>(mark.end) | (mark.exact ? 4U : 0U) | (packed ? 8U : 0U));
        append_fixed(out, mark.digest, digest_size);
        append_number(out, static_cast<std::uint64_t>(mark.bytes));
        append_number(out, static_cast<std::uint64_t>(mark.size));
        append_number(out, static_cast<std::uint64_t>(mark.line));
        if (packed) append_number(out, static_cast<std::uint64_t>(mark.offset));
    }
    static void append(std::string& out, const Full& file) {
        append_fixed(out, file.name, full_name_size);
        append(out, file.mark);
    }

    struct Decoding {
        std::string_view rest;
        bool sound = true;

        std::uint64_t fixed(std::size_t size) {
            std::uint64_t out = 0;
            const std::string_view bytes = take(size);
            for (std::size_t i = 0; i < bytes.size(); ++i)
                out |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
            return out;
        }
        std::uint64_t number() {
            std::uint64_t out = 0;
            for (unsigned shift = 0; shift < 63; shift += 7) {
                const std::uint64_t byte = fixed(1);
                out |= (byte & 0x7f) << shift;
                if (byte < 0x80) return out;
            }
            sound = false;
            return 0;
        }
        std::string text() { return std::string(take(number())); }
        FileMark mark() {
            FileMark out;
            const std::uint64_t flags = fixed(1);
            out.end = static_cast<TextEnd>(flags & 3);
            out.exact = (flags & 4) != 0;
            out.digest = static_cast<std::uint32_t>(fixed(digest_size));
            out.bytes = static_cast<std::int64_t>(number());
            out.size = static_cast<std::int64_t>(number());
            out.line = static_cast<std::int64_t>(number());
            out.offset = (flags & 8) != 0 ? static_cast<std::int64_t>(number()) : out.bytes;
            return out;
        }

    private:
        std::string_view take(std::uint64_t size) {
            sound = sound && size <= rest.size();
            if (!sound) return {};
            const std::string_view out = rest.substr(0, size);
            rest.remove_prefix(size);
            return out;
        }
    };

    void add(const Full& file) {
        full_.push_back(file);
        append(full_text_, file);
    }
    void add(const Brief& file) {
        brief_.push_back(file);
        append_fixed(brief_text_, file.name, brief_name_size);
        append_fixed(brief_text_, file.state, brief_state_size);
    }

    /// The older half of what is known in full is known in brief from now on, and what is gone is forgotten when there
    /// is much of both.
    void make_room() {
        std::vector<Brief> brief = std::exchange(brief_, {});
        brief_text_.clear();
        std::size_t surplus = brief.size() > most_gone ? brief.size() - most_gone : 0;
        for (const Brief& file : brief) {
            if (file.gone && surplus > 0) {
                --surplus;
            } else {
                add(file);
            }
        }
        const auto half = full_.begin() + static_cast<std::ptrdiff_t>((full_.size() + 1) / 2);
        for (auto file = full_.begin(); file != half; ++file)
            add(Brief{low(file->name), state_of(file->mark.bytes, file->mark.digest), file->gone});
        full_.erase(full_.begin(), half);
        full_text_.clear();
        for (const Full& file : full_)
            append(full_text_, file);
    }

    [[nodiscard]] std::size_t index_of_stopped(const std::vector<InputFile>& files) const {
        const std::uint64_t name = name_of(stopped_in_);
        const auto found = std::find_if(files.begin(), files.end(),
                                        [name](const InputFile& file) { return name_of(file.path) == name; });
        if (found == files.end()) {
            throw leat::error(LEAT_ERR_CONFIG, "the last run stopped in " + stopped_in_ +
                                                   ", which is not among the files now: put it back, or start afresh "
                                                   "with --fresh");
        }
        return static_cast<std::size_t>(found - files.begin());
    }

    bool is_in_brief(const InputFile& file, std::uint64_t name, const Index& index) {
        const auto [first, last] = index.brief.equal_range(low(name));
        if (first == last) return false;
        RawInput input(file, {}, 0);
        const std::uint16_t state = state_of(input.size(), input.digest(input.size()));
        const auto same =
            std::find_if(first, last, [&](const auto& entry) { return brief_[entry.second].state == state; });
        if (same == last) {
            throw leat::error(LEAT_ERR_CONFIG,
                              file.name +
                                  " has changed since it was read to its end, and so many files were read "
                                  "after it that nothing more is known of it" +
                                  put_back);
        }
        brief_[same->second].gone = false;
        return true;
    }

    /// A new path is a new file, even if all of it was read under another path: no file is passed over because it
    /// looks like one that was read. But nothing is read again silently.
    void warn_of_renamed(const leat::context& ctx, const std::vector<InputFile>& new_files) const {
        std::unordered_multimap<std::int64_t, std::uint32_t> gone;
        for (const Full& file : full_) {
            if (file.gone && file.mark.bytes > 0) gone.emplace(file.mark.bytes, file.mark.digest);
        }
        for (const InputFile& file : new_files) {
            const auto [first, last] = gone.equal_range(file.size);
            if (first == last) continue;
            RawInput input(file, {}, 0);
            if (input.size() != file.size) continue;
            const std::uint32_t digest = input.digest(input.size());
            if (std::any_of(first, last, [digest](const auto& other) { return other.second == digest; })) {
                ctx.warn(file.name +
                         " is read as a new file, but holds what a file held that was read before and is gone: if it "
                         "was only renamed, its rows come twice");
            }
        }
    }

    std::string component_;
    bool resumes_ = false;
    std::string stopped_in_;  ///< empty: between two files
    FileMark stopped_at_;
    std::vector<Full> full_;  ///< these and those in brief in the order in which they were read
    std::string full_text_;   ///< as they stand in a position
    std::vector<Brief> brief_;
    std::string brief_text_;
};

}  // namespace ndjson
