#include "sink.hpp"

#include <algorithm>

namespace csv {
namespace {

// Large enough that system calls cost nothing, small enough to stay in the processor's cache.
constexpr std::size_t block_size = std::size_t{256} << 10;

char delimiter_option(leat::context const& ctx) {
    std::string const text = ctx.text("/delimiter", ",");
    if (text == "\\t") return '\t';
    bool const sound = text.size() == 1 && text.find_first_of(std::string_view("\"\n\r\0", 4)) == std::string::npos &&
                       (text[0] & 0x80) == 0;
    if (!sound) {
        throw leat::error(LEAT_ERR_CONFIG, "option delimiter: '" + text +
                                               "' is not one ASCII character other than a quote or a line break");
    }
    return text[0];
}

std::string_view without_line_end(std::string_view line) {
    return line.substr(0, line.size() - 1);
}

}  // namespace

Sink::Sink(leat::context& ctx)
    : delimiter_(delimiter_option(ctx)),
      header_(ctx.boolean("/header", true)),
      file_(ctx.text("/path"), ndjson::write_mode_named(ctx.text("/mode", "create"))) {}

void Sink::begin(leat::context& ctx, leat_bucket const& bucket) {
    file_.begin(ctx, bucket);
    if (!begun_) header_in_file_ = !header_ || file_.size() > 0;
    begun_ = true;
    header_due_ = !header_in_file_;
    text_.clear();
    if (file_.lacks_line_end()) text_.append("\n");
}

void Sink::write(leat::context& ctx, leat::batch& batch) {
    if (batch.schema_handle() != schema_) use_schema(batch);
    if (std::exchange(header_due_, false)) text_.append(columns_);
    writer_->bind(batch);
    for (std::int64_t row = 0; row < batch.rows();) {
        // What cannot be taken back is kept until the commit.
        bool const whole_bucket = !file_.can_be_cut();
        row = writer_->write(text_, row, batch.rows(), whole_bucket ? SIZE_MAX : block_size);
        if (!whole_bucket && text_.size() >= block_size) flush(ctx);
    }
    for (Refusal const& refusal : writer_->take_refusals())
        ctx.reject_rows(refusal.rows, file_.path() + ": " + refusal.why);
}

void Sink::commit(leat::context& ctx, leat_bucket const& bucket) {
    flush(ctx);
    file_.commit(bucket);
    header_in_file_ = !header_due_;
}

void Sink::abort(leat::context& ctx, leat_bucket const&) {
    text_.clear();
    file_.abort(ctx);
}

void Sink::use_schema(leat::batch const& batch) {
    CsvWriter writer(batch.schema(), delimiter_);
    std::string columns = writer.header();
    if (columns_.empty()) {
        if (header_ && !header_due_) {
            check_header_of_file(columns);
        }
    } else if (columns != columns_) {
        throw leat::error(LEAT_ERR_FATAL,
                          "the columns changed within the run: a CSV file has one set of columns, and " + file_.path() +
                              " was begun with " + std::string(without_line_end(columns_)) + ", not " +
                              std::string(without_line_end(columns)));
    }
    columns_ = std::move(columns);
    writer_.emplace(std::move(writer));
    schema_ = batch.schema_handle();
}

/// The header of a file that is appended to must be ours.
void Sink::check_header_of_file(std::string_view columns) const {
    std::string_view const ours = without_line_end(columns);
    std::string const bytes = file_.head(ours.size() + 256);
    std::string_view found = bytes;
    if (found.substr(0, 3) == "\xef\xbb\xbf") found.remove_prefix(3);
    std::string_view const behind = found.substr(std::min(ours.size(), found.size()));
    bool const same =
        found.substr(0, ours.size()) == ours && (behind.empty() || behind[0] == '\n' || behind.substr(0, 2) == "\r\n");
    if (same) return;
    found = found.substr(0, found.find_first_of("\r\n"));
    throw leat::error(LEAT_ERR_CONFIG, "cannot append to " + file_.path() + ": it begins with '" + std::string(found) +
                                           "', and the columns to write are '" + std::string(ours) +
                                           "': append to a file of the same columns, or use another path");
}

void Sink::flush(leat::context const& ctx) {
    file_.write(ctx, text_.view());
    text_.clear();
}

}  // namespace csv
