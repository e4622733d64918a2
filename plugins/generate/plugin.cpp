// Synthetic rows. A cell depends on the seed, its column's name and its row number alone, so that a run can begin at
// any row, and two runs with one seed give the same data.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <leat/leat.hpp>
#include <optional>
#include <string>
#include <vector>

namespace {

using leat::builder;
using leat::context;

/// One round of SplitMix64: neighbouring inputs give unrelated outputs.
constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

/// The dice of one column.
class Dice {
public:
    Dice(std::uint64_t seed, std::string_view column) : salt_(mix(seed)) {
        for (const char c : column)
            salt_ = mix(salt_ ^ static_cast<unsigned char>(c));
    }
    std::uint64_t operator()(std::uint64_t row) const { return mix(salt_ ^ row); }

private:
    std::uint64_t salt_;
};

constexpr std::string_view words[] = {"amber", "birch", "cedar", "delta", "ember", "fjord", "grain", "heron",
                                      "inlet", "jetty", "knoll", "lotus", "maple", "north", "ocean", "prism",
                                      "quill", "river", "slate", "tidal", "umbra", "vapor", "wheel", "xenon",
                                      "yield", "zebra", "basin", "crest", "dune",  "flume", "gorge", "leat"};
constexpr std::size_t longest_word = 5;

char* write_word(char* out, std::uint64_t dice) {
    const std::string_view word = words[dice % std::size(words)];
    std::memcpy(out, word.data(), word.size());
    return out + word.size();
}

char* write_text(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

/// Two or three words, and a number so that texts differ.
constexpr std::size_t longest_phrase = 3 * (longest_word + 1) + 20;
char* write_phrase(char* out, std::uint64_t dice) {
    out = write_word(out, dice);
    *out++ = ' ';
    out = write_word(out, dice >> 8);
    *out++ = ' ';
    if ((dice >> 16) % 2 == 0) {
        out = write_word(out, dice >> 24);
        *out++ = ' ';
    }
    return std::to_chars(out, out + 20, (dice >> 32) % 100'000).ptr;
}

/// The form of a version 4 UUID (RFC 9562).
constexpr std::size_t uuid_size = 36;
char* write_uuid(char* out, std::uint64_t dice) {
    static constexpr char hex[] = "0123456789abcdef";
    std::uint64_t high = dice, low = mix(dice);
    high = (high & ~0xF000U) | 0x4000U;
    low = (low & ~(std::uint64_t{3} << 62)) | (std::uint64_t{2} << 62);
    for (std::size_t digit = 0; digit < 32; ++digit) {
        if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *out++ = '-';
        *out++ = hex[((digit < 16 ? high : low) >> (60 - 4 * (digit % 16))) & 15];
    }
    return out;
}

constexpr std::size_t longest_json = 64;
char* write_json(char* out, std::uint64_t dice) {
    out = write_text(out, R"({"word":")");
    out = write_word(out, dice);
    out = write_text(out, R"(","count":)");
    out = std::to_chars(out, out + 20, (dice >> 16) % 1000).ptr;
    out = write_text(out, (dice & 64) != 0 ? R"(,"on":true})" : R"(,"on":false})");
    return out;
}

/// Fills `count` cells from row `first` on.
using Fill = void (*)(leat::any_column&, const Dice&, std::uint64_t first, std::int64_t count);

template <class T, class Cell>
void fill_fixed(leat::any_column& column, std::uint64_t first, std::int64_t count, Cell cell) {
    auto& cells = column.as<T>();
    T* const out = cells.room(count);
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = static_cast<T>(cell(first + static_cast<std::uint64_t>(i)));
    cells.commit(count);
}

template <std::size_t Longest, char* (*Write)(char*, std::uint64_t)>
void fill_text(leat::any_column& column, const Dice& dice, std::uint64_t first, std::int64_t count) {
    auto& cells = column.as<std::string_view>();
    for (std::int64_t i = 0; i < count; ++i) {
        char* const out = cells.room(Longest);
        cells.commit(Write(out, dice(first + static_cast<std::uint64_t>(i))) - out);
    }
}

void fill_sequence(leat::any_column& column, const Dice&, std::uint64_t first, std::int64_t count) {
    fill_fixed<std::int64_t>(column, first, count, [](std::uint64_t row) { return row + 1; });
}
void fill_int(leat::any_column& column, const Dice& dice, std::uint64_t first, std::int64_t count) {
    fill_fixed<std::int64_t>(column, first, count, [&](std::uint64_t row) { return dice(row) % 1'000'000; });
}
void fill_float(leat::any_column& column, const Dice& dice, std::uint64_t first, std::int64_t count) {
    fill_fixed<double>(column, first, count,
                       [&](std::uint64_t row) { return static_cast<double>(dice(row) % 10'000'000) / 1000; });
}
void fill_bool(leat::any_column& column, const Dice& dice, std::uint64_t first, std::int64_t count) {
    auto& cells = column.as<bool>();
    for (std::int64_t i = 0; i < count; ++i)
        cells.append(dice(first + static_cast<std::uint64_t>(i)) % 2 == 0);
}
/// 2020-01-01 to 2029-12-31.
constexpr std::int64_t first_day = 18'262;
constexpr std::int64_t span_days = 3'653;
void fill_date(leat::any_column& column, const Dice& dice, std::uint64_t first, std::int64_t count) {
    fill_fixed<std::int32_t>(column, first, count, [&](std::uint64_t row) {
        return first_day + static_cast<std::int64_t>(dice(row) % span_days);
    });
}
void fill_timestamp(leat::any_column& column, const Dice& dice, std::uint64_t first, std::int64_t count) {
    constexpr std::int64_t millis_per_day = 86'400'000;
    fill_fixed<std::int64_t>(column, first, count, [&](std::uint64_t row) {
        const auto millis = static_cast<std::int64_t>(dice(row) % (span_days * millis_per_day));
        return (first_day * millis_per_day + millis) * 1000;
    });
}

struct Kind {
    std::string_view name;
    leat::data_type type;
    Fill fill;
};

const Kind* find_kind(std::string_view name) {
    static const Kind kinds[] = {
        {"sequence", leat::i64, fill_sequence},
        {"int", leat::i64, fill_int},
        {"float", leat::f64, fill_float},
        {"bool", leat::boolean, fill_bool},
        {"text", leat::utf8, fill_text<longest_phrase, write_phrase>},
        {"uuid", leat::utf8, fill_text<uuid_size, write_uuid>},
        {"date", leat::date32, fill_date},
        {"timestamp", leat::timestamp_us(), fill_timestamp},
        {"json", leat::json, fill_text<longest_json, write_json>},
    };
    for (const Kind& kind : kinds) {
        if (kind.name == name) return &kind;
    }
    return nullptr;
}

/// "5000 rows/s", "5000/min": rows per second.
double read_rate(std::string_view text) {
    double rows = 0;
    const char* const end = std::from_chars(text.data(), text.data() + text.size(), rows).ptr;
    const std::string_view unit = text.substr(text.rfind('/') + 1);
    if (end == text.data() || rows <= 0) {
        throw leat::error(LEAT_ERR_CONFIG,
                          "rate: '" + std::string(text) + "' must be more than 0, as in '5000 rows/s'");
    }
    return unit == "h" ? rows / 3600 : unit == "min" ? rows / 60 : rows;
}

class Generate {
public:
    explicit Generate(context& ctx)
        : columns_(read_columns(ctx)),
          out_(ctx, fields_of(columns_)),
          end_(ctx.has("/rows") ? std::optional<std::uint64_t>(ctx.integer("/rows")) : std::nullopt),
          batch_rows_(ctx.integer("/batch", 0)),
          rate_(ctx.has("/rate") ? read_rate(ctx.text("/rate")) : 0),
          progress_(ctx.metric(LEAT_GAUGE, "progress", "rows")) {
        if (end_) ctx.metric(LEAT_GAUGE, "progress_total", "rows").record(static_cast<double>(*end_));
    }

    void open(context&, std::string_view resume) {
        next_ = 0;
        if (!resume.empty()) {
            const char* const end = resume.data() + resume.size();
            const auto [rest, fault] = std::from_chars(resume.data(), end, next_);
            if (fault != std::errc() || rest != end) {
                throw leat::error(LEAT_ERR_FATAL,
                                  "'" + std::string(resume) + "' is no position of generate: a row number");
            }
        }
        first_ = next_;
        started_ = std::chrono::steady_clock::now();
    }

    leat_status read(context& ctx, const leat_bucket_config& hint) {
        const std::int64_t count = due(batch_rows_ > 0 ? batch_rows_ : default_rows(hint));
        if (count == 0) return at_end() ? LEAT_END : LEAT_IDLE;
        out_.truncate(0);  // what a read that ran out of memory left behind
        for (int i = 0; i < out_.columns(); ++i) {
            const Column& column = columns_[static_cast<std::size_t>(i)];
            column.kind->fill(out_.at(i), column.dice, next_, count);
        }
        next_ += static_cast<std::uint64_t>(count);
        char position[20];
        char* const end = std::to_chars(position, position + sizeof position, next_).ptr;
        ctx.emit(out_.finish(), {position, static_cast<std::size_t>(end - position)});
        progress_.record(static_cast<double>(next_));
        return at_end() ? LEAT_END : LEAT_OK;
    }

private:
    struct Column {
        std::string name;
        const Kind* kind;
        Dice dice;
    };

    static std::vector<Column> read_columns(context& ctx) {
        const auto seed = static_cast<std::uint64_t>(ctx.integer("/seed", 0));
        std::vector<Column> columns;
        for (const std::string& name : ctx.keys("/columns")) {
            const std::string kind = ctx.text("/columns" + leat::step(name));
            const Kind* const known = find_kind(kind);
            if (known == nullptr) {
                throw leat::error(LEAT_ERR_CONFIG, "columns: '" + name + "' has kind '" + kind +
                                                       "'; the kinds are sequence, int, float, bool, text, uuid, "
                                                       "date, timestamp and json");
            }
            columns.push_back({name, known, Dice(seed, name)});
        }
        if (columns.empty()) columns.push_back({"id", find_kind("sequence"), Dice(seed, "id")});
        return columns;
    }
    static leat::fields fields_of(const std::vector<Column>& columns) {
        leat::fields out;
        for (const Column& column : columns)
            out.push_back(leat::field(column.name, column.kind->type).not_null());
        return out;
    }
    static std::int64_t default_rows(const leat_bucket_config& hint) {
        constexpr std::uint64_t most = 1U << 16;  // a bucket may be large; a batch is held in memory at once
        return static_cast<std::int64_t>(hint.max_rows == 0 ? 10'000 : std::min(hint.max_rows, most));
    }

    bool at_end() const { return end_ && next_ >= *end_; }

    /// How many of `wanted` rows may go out now: what is left, and what the rate has earned so far.
    std::int64_t due(std::int64_t wanted) const {
        auto count = static_cast<std::uint64_t>(wanted);
        if (end_) count = std::min(count, *end_ > next_ ? *end_ - next_ : 0);
        if (rate_ > 0) {
            const std::chrono::duration<double> since = std::chrono::steady_clock::now() - started_;
            const auto earned = static_cast<std::uint64_t>(since.count() * rate_) + 1;
            count = std::min(count, earned - std::min(earned, next_ - first_));
        }
        return static_cast<std::int64_t>(count);
    }

    std::vector<Column> columns_;
    builder out_;
    std::optional<std::uint64_t> end_;  // without it, for ever
    std::int64_t batch_rows_;
    double rate_;  // rows per second; 0: as fast as they are taken
    leat::metric progress_;
    std::uint64_t next_ = 0;   // rows made so far, in this run and those before it
    std::uint64_t first_ = 0;  // the row that this run began with
    std::chrono::steady_clock::time_point started_;
};

constexpr leat::about about = {
    "generate",
    "Makes synthetic rows",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "generate",
  "description": "Synthetic rows: the same seed gives the same rows.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "rows": {
      "title": "Rows", "type": "integer", "minimum": 0,
      "description": "How many rows to make; without it, rows come until the pipeline is stopped."
    },
    "columns": {
      "title": "Columns", "type": "object", "minProperties": 1,
      "description": "Name and kind of each column. sequence counts 1, 2, 3...; the others are drawn from the seed.",
      "default": {"id": "sequence"},
      "additionalProperties": {
        "enum": ["sequence", "int", "float", "bool", "text", "uuid", "date", "timestamp", "json"]
      }
    },
    "seed": {
      "title": "Seed", "type": "integer", "default": 0,
      "description": "Another seed gives other values in every column but sequence."
    },
    "rate": {
      "title": "Rate", "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?(rows)?/(s|min|h)$",
      "description": "At most so many rows in a unit of time; without it, as fast as they are taken.",
      "examples": ["5000 rows/s", "1 rows/min"]
    },
    "batch": {
      "title": "Rows in a batch", "type": "integer", "minimum": 1, "maximum": 10000000,
      "description": "By default as many as a bucket holds, and at most 65536."
    }
  }
})json",
    LEAT_REPLAYABLE | LEAT_DETERMINISTIC | LEAT_NONBLOCKING,
    R"md(Makes rows out of nothing: for trying a pipeline, for load tests and for benchmarks.

| kind | Arrow type | values |
|---|---|---|
| `sequence` | int64 | 1, 2, 3... |
| `int` | int64 | 0 to 999999 |
| `float` | float64 | 0 to 9999.999 |
| `bool` | bool | |
| `text` | utf8 | two or three words and a number |
| `uuid` | utf8 | the form of a version 4 UUID |
| `date` | date32 | 2020 to 2029 |
| `timestamp` | timestamp[us] | 2020 to 2029, to the millisecond |
| `json` | utf8, arrow.json | a small object |

A cell depends on the seed, the column's name and the row number alone. No cell is NULL.
The position is the row number, so that an interrupted run goes on where it was.
)md",
    R"yaml(rows: 1000000
columns: { id: sequence, name: text, price: float, at: timestamp }
seed: 42
rate: 5000 rows/s
)yaml",
};

}  // namespace

LEAT_PLUGIN("generate", "0.1.0", "Apache-2.0", leat::source<Generate>(about))
