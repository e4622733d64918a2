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
#include "row_reader.hpp"

namespace ndjson {

enum class Infer { sample, all, none };

/// Where a source stands: what comes next begins at byte `offset` of `path`, which is line `number`.
struct Position {
    std::string path;
    std::int64_t offset = 0;
    std::int64_t number = 1;

    // One byte for the format, offset and number in eight bytes each, and the path.
    static constexpr char format = 1;
    static constexpr std::size_t header = 1 + 8 + 8;

    [[nodiscard]] std::string encoded() const {
        std::string out(header, format);
        std::memcpy(&out[1], &offset, sizeof offset);
        std::memcpy(&out[9], &number, sizeof number);
        return out += path;
    }
    static Position decoded(std::string_view bytes) {
        Position position;
        if (bytes.size() >= header && bytes[0] == format) {
            std::memcpy(&position.offset, bytes.data() + 1, sizeof position.offset);
            std::memcpy(&position.number, bytes.data() + 9, sizeof position.number);
            position.path = bytes.substr(header);
        }
        if (position.path.empty() || position.offset < 0 || position.number < 1) {
            throw leat::error(
                LEAT_ERR_FATAL,
                "the position of the last run is not one of this version of the ndjson source: start afresh "
                "with --fresh");
        }
        return position;
    }
};

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
        files_ = find_files(patterns_);
        std::int64_t total = 0;
        for (const InputFile& file : files_) {
            if (!file.regular && infer_ == Infer::all) {
                throw leat::error(LEAT_ERR_CONFIG,
                                  "infer: all reads everything twice, and " + file.name +
                                      " can be read only once: use infer: sample, or name the types of "
                                      "the columns under types");
            }
            total = file.size < 0 || total < 0 ? -1 : total + file.size;
        }
        start_ = {};
        file_ = 0;
        if (!resume.empty()) go_to(Position::decoded(resume));
        progress_ = ctx.metric(LEAT_GAUGE, "progress", "bytes");
        if (total > 0) ctx.metric(LEAT_GAUGE, "progress_total", "bytes").record(static_cast<double>(total));
        for (std::size_t i = 0; i < file_; ++i) {
            bytes_before_ += std::max<std::int64_t>(files_[i].size, 0);
        }
    }

    leat_status read(leat::context& ctx, const leat_bucket_config& hint) {
        using clock = std::chrono::steady_clock;
        const std::uint64_t wait_ns =
            hint.max_wait_ns == 0 ? longest_wait_ns : std::min(hint.max_wait_ns, longest_wait_ns);
        const auto deadline = clock::now() + std::chrono::nanoseconds(wait_ns);
        if (!rows_ && !begin(ctx, wait_ns)) return LEAT_IDLE;

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
        put_out(ctx, arrival == Arrival::end || lines > 0);
        if (arrival == Arrival::end) return LEAT_END;
        return lines == 0 ? LEAT_IDLE : LEAT_OK;
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

    void go_to(Position position) {
        const auto found = std::find_if(files_.begin(), files_.end(),
                                        [&position](const InputFile& file) { return file.path == position.path; });
        if (found == files_.end()) {
            throw leat::error(LEAT_ERR_CONFIG,
                              "the last run stopped in " + position.path +
                                  ", which is not among the files now: put it back, or start afresh with "
                                  "--fresh");
        }
        if (!found->regular) {
            throw leat::error(
                LEAT_ERR_CONFIG,
                found->name + " cannot be read from where the last run stopped: start afresh with --fresh");
        }
        file_ = static_cast<std::size_t>(found - files_.begin());
        start_ = std::move(position);
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
            LineReader lines(file, compression_, 0, 1);
            if (sample(ctx, lines, wait_ns, seen) == Arrival::stopped) return false;
        }
        if (files_[file_].regular) return true;
        // Of what comes only once, the sample is kept and read again.
        if (!lines_) lines_.emplace(files_[file_], compression_, 0, 1);
        lines_->mark();
        const Arrival arrival = sample(ctx, *lines_, wait_ns, seen);
        const bool found = lines_->number() > 1 || arrival == Arrival::end;
        if (!found && lines_->is_stuck()) {
            throw leat::error(LEAT_ERR_CONFIG, files_[file_].name + ":1: the first line is longer than " +
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

    /// The next line of all files.
    Arrival next_line(const leat::context& ctx, std::uint64_t wait_ns, Line& line) {
        for (;;) {
            if (!lines_) {
                if (file_ == files_.size()) return Arrival::end;
                lines_.emplace(files_[file_], compression_, start_.offset, start_.number);
                start_ = {};
            }
            const Arrival arrival = lines_->next(ctx, wait_ns, line);
            if (arrival != Arrival::end) return arrival;
            if (file_ + 1 == files_.size()) return Arrival::end;  // the last one stays open: its end is the position
            bytes_before_ += lines_->input().raw().bytes_read();
            lines_.reset();
            ++file_;
        }
    }

    void take(const leat::context& ctx, const Line& line) {
        if (line.text.find_first_not_of(" \t\r") == std::string_view::npos) return;
        if (rows_->read(line)) return;
        ctx.reject_raw(line.text, files_[file_].name + ":" + std::to_string(line.number) + ": " + rows_->why());
    }

    [[nodiscard]] bool full(std::int64_t lines, std::uint64_t most_bytes) const {
        return (lines & 63) == 63 && builder_->bytes() >= most_bytes;
    }

    /// Emits what was read, or at least how far reading came.
    void put_out(const leat::context& ctx, bool moved) {
        if (lines_) progress_.record(static_cast<double>(bytes_before_ + lines_->input().raw().bytes_read()));
        if (builder_->rows() == 0 && !moved) return;
        std::string position;
        if (lines_ && files_[file_].regular) {
            position = Position{files_[file_].path, lines_->offset(), lines_->number()}.encoded();
        }
        if (builder_->rows() == 0 && position.empty()) return;
        ctx.emit(builder_->finish(), position);
    }

    // Fixed after construction.
    std::vector<std::string> patterns_;
    std::vector<std::pair<std::string, leat::data_type>> types_;
    Infer infer_;
    Nested nested_;
    Compression compression_;

    // From open to close.
    std::vector<InputFile> files_;
    std::size_t file_ = 0;             ///< the one that is read
    Position start_;                   ///< in it
    std::optional<LineReader> lines_;  ///< of it, once it is open
    std::int64_t bytes_before_ = 0;    ///< of the files before it
    leat::metric progress_;
    std::optional<leat::builder> builder_;
    std::optional<RowReader> rows_;
};

}  // namespace ndjson
