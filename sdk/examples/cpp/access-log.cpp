// example.access-log: a transform that takes lines of a web server's log apart, in the Common Log Format:
//
//   127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
//
// To learn from it: what comes out has another schema than what comes in (derive); texts, NULLs and timestamps; rows
// that are rejected with what was expected, and where. The first page of leat/leat.hpp is a map of what there is.
//
// "-" is NULL for user and bytes. A path is passed on as it stands in the log, with its backslashes.
#include <leat/leat.hpp>

namespace {

/// What is wrong with a line; it does not leave this file.
struct Unexpected {
    const char* expected;
    std::size_t at;
};

struct Entry {
    std::string_view host, user, method, path;
    std::int64_t time = 0, status = 0;
    std::optional<std::int64_t> bytes;
};

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

class Parser {
public:
    explicit Parser(std::string_view line) : line_(line) {}

    Entry parse() {
        Entry out;
        out.host = word("a host");
        space();
        word("an identity, or \"-\"");
        space();
        out.user = word("a user, or \"-\"");
        space();
        skip('[', "\"[\"");
        out.time = timestamp();
        skip(']', "\"]\"");
        space();
        skip('"', "a quote");
        out.method = run("a method, as in GET", [](char c) { return c >= 'A' && c <= 'Z'; });
        space();
        out.path = quoted_word("a path");
        if (is_next(' ')) {  // HTTP/0.9 has no version
            space();
            quoted_word("a version, as in HTTP/1.1");
        }
        skip('"', "a quote");
        space();
        out.status = number(3, 100, 999, "a status of three digits");
        space();
        if (is_next('-')) {
            ++at_;
        } else {
            out.bytes = bytes();
        }
        expect(at_ == line_.size(), "the end of the line", at_);
        return out;
    }

private:
    static void expect(bool holds, const char* what, std::size_t where) {
        if (!holds) throw Unexpected{what, where};
    }
    bool is_next(char byte) const { return at_ < line_.size() && line_[at_] == byte; }
    void skip(char byte, const char* what) {
        expect(is_next(byte), what, at_);
        ++at_;
    }
    void space() { skip(' ', "a space"); }

    template <class Fits>
    std::string_view run(const char* what, Fits&& fits) {
        const auto begin = at_;
        while (at_ < line_.size() && fits(line_[at_]))
            ++at_;
        expect(at_ > begin, what, begin);
        return line_.substr(begin, at_ - begin);
    }
    std::string_view word(const char* what) {
        return run(what, [](char c) { return c != ' '; });
    }
    /// Up to a space, or a quote that has no backslash in front of it.
    std::string_view quoted_word(const char* what) {
        const auto begin = at_;
        while (at_ < line_.size() && line_[at_] != ' ' && line_[at_] != '"')
            at_ += line_[at_] == '\\' && at_ + 1 < line_.size() ? 2 : 1;
        expect(at_ > begin, what, begin);
        return line_.substr(begin, at_ - begin);
    }
    /// A number of exactly `digits` digits, from `least` to `most`.
    std::int64_t number(std::size_t digits, std::int64_t least, std::int64_t most, const char* what) {
        const auto begin = at_;
        std::int64_t out = 0;
        while (at_ < line_.size() && at_ - begin < digits && is_digit(line_[at_]))
            out = out * 10 + (line_[at_++] - '0');
        expect(at_ - begin == digits && out >= least && out <= most, what, begin);
        return out;
    }
    std::int64_t bytes() {
        std::size_t digits = 0;
        while (at_ + digits < line_.size() && digits < 18 && is_digit(line_[at_ + digits]))
            ++digits;
        return number(std::max<std::size_t>(digits, 1), 0, INT64_MAX, "a number of bytes, or \"-\"");
    }
    std::int64_t month() {
        constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
        for (std::size_t i = 0; i < 12; ++i) {
            if (line_.substr(at_, 3) != names.substr(3 * i, 3)) continue;
            at_ += 3;
            return static_cast<std::int64_t>(i) + 1;
        }
        throw Unexpected{"a month, as in Oct", at_};
    }

    static bool is_leap(std::int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
    static std::int64_t days_in(std::int64_t year, std::int64_t month) {
        constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
    }
    /// Days from 1970-01-01 in the Gregorian calendar; the year is not negative.
    static std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
        // Leap days of the years before; the year 0 has one itself.
        const std::int64_t last = year - 1;
        std::int64_t days = year * 365 + (year == 0 ? 0 : last / 4 - last / 100 + last / 400 + 1);
        for (std::int64_t m = 1; m < month; ++m)
            days += days_in(year, m);
        return days + day - 1 - 719528;
    }

    /// As in 10/Oct/2000:13:55:36 -0700; microseconds since 1970 in UTC.
    std::int64_t timestamp() {
        const auto begin = at_;
        const auto day = number(2, 1, 31, "a day, 01 to 31");
        skip('/', "\"/\"");
        const auto of_month = month();
        skip('/', "\"/\"");
        const auto year = number(4, 0, 9999, "a year of four digits");
        expect(day <= days_in(year, of_month), "a day that the month has", begin);
        skip(':', "\":\"");
        const auto hour = number(2, 0, 23, "an hour, 00 to 23");
        skip(':', "\":\"");
        const auto minute = number(2, 0, 59, "a minute, 00 to 59");
        skip(':', "\":\"");
        const auto second = number(2, 0, 59, "a second, 00 to 59");
        space();
        const bool is_west = is_next('-');
        expect(is_west || is_next('+'), "\"+\" or \"-\"", at_);
        ++at_;
        const auto zone_hours = number(2, 0, 23, "hours of a zone, 00 to 23");
        const auto zone_minutes = number(2, 0, 59, "minutes of a zone, 00 to 59");
        const auto zone = (zone_hours * 60 + zone_minutes) * (is_west ? -60 : 60);
        return (days_of(year, of_month, day) * 86400 + hour * 3600 + minute * 60 + second - zone) * 1'000'000;
    }

    std::string_view line_;
    std::size_t at_ = 0;
};

leat::fields columns() {
    return {leat::field("host", leat::utf8).not_null(),
            leat::field("user", leat::utf8),
            leat::field("time", leat::timestamp_us("UTC")).not_null(),
            leat::field("method", leat::utf8).not_null(),
            leat::field("path", leat::utf8).not_null(),
            leat::field("status", leat::i32).not_null(),
            leat::field("bytes", leat::i64)};
}

class AccessLog {
public:
    explicit AccessLog(leat::context& ctx) : column_(ctx.text("/column")), out_(ctx, columns()) {}

    // What comes out does not depend on what comes in, but for the column that must be there.
    const leat_schema* derive(leat::context&, const leat_schema* in) {
        find(leat::schema_view(in));
        return out_.schema_handle();
    }

    // What this call has rejected and emitted counts only if it throws nothing.
    void process(leat::context& ctx, leat::batch& in) {
        const leat::column<std::string_view> texts(in, find(in.schema()));
        out_.truncate(0);  // of a call that has failed
        for (std::int64_t row = 0; row < texts.size(); ++row) {
            if (!texts.valid(row)) {
                ctx.reject_row(row, "not a line of a log: it is NULL");
                continue;
            }
            try {
                add(Parser(texts[row]).parse());
            } catch (const Unexpected& why) {
                ctx.reject_row(row, std::string("not a line of a log: expected ") + why.expected + " at byte " +
                                        std::to_string(why.at + 1));
            }
        }
        if (out_.rows() > 0) ctx.emit(out_.finish());
    }

private:
    void add(const Entry& entry) {
        out_.put(0, entry.host);
        if (entry.user != "-") out_.put(1, entry.user);  // a column that is left out is NULL
        out_.column<std::int64_t>(2).append(entry.time);
        out_.put(3, entry.method).put(4, entry.path).put(5, entry.status).put(6, entry.bytes).end_row();
    }
    int find(const leat::schema_view& schema) const {
        const int found = schema.index(column_);
        if (found >= 0 && schema[found].type().id == leat::kind::utf8) return found;
        throw leat::error(LEAT_ERR_CONFIG, "there is no utf8 column \"" + column_ + "\": set `column`");
    }

    std::string column_;
    leat::builder out_;
};

constexpr auto config = R"({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "column": {"type": "string", "maxLength": 63, "default": "text",
               "description": "The column of utf8 that has the lines"}
  }
})";

}  // namespace

LEAT_PLUGIN("example-access-log", "1.0.0", "Apache-2.0",
            leat::transform<AccessLog>(leat::about{"example.access-log",
                                                   "Takes lines of a web server's log apart (Common Log Format)",
                                                   config, LEAT_STATELESS | LEAT_DETERMINISTIC}
                                           .with_example("column: text")))
