#include "source.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <set>

#include "../ndjson/column_types.hpp"

namespace csv {
namespace {

constexpr std::int64_t usual_rows = 8192;               // a batch of these stays in the processor's caches
constexpr std::uint64_t usual_bytes = 8 * 1024 * 1024;  // when the host sets no limit
constexpr std::size_t slab_rows = 512;
constexpr std::uint64_t sample_rows = 10'000;
constexpr std::uint64_t sample_bytes = 1024 * 1024;
constexpr std::chrono::seconds sample_wait{5};  // for a pipe that gives little

[[noreturn]] void refuse(std::string text) {
    throw leat::error(LEAT_ERR_CONFIG, std::move(text));
}

std::string listed(std::vector<std::string> const& names) {
    std::string out;
    for (std::string const& name : names)
        out += (out.empty() ? "" : ", ") + quoted_value(name);
    return out;
}

/// The text of an option that is one character, perhaps written as \t.
std::optional<char> one_character(leat::context const& ctx, std::string const& option, char otherwise) {
    std::string const text = ctx.text("/" + option, std::string_view(&otherwise, 1));
    if (text.empty()) return std::nullopt;
    if (text == "\\t") return '\t';
    if (text.size() != 1 || text[0] == '\n' || text[0] == '\r' || (text[0] & 0x80) != 0 || text[0] == '\0') {
        refuse("option " + option + ": " + quoted_value(text) + " is not one ASCII character other than a line break");
    }
    return text[0];
}

std::uint64_t bytes_per_row(Type const& type) {
    switch (type.kind) {
        case Kind::boolean:
        case Kind::int8:
        case Kind::uint8:
            return 2;
        case Kind::int16:
        case Kind::uint16:
            return 3;
        case Kind::decimal:
            return 17;
        case Kind::int32:
        case Kind::uint32:
        case Kind::float32:
        case Kind::date:
        case Kind::text:
        case Kind::json:
        case Kind::binary:
            return 5;  // text: an offset
        default:
            return 9;
    }
}

}  // namespace

SourceSettings SourceSettings::read(leat::context const& ctx) {
    SourceSettings settings;
    settings.paths = ctx.texts("/path");
    if (settings.paths.empty()) refuse("option path is missing: it names the files to read");
    Dialect& dialect = settings.dialect;
    std::optional<char> const delimiter = one_character(ctx, "delimiter", ',');
    std::optional<char> const quote = one_character(ctx, "quote", '"');
    if (!delimiter) refuse("option delimiter is empty; it is one character, as in delimiter: \";\"");
    dialect.delimiter = *delimiter;
    dialect.quoting = quote.has_value();
    dialect.quote = quote.value_or('"');
    if (quote == delimiter) refuse("options delimiter and quote are both " + quoted_value({&*quote, 1}));
    settings.header = ctx.boolean("/header", true);
    settings.column_names = ctx.texts("/columns");
    if (settings.header && !settings.column_names.empty()) {
        refuse(
            "option columns names the columns of files without a header line: add header: false, or leave columns out");
    }
    std::set<std::string_view> seen;
    for (std::string const& name : settings.column_names) {
        if (!seen.insert(name).second) refuse("option columns names " + quoted_value(name) + " twice");
    }
    for (std::string const& name : ctx.keys("/types")) {
        std::string const text = ctx.text("/types" + leat::step(name));
        std::optional<Type> const type = parse_type(text);
        if (!type)
            refuse("option types: " + quoted_value(text) + ", given for column " + quoted_value(name) +
                   ", is not a type; the types are " + ndjson::type_names);
        settings.types.emplace_back(name, *type);
    }
    std::string const infer = ctx.text("/infer", "sample");
    settings.infer = infer == "all" ? Infer::all : infer == "none" ? Infer::none : Infer::sample;
    if (ctx.has("/nulls")) settings.nulls = ctx.texts("/nulls");
    settings.compression = ndjson::compression_named(ctx.text("/compression", "auto"));
    return settings;
}

Source::Source(leat::context& ctx)
    : settings_(SourceSettings::read(ctx)),
      scan_(best_scan()),
      converter_(settings_.dialect, NullTokens(settings_.nulls)),
      reader_(settings_.dialect, scan_) {}

// ---- Opening -------------------------------------------------------------------------------------------

void Source::open(leat::context& ctx, std::string_view resume) {
    read_ = ReadFiles("csv");
    if (!resume.empty()) read_.go_to(resume);
    auto const was_read = [this](std::string const& path) { return read_.was_read(path); };
    files_ = resume.empty() ? ndjson::find_files(settings_.paths) : ndjson::find_files(settings_.paths, was_read);
    gives_positions_ = true;
    std::int64_t total = 0;
    for (InputFile const& file : files_) {
        gives_positions_ &= file.regular;
        total = file.size < 0 || total < 0 ? -1 : total + file.size;
        if (!file.regular && settings_.infer == SourceSettings::Infer::all) {
            refuse("infer: all reads everything twice, and " + file.name +
                   " can be read only once: use infer: sample, or declare all types and use infer: none");
        }
    }
    to_read_ = read_.left_of(ctx, files_);
    moved_ = gives_positions_ && ndjson::may_name_more(settings_.paths) && !read_.stopped_in_a_file();
    std::int64_t before = std::max<std::int64_t>(total, 0);
    for (FileToRead const& left : to_read_)
        before -= std::max<std::int64_t>(files_[left.file].size, 0);
    bytes_before_ = static_cast<std::uint64_t>(std::max<std::int64_t>(before, 0));
    progress_ = ctx.metric(LEAT_GAUGE, "progress", "bytes");
    if (total > 0) ctx.metric(LEAT_GAUGE, "progress_total", "bytes").record(static_cast<double>(total));
    // A pipe is not read before the first read: open must not wait for whoever writes into it.
    if (gives_positions_ && !to_read_.empty() && !find_columns(ctx, 0)) throw leat::error(LEAT_ERR_CANCELLED);
}

/// Waits for a row, as long as it takes.
Arrival Source::wait_for_row(leat::context& ctx, FileReader& reader) const {
    for (;;) {
        Arrival const arrival = reader.fill(ctx, 1'000'000'000);
        if (arrival == Arrival::stopped) throw leat::error(LEAT_ERR_CANCELLED);
        if (arrival != Arrival::idle) return arrival;
    }
}

/// Opens the current file, if it is not open, and says whether there is a row in it.
Arrival Source::open_file(leat::context& ctx, bool keep, std::uint64_t wait_ns) {
    if (!opened_) reader_.open(files_[file_], settings_.compression, keep);
    opened_ = true;
    return reader_.fill(ctx, wait_ns);
}

/// Finds the names of the columns, and leaves the first file that is not empty open. False if it has not begun within
/// the time.
bool Source::find_columns(leat::context& ctx, std::uint64_t wait_ns) {
    std::optional<std::vector<std::string>> names;
    for (; file_ < files_.size(); ++file_) {
        Arrival const arrival = open_file(ctx, true, wait_ns);
        if (arrival == Arrival::idle || arrival == Arrival::stopped) return false;
        names = first_names(ctx, reader_);
        if (names) break;
        opened_ = false;
    }
    if (!names) {
        if (settings_.column_names.empty()) {
            refuse(files_.back().name + " is empty: " +
                   (settings_.header ? "its first line must name the columns"
                                     : "without a row nobody knows its columns; name them in the option columns"));
        }
        names = settings_.column_names;
    }
    declare_types(*names);
    if (file_ < files_.size()) check_other_headers(ctx);
    return true;
}

/// Finds the types of the columns, and makes what rows are collected in.
void Source::find_types(leat::context& ctx) {
    if (file_ < files_.size()) infer_types(ctx);
    leat::fields fields;
    fixed_bytes_ = 0;
    for (Column const& column : columns_) {
        fields.emplace_back(column.name, arrow_type(column.type));
        fixed_bytes_ += bytes_per_row(column.type);
    }
    go_to_start();
    out_.emplace(ctx, fields);
}

/// To the first row, or to where the last run stopped.
void Source::go_to_start() {
    bool const pipe = file_ < files_.size() && !files_[file_].regular;
    next_ = pipe ? file_ : 0;
    if (pipe) return reader_.rewind(false);
    opened_ = false;
    file_ = to_read_[0].file;
}

/// The names of the columns by the first row of a file, which is taken; nothing if the file is empty.
std::optional<std::vector<std::string>> Source::first_names(leat::context& ctx, FileReader& reader) {
    if (settings_.header) {
        std::vector<std::string> names = names_in_header(ctx, reader);
        return names.empty() ? std::nullopt : std::optional(std::move(names));
    }
    if (!settings_.column_names.empty()) return settings_.column_names;
    RawRow row;
    while (reader.next_row(0, row) != Found::row) {
        if (wait_for_row(ctx, reader) == Arrival::end) return std::nullopt;
    }
    std::vector<std::string> names;
    for (std::size_t i = 1; i <= row.fields; ++i)
        names.push_back("column_" + std::to_string(i));
    return names;
}

/// Empty if the file is.
std::vector<std::string> Source::names_in_header(leat::context& ctx, FileReader& reader) const {
    RawRow row;
    Found found = Found::none;
    while (found == Found::none) {
        if (wait_for_row(ctx, reader) == Arrival::end) return {};
        found = reader.next_row(0, row);
    }
    std::string const place = reader.place(reader.line());
    if (found == Found::bad) refuse(place + ": the header cannot be read: " + reader.bad_reason());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < row.fields; ++i) {
        Cell const cell =
            cell_at(reader.rows().text(), reader.rows().ends(), row.first, i, i + 1 == row.fields, settings_.dialect);
        std::string name(cell.text().size() + 16, '\0');
        name.resize(cell.quoted ? copy_unquoted(name.data(), cell.begin, cell.text().size(), settings_.dialect.quote)
                                : cell.text().copy(name.data(), cell.text().size()));
        std::string const remedy =
            "; name each column once, or take the header line out and name the columns in the option columns";
        if (name.empty()) refuse(place + ": field " + std::to_string(i + 1) + " of the header is empty" + remedy);
        auto const same = std::find(names.begin(), names.end(), name);
        if (same != names.end()) {
            refuse(place + ": columns " + std::to_string(same - names.begin() + 1) + " and " + std::to_string(i + 1) +
                   " are both named " + quoted_value(name) + remedy);
        }
        names.push_back(std::move(name));
    }
    return names;
}

void Source::declare_types(std::vector<std::string> const& names) {
    columns_.clear();
    for (std::string const& name : names)
        columns_.push_back({name, Type{}, columns_.size()});
    declared_.assign(names.size(), 0);
    for (auto const& [name, type] : settings_.types) {
        auto const found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            refuse("option types: there is no column " + quoted_value(name) + "; the columns of " +
                   (file_ < files_.size() ? files_[file_] : files_.back()).name + " are " + listed(names));
        }
        auto const index = static_cast<std::size_t>(found - names.begin());
        columns_[index].type = type;
        declared_[index] = 1;
    }
}

/// Finds each column among the names of a file.
void Source::map_fields(FileReader const& reader, std::vector<std::string> const& names,
                        std::vector<Column>& columns) const {
    std::vector<std::string> missing;
    for (Column& column : columns) {
        auto const found = std::find(names.begin(), names.end(), column.name);
        if (found == names.end()) {
            missing.push_back(column.name);
        } else {
            column.field = static_cast<std::size_t>(found - names.begin());
        }
    }
    if (missing.empty() && names.size() == columns.size()) return;
    std::vector<std::string> extra;
    for (std::string const& name : names) {
        bool const known =
            std::any_of(columns.begin(), columns.end(), [&](Column const& column) { return column.name == name; });
        if (!known) extra.push_back(name);
    }
    refuse(reader.place(reader.line()) + ": the columns are not those of the first file:" +
           (missing.empty() ? "" : " it lacks " + listed(missing)) + (missing.empty() || extra.empty() ? "" : ", and") +
           (extra.empty() ? "" : " it has " + listed(extra) + " too") +
           "; files that are read together have the same columns, in any order");
}

/// All headers are looked at before the first row is read: better no row than half of them.
void Source::check_other_headers(leat::context& ctx) {
    if (!settings_.header) return;
    std::vector<Column> columns = columns_;
    for (std::size_t i = file_ + 1; i < files_.size(); ++i) {
        if (!files_[i].regular) continue;
        FileReader reader(settings_.dialect, scan_);
        reader.open(files_[i], settings_.compression, false);
        std::vector<std::string> const names = names_in_header(ctx, reader);
        if (!names.empty()) map_fields(reader, names, columns);
    }
}

void Source::infer_types(leat::context& ctx) {
    bool const nothing_to_do = std::all_of(declared_.begin(), declared_.end(), [](auto given) { return given != 0; });
    if (settings_.infer == SourceSettings::Infer::none || nothing_to_do) return;
    bool const whole = settings_.infer == SourceSettings::Infer::all;
    std::vector<Inference> inferences(columns_.size());
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    auto const look_at = [&](FileReader const& reader, RawRow const& row) {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (declared_[i] != 0 || inferences[i].settled()) continue;
            std::size_t const field = columns_[i].field;
            Cell const cell = cell_at(reader.rows().text(), reader.rows().ends(), row.first, field,
                                      field + 1 == row.fields, settings_.dialect);
            // What is empty in quotes is NULL unless the column is text, so it does not tell which.
            if (converter_.is_null(cell, Type{Kind::int64})) continue;
            inferences[i].see(cell.text());
        }
    };
    /// Until the end of the file, or what a sample needs. False when it has enough.
    auto const sample = [&](FileReader& reader) {
        auto const deadline = std::chrono::steady_clock::now() + sample_wait;
        for (;;) {
            Arrival const arrival = reader.fill(ctx, 100'000'000);
            if (arrival == Arrival::stopped) throw leat::error(LEAT_ERR_CANCELLED);
            if (arrival == Arrival::end) return true;
            if (arrival == Arrival::idle) {
                // A pipe may never give as much as a sample: what came must do, once there is something.
                if (rows > 0 && std::chrono::steady_clock::now() > deadline) return false;
                continue;
            }
            RawRow row;
            for (Found found; (found = reader.next_row(columns_.size(), row)) != Found::none;) {
                if (found == Found::row) look_at(reader, row);
                ++rows;
                bytes += found == Found::row ? row.end + 1 - row.begin : reader.bad_bytes().size();
                if (!whole && (rows >= sample_rows || bytes >= sample_bytes)) return false;
            }
        }
    };
    std::vector<Column> const by_first = columns_;
    reader_.rewind(true);
    for (std::size_t i = file_; i < files_.size(); ++i) {
        bool const first = i == file_;
        if (!first && !files_[i].regular) continue;
        FileReader other(settings_.dialect, scan_);
        FileReader& reader = first ? reader_ : other;
        if (!first) reader.open(files_[i], settings_.compression, false);
        if (settings_.header) {
            std::vector<std::string> const names = names_in_header(ctx, reader);
            if (names.empty()) continue;
            map_fields(reader, names, columns_);
        }
        if (!sample(reader)) break;
    }
    columns_ = by_first;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (declared_[i] == 0) columns_[i].type = inferences[i].type();
    }
}

// ---- Reading -------------------------------------------------------------------------------------------

Source::Limits Source::limits_of(leat_bucket_config const& hint) {
    Limits limits{usual_rows, usual_bytes, hint.max_wait_ns == 0 ? 1'000'000'000 : hint.max_wait_ns};
    if (hint.max_rows > 0) {
        // As few batches to a bucket as the usual size allows, all of one size.
        std::uint64_t const batches = (hint.max_rows + usual_rows - 1) / usual_rows;
        limits.rows = static_cast<std::int64_t>((hint.max_rows + batches - 1) / batches);
    }
    if (hint.max_bytes > 0) limits.bytes = std::min(limits.bytes, hint.max_bytes);
    return limits;
}

leat_status Source::read(leat::context& ctx, leat_bucket_config const& hint) {
    if (to_read_.empty()) {
        progress_.record(static_cast<double>(bytes_before_));
        return LEAT_END;
    }
    Limits const limits = limits_of(hint);
    if (!out_) {
        if (columns_.empty() && !find_columns(ctx, limits.wait_ns)) return LEAT_IDLE;
        find_types(ctx);
    }
    if (moved_) emit(ctx);
    bool const more = collect(ctx, limits);
    progress_.record(static_cast<double>(bytes_before_ + (opened_ ? reader_.input().bytes_read() : 0)));
    bool const something = has_something();
    if (something) emit(ctx);  // rejects alone move the position on too
    if (!more) return LEAT_END;
    return something ? LEAT_OK : LEAT_IDLE;
}

/// Fills out_ up to the limits, or with what there is within the time. False at the end of all input.
bool Source::collect(leat::context& ctx, Limits const& limits) {
    auto const begin = std::chrono::steady_clock::now();
    auto const left = [&] {
        auto const waited = std::chrono::steady_clock::now() - begin;
        auto const all = std::chrono::nanoseconds(limits.wait_ns);
        return static_cast<std::uint64_t>(std::max(all - waited, std::chrono::nanoseconds(0)).count());
    };
    while (next_ < to_read_.size()) {
        if (reading_ && !take_rows(ctx, limits)) return true;
        std::uint64_t const wait_ns = left();
        // A disk may be slow too, and there may be nothing but rows to reject.
        if (wait_ns == 0 && has_something()) return true;
        Arrival const arrival = reading_ ? reader_.fill(ctx, wait_ns) : open_file(ctx, false, wait_ns);
        if (arrival == Arrival::stopped && ctx.stop_state() == LEAT_STOP) throw leat::error(LEAT_ERR_CANCELLED);
        if (arrival == Arrival::stopped || arrival == Arrival::idle) return true;
        if (!reading_) reading_ = begin_file(ctx);
        if (reading_ && arrival != Arrival::end) continue;
        end_file();
        if (moved_) break;
    }
    return next_ < to_read_.size();
}

bool Source::has_something() {
    return out_->at(0).size() > 0 || rejected_since_emit_ > 0 || moved_;
}

void Source::end_file() {
    // Where no header was found, a later run has to look for it again.
    if (gives_positions_) read_.add_read(files_[file_], reading_ ? reader_.mark() : FileMark{});
    bytes_before_ += reader_.input().bytes_read();
    opened_ = reading_ = false;
    moved_ = gives_positions_;
    if (++next_ < to_read_.size()) file_ = to_read_[next_].file;
}

/// Reads the header of the file that reader_ has opened, and goes to where an earlier run stopped in it. False if there
/// is nothing in it.
bool Source::begin_file(leat::context& ctx) {
    FileMark const& from = to_read_[next_].from;
    bool const resumes = from.offset > 0;
    fields_ = columns_.size();
    std::vector<std::string> names;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        columns_[i].field = i;
        names.push_back(columns_[i].name);
    }
    if (settings_.header) {
        names = names_in_header(ctx, reader_);
        if (!names.empty()) {
            map_fields(reader_, names, columns_);
        } else if (!resumes) {
            return false;
        }
    }
    reader_.name_columns(std::move(names));
    if (resumes) reader_.seek(from);
    return true;
}

/// Takes what rows there are, up to the limits. False if the batch is full.
bool Source::take_rows(leat::context& ctx, Limits const& limits) {
    for (;;) {
        if (!take_slab(ctx, limits)) return false;
        if (slab_rows_.empty()) return true;
        append_slab(ctx);
    }
}

/// Takes rows for the next slab, which is empty when there is no more text; bad rows are rejected in between.
/// False if the batch is full.
bool Source::take_slab(leat::context& ctx, Limits const& limits) {
    if (!slab_rows_.empty()) return true;  // from a call that had no memory for them
    reject_waiting_row(ctx);
    std::int64_t const before = out_->at(0).size();
    auto const most = static_cast<std::size_t>(std::min<std::int64_t>(limits.rows - before, slab_rows));
    if (limits.rows <= before) return false;
    while (slab_rows_.size() < most) {
        std::uint64_t const bytes = fixed_bytes_ + reader_.next_row_bytes();
        bool const first = before == 0 && slab_rows_.empty();
        if (!first && batch_bytes_ + bytes > limits.bytes) return !slab_rows_.empty();
        RawRow row;
        Found const found = reader_.next_row(fields_, row);
        if (found == Found::none) break;
        if (found == Found::bad) {
            bad_row_waits_ = true;
            if (!slab_rows_.empty()) break;  // rejects come in the order of the rows
            reject_waiting_row(ctx);
            continue;
        }
        if (slab_rows_.empty()) {
            slab_begin_ = row.begin;
            slab_line_ = reader_.line();
        }
        slab_rows_.push_back(row.first);
        batch_bytes_ += bytes;
    }
    return true;
}

void Source::reject_waiting_row(leat::context& ctx) {
    if (!std::exchange(bad_row_waits_, false)) return;
    reject(ctx, reader_.bad_bytes(), reader_.line(), reader_.bad_reason());
}

/// Appends the rows of the slab to out_; those with a value that does not fit are rejected.
void Source::append_slab(leat::context& ctx) {
    std::int64_t const before = out_->at(0).size();
    while (!slab_rows_.empty()) {
        RowBuffer const& rows = reader_.rows();
        try {
            converter_.append({rows.text(), rows.ends(), slab_rows_, fields_}, columns_, *out_);
        } catch (...) {
            out_->truncate(before);  // the host will call again when there is memory
            throw;
        }
        if (converter_.bad().empty()) return slab_rows_.clear();
        out_->truncate(before);
        reject_bad_cells(ctx);
    }
}

/// Rejects the rows of the slab that have a value that does not fit, and takes them out of it.
void Source::reject_bad_cells(leat::context& ctx) {
    RowBuffer const& rows = reader_.rows();
    Slab const slab{rows.text(), rows.ends(), slab_rows_, fields_};
    std::uint64_t line = slab_line_;
    std::size_t counted = slab_begin_;
    constexpr std::uint32_t taken_out = 0xffffffff;
    for (BadCell const& bad : converter_.bad()) {
        std::uint32_t const first = slab_rows_[bad.row];
        if (first == taken_out) continue;  // its first reason was given
        std::size_t const begin = rows.ends()[first] + std::size_t{1};
        std::size_t const end = rows.ends()[first + fields_] + std::size_t{1};
        line += static_cast<std::uint64_t>(std::count(rows.text() + counted, rows.text() + begin, '\n'));
        counted = begin;
        Column const& column = columns_[bad.column];
        std::string_view const value = slab.cell(bad.row, column.field, settings_.dialect).text();
        reject(ctx, rows.bytes(begin, end), line,
               "column " + quoted_value(column.name) + ": " + describe(value, column.type, bad.fault));
        slab_rows_[bad.row] = taken_out;
    }
    std::erase(slab_rows_, taken_out);
}

void Source::reject(leat::context& ctx, std::string_view bytes, std::uint64_t line, std::string const& reason) {
    ++rejected_since_emit_;
    ctx.reject_raw(bytes, reader_.place(line) + ": " + reason);
}

/// Emits what was collected, or at least how far reading came.
///
/// No batch has rows of two files, and before the rows of a file there is a position that names it: a later run has to
/// find the same rows behind a position, also when files have grown or come between.
void Source::emit(leat::context& ctx) {
    std::string const position = gives_positions_ ? this->position() : "";
    leat::batch batch = out_->finish();
    batch_bytes_ = 0;
    rejected_since_emit_ = 0;
    moved_ = false;
    ctx.emit(std::move(batch), position);
}

std::string Source::position() {
    if (next_ == to_read_.size()) return read_.position();
    return read_.position(files_[file_], reading_ ? reader_.mark() : to_read_[next_].from);
}

}  // namespace csv
