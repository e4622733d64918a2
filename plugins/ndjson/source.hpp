// The source `ndjson`: every line of its files a row.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "column_types.hpp"
#include "inference.hpp"
#include "input_files.hpp"
#include "line_reader.hpp"
#include "read_files.hpp"
#include "row_reader.hpp"

namespace ndjson {

enum class Infer { sample, all, none };

class Source {
public:
    explicit Source(leat::context& ctx)
        : patterns_(ctx.texts("/path")),
          infer_(infer_named(ctx.text("/infer", "sample"))),
          nested_(ctx.text("/nested", "struct") == "text" ? Nested::text : Nested::structs),
          compression_(compression_named(ctx.text("/compression", "auto"))) {
        for (const std::string& column : ctx.keys("/types")) {
            const std::string name = ctx.text("/types" + leat::step(column));
            const auto type = type_named(name);
            if (!type) {
                throw leat::error(LEAT_ERR_CONFIG, "types." + column + ": '" + name +
                                                       "' is not a type; the types are " + std::string(type_names));
            }
            types_.emplace_back(column, *type);
        }
        if (infer_ == Infer::none && types_.empty()) {
            throw leat::error(LEAT_ERR_CONFIG,
                              "infer: none leaves no columns: name them under types, as in types: {id: int64}");
        }
    }

    void open(leat::context& ctx, std::string_view resume) {
        read_ = ReadFiles("ndjson");
        if (!resume.empty()) read_.go_to(resume);
        const auto was_read = [this](const std::string& path) { return read_.was_read(path); };
        files_ = resume.empty() ? find_files(patterns_) : find_files(patterns_, was_read);
        std::int64_t total = 0;
        gives_positions_ = true;
        for (const InputFile& file : files_) {
            if (!file.regular && infer_ == Infer::all) {
                throw leat::error(LEAT_ERR_CONFIG,
                                  "infer: all reads everything twice, and " + file.name +
                                      " can be read only once: use infer: sample, or name the types of "
                                      "the columns under types");
            }
            total = file.size < 0 || total < 0 ? -1 : total + file.size;
            gives_positions_ &= file.regular;
        }
        to_read_ = read_.left_of(ctx, files_);
        next_ = 0;
        moved_ = gives_positions_ && !to_read_.empty() && may_name_more(patterns_) && !read_.stopped_in_a_file();
        progress_ = ctx.metric(LEAT_GAUGE, "progress", "bytes");
        if (total > 0) ctx.metric(LEAT_GAUGE, "progress_total", "bytes").record(static_cast<double>(total));
        bytes_before_ = std::max<std::int64_t>(total, 0);
        for (const FileToRead& left : to_read_)
            bytes_before_ -= std::max<std::int64_t>(files_[left.file].size, 0);
        bytes_before_ = std::max<std::int64_t>(bytes_before_, 0);
    }

    leat_status read(leat::context& ctx, const leat_bucket_config& hint) {
        using clock = std::chrono::steady_clock;
        const std::uint64_t wait_ns =
            hint.max_wait_ns == 0 ? longest_wait_ns : std::min(hint.max_wait_ns, longest_wait_ns);
        const auto deadline = clock::now() + std::chrono::nanoseconds(wait_ns);
        if (to_read_.empty()) {
            progress_.record(static_cast<double>(bytes_before_));
            return LEAT_END;
        }
        if (!rows_ && !begin(ctx, wait_ns)) return LEAT_IDLE;
        if (moved_) put_out(ctx);

        const std::int64_t most_rows = limit(hint.max_rows, rows_at_once);
        const std::uint64_t most_bytes = hint.max_bytes == 0 ? bytes_at_once : std::min(hint.max_bytes, bytes_at_once);
        Arrival arrival = Arrival::data;
        std::int64_t lines = 0;  // the rejected ones too, so that the position moves on past many of them
        for (; lines < most_rows && !full(lines, most_bytes); ++lines) {
            const bool waits = lines_ && !lines_->input().raw().is_regular();
            const auto left = waits ? std::chrono::nanoseconds(deadline - clock::now()).count() : 0;
            Line line{};
            arrival = next_line(ctx, static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)), line);
            if (arrival != Arrival::data) break;
            take(ctx, line);
            if ((lines & 1023) == 1023 && ctx.stop_state() != LEAT_RUN) arrival = Arrival::stopped;
            if (arrival == Arrival::stopped) break;
        }
        moved_ = lines > 0;
        if (arrival == Arrival::end) end_file();
        const bool moved = moved_;
        put_out(ctx);
        if (next_ == to_read_.size()) return LEAT_END;
        return moved ? LEAT_OK : LEAT_IDLE;
    }

    void close(leat::context&) {
        rows_.reset();
        builder_.reset();
        lines_.reset();
        bytes_before_ = 0;
    }

private:
    static constexpr std::int64_t rows_at_once = 65536;
    static constexpr std::uint64_t bytes_at_once = std::uint64_t{8} << 20;
    static constexpr std::uint64_t longest_wait_ns = 1000000000;
    static constexpr std::int64_t sampled_rows = 10000;
    static constexpr std::int64_t sampled_bytes = std::int64_t{4} << 20;
    static constexpr std::size_t sampled_files = 16;
    static constexpr std::size_t most_columns = 10000;

    static Infer infer_named(const std::string& name) {
        return name == "all" ? Infer::all : name == "none" ? Infer::none : Infer::sample;
    }
    static std::int64_t limit(std::uint64_t asked, std::int64_t own) {
        return asked == 0 ? own
                          : static_cast<std::int64_t>(std::min<std::uint64_t>(asked, static_cast<std::uint64_t>(own)));
    }

    // ---- The schema

    /// Finds the columns and makes the builder. False: the input has to say more first.
    bool begin(const leat::context& ctx, std::uint64_t wait_ns) {
        Members seen;
        if (infer_ != Infer::none && !sample(ctx, wait_ns, seen)) return false;
        if (seen.size() > most_columns) {
            throw leat::error(LEAT_ERR_CONFIG, "the rows of " + files_[0].name + " have more than " +
                                                   std::to_string(most_columns) +
                                                   " different keys: name the columns under types and set infer: none");
        }
        leat::fields fields;
        for (const auto& [name, shape] : seen) {
            const auto declared =
                std::find_if(types_.begin(), types_.end(), [&n = name](const auto& t) { return t.first == n; });
            fields.emplace_back(name, declared == types_.end() ? shape->type(nested_) : declared->second);
        }
        for (const auto& [name, type] : types_) {
            const auto same = [&n = name](const leat::field& field) { return field.name == n; };
            if (std::none_of(fields.begin(), fields.end(), same)) fields.emplace_back(name, type);
        }
        builder_.emplace(ctx, fields);
        rows_.emplace(*builder_, advice());
        return true;
    }

    [[nodiscard]] RowReader::Advice advice() const {
        switch (infer_) {
            case Infer::none:
                return {"", "is not named under types, and infer is none"};
            case Infer::all:
                return {": set another type under types", "is new: the input has changed since its keys were read"};
            default:
                return {
                    ": use infer: all, or set its type under types",
                    "does not occur in the rows from which the columns were inferred: use infer: all, or name it under "
                    "types"};
        }
    }

    bool sample(const leat::context& ctx, std::uint64_t wait_ns, Members& seen) {
        std::size_t sampled = 0;
        for (const InputFile& file : files_) {
            if (!file.regular || (infer_ == Infer::sample && sampled++ == sampled_files)) continue;
            LineReader lines(file, compression_, {});
            if (sample(ctx, lines, wait_ns, seen) == Arrival::stopped) return false;
        }
        const InputFile& first = files_[to_read_[0].file];
        if (first.regular) return true;
        // Of what comes only once, the sample is kept and read again.
        if (!lines_) lines_.emplace(first, compression_, FileMark{});
        lines_->mark();
        const Arrival arrival = sample(ctx, *lines_, wait_ns, seen);
        const bool found = lines_->number() > 1 || arrival == Arrival::end;
        if (!found && lines_->is_stuck()) {
            throw leat::error(LEAT_ERR_CONFIG, first.name + ":1: the first line is longer than " +
                                                   std::to_string(LineReader::longest_line) +
                                                   " bytes, so that no columns can be inferred from it: name them "
                                                   "under types and set infer: none");
        }
        lines_->rewind();
        return found && arrival != Arrival::stopped;
    }

    Arrival sample(const leat::context& ctx, LineReader& lines, std::uint64_t wait_ns, Members& seen) {
        simdjson::ondemand::parser parser;
        const bool all = infer_ == Infer::all;
        for (;;) {
            Line line{};
            const Arrival arrival = lines.next(ctx, wait_ns, line);
            if (arrival != Arrival::data) return arrival;
            if (!all && (line.number > sampled_rows || line.offset > sampled_bytes)) return Arrival::data;
            if ((line.number & 1023) == 0 && ctx.stop_state() != LEAT_RUN) return Arrival::stopped;
            see(parser, line, seen);
        }
    }

    /// A line that is not sound has no say in the types: it will be rejected.
    static void see(simdjson::ondemand::parser& parser, const Line& line, Members& seen) {
        const std::size_t first = line.text.find_first_not_of(" \t\r");
        if (first == std::string_view::npos || line.text[first] != '{' || !JsonCheck(line.text).passes()) return;
        simdjson::ondemand::document document;
        simdjson::ondemand::object object;
        const simdjson::padded_string_view text(line.text.data(), line.text.size(),
                                                line.text.size() + LineReader::readable_behind);
        if (parser.iterate(text).get(document) != simdjson::SUCCESS) return;
        if (document.get_object().get(object) != simdjson::SUCCESS) return;
        for (auto entry : object) {
            simdjson::ondemand::field field;
            std::string_view key;
            if (std::move(entry).get(field) != simdjson::SUCCESS) return;
            if (field.unescaped_key().get(key) != simdjson::SUCCESS) return;
            if (seen.size() > most_columns || !seen.of(key).see(field.value())) return;
        }
    }

    // ---- The rows

    /// The next line of the file that is to be read.
    Arrival next_line(const leat::context& ctx, std::uint64_t wait_ns, Line& line) {
        if (next_ == to_read_.size()) return Arrival::end;
        if (!lines_) lines_.emplace(files_[to_read_[next_].file], compression_, to_read_[next_].from);
        return lines_->next(ctx, wait_ns, line);
    }

    void end_file() {
        if (!lines_) return;
        if (gives_positions_) read_.add_read(files_[to_read_[next_].file], lines_->file_mark(true));
        bytes_before_ += lines_->input().raw().bytes_read();
        lines_.reset();
        ++next_;
        moved_ = true;
    }

    void take(const leat::context& ctx, const Line& line) {
        if (line.text.find_first_not_of(" \t\r") == std::string_view::npos) return;
        if (rows_->read(line)) return;
        ctx.reject_raw(line.text,
                       files_[to_read_[next_].file].name + ":" + std::to_string(line.number) + ": " + rows_->why());
    }

    [[nodiscard]] bool full(std::int64_t lines, std::uint64_t most_bytes) const {
        return (lines & 63) == 63 && builder_->bytes() >= most_bytes;
    }

    /// Emits what was read, or at least how far reading came.
    ///
    /// No batch has rows of two files, and before the rows of a file there is a position that names it: a later run has
    /// to find the same rows behind a position, also when files have grown or come between.
    void put_out(const leat::context& ctx) {
        progress_.record(
            static_cast<double>(bytes_before_ + (lines_ ? lines_->input().raw().bytes_read() : std::int64_t{0})));
        if (builder_->rows() == 0 && !(moved_ && gives_positions_)) return;
        const std::string position = gives_positions_ ? position_now() : "";
        leat::batch batch = builder_->finish();
        moved_ = false;
        ctx.emit(std::move(batch), position);
    }

    std::string position_now() {
        if (next_ == to_read_.size()) return read_.position();
        const FileToRead& next = to_read_[next_];
        return read_.position(files_[next.file], lines_ ? lines_->file_mark(false) : next.from);
    }

    // Fixed after construction.
    std::vector<std::string> patterns_;
    std::vector<std::pair<std::string, leat::data_type>> types_;
    Infer infer_;
    Nested nested_;
    Compression compression_;

    // From open to close.
    std::vector<InputFile> files_;
    ReadFiles read_{"ndjson"};
    std::vector<FileToRead> to_read_;
    std::size_t next_ = 0;             ///< index into to_read_
    std::optional<LineReader> lines_;  ///< of that file, once it is open
    std::int64_t bytes_before_ = 0;    ///< of the files that are not to be read any more
    bool gives_positions_ = false;     ///< all files are regular
    bool moved_ = false;               ///< a position is due, even if there are no rows
    leat::metric progress_;
    std::optional<leat::builder> builder_;
    std::optional<RowReader> rows_;
};

}  // namespace ndjson
