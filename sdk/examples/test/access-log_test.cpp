// access-log_test PLUGIN.so: the test of example.access-log, the same for every language.
#include "expect.hpp"

namespace {

using leat::testing::instance;

const leat_component* component;

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text)
        out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return out + "\"";
}

leat::batch batch_of(leat::testing::host& h, const std::vector<std::string>& texts) {
    std::string rows = "[";
    for (const std::string& text : texts)
        rows += (rows.size() > 1 ? ", [1, " : "[1, ") + (text == "NULL" ? "null" : quoted(text)) + "]";
    return h.batch_of({{"line", leat::i64}, {"text", leat::utf8}}, rows + "]");
}

/// What comes out of a line: its row, or "! reason".
std::string parsed(const std::string& line) {
    leat::testing::host h;
    leat::batch in = batch_of(h, {line});
    instance log(*component);
    expect(log.process(in) == LEAT_OK, "it takes a batch", log.failure());
    std::string out = log.text();
    for (const auto& reject : log.rejects)
        out += "! " + reject.why;
    expect_same(log.finish(), "", "it leaks nothing, and keeps the rules");
    return out;
}

/// The seconds since 1970 that a time in the log is.
std::string seconds_of(const std::string& time) {
    leat::testing::host h;
    leat::batch in = batch_of(h, {"h - u [" + time + "] \"GET / HTTP/1.1\" 200 1"});
    instance log(*component);
    expect(log.process(in) == LEAT_OK, "it takes a batch", log.failure());
    if (!log.rejects.empty()) return log.rejects[0].why;
    const leat::column<std::int64_t> times(log.emitted.at(0).rows, "time");
    expect(times[0] % 1000000 == 0, "there are no fractions");
    return std::to_string(times[0] / 1000000);
}

constexpr auto example = R"(127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326)";

void parses_lines() {
    expect_same(parsed(example),
                R"({"host":"127.0.0.1","user":"frank","time":"2000-10-10T20:55:36Z","method":"GET",)"
                R"("path":"/apache_pb.gif","status":200,"bytes":2326})"
                "\n",
                "it takes a line apart");
    expect_same(parsed(R"(::1 x - [29/Feb/2024:23:59:59 +0000] "POST /a\"b HTTP/2" 503 -)"),
                R"({"host":"::1","user":null,"time":"2024-02-29T23:59:59Z","method":"POST","path":"/a\\\"b",)"
                R"("status":503,"bytes":null})"
                "\n",
                "- is NULL, and a quote in a path has a backslash");
    expect_same(
        parsed("h\xC3\xB6st - - [01/Jan/1970:00:00:00 +0000] \"GET /\" 100 999999999999999999"),
        "{\"host\":\"h\xC3\xB6st\",\"user\":null,\"time\":\"1970-01-01T00:00:00Z\",\"method\":\"GET\",\"path\":\"/"
        "\",\"status\":100,\"bytes\":999999999999999999}\n",
        "HTTP/0.9 has no version; bytes are of 64 bits");
}

void knows_the_calendar() {
    expect_same(seconds_of("01/Jan/1970:00:00:00 +0000"), "0", "1970");
    expect_same(seconds_of("31/Dec/1969:23:59:59 +0000"), "-1", "before 1970");
    expect_same(seconds_of("01/Jan/1970:02:30:00 +0230"), "0", "a zone in the east");
    expect_same(seconds_of("31/Dec/1969:20:15:00 -0345"), "0", "a zone in the west");
    expect_same(seconds_of("01/Mar/2000:00:00:00 +0000"), "951868800", "2000 has a leap day");
    expect_same(seconds_of("01/Mar/1900:00:00:00 +0000"), "-2203891200", "1900 has none");
    expect_same(seconds_of("31/Dec/9999:23:59:59 +0000"), "253402300799", "the last year");
    expect_same(seconds_of("01/Jan/0000:00:00:00 +0000"), "-62167219200", "the first year");
    expect_same(seconds_of("01/Mar/0000:00:00:00 +0000"), "-62162035200", "which has a leap day");
    // Each day of many years is the day after the day before.
    static const char* const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    leat::testing::host h;
    std::vector<std::string> lines;
    std::size_t days = 0;
    for (int year = 1896; year <= 2105; ++year) {
        for (int month = 0; month < 12; ++month) {
            for (int day = 1; day <= 31; ++day) {
                char text[80];
                std::snprintf(text, sizeof text, "h - - [%02d/%s/%04d:00:00:00 +0000] \"GET / H\" 200 1", day,
                              names[month], year);
                lines.emplace_back(text);
            }
        }
        days += (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;
    }
    leat::batch in = batch_of(h, lines);
    instance log(*component);
    expect(log.process(in) == LEAT_OK, "it takes many lines", log.failure());
    const leat::column<std::int64_t> times(log.emitted.at(0).rows, "time");
    expect(times.size() == static_cast<std::int64_t>(days), "every year has its days", std::to_string(times.size()));
    expect(log.rejects.size() == lines.size() - days, "days that are not are rejected");
    for (std::int64_t i = 1; i < times.size(); ++i)
        expect(times[i] - times[i - 1] == 86400000000, "a day follows the other", std::to_string(i));
}

void rejects(const std::string& line, const std::string& expected, std::size_t at) {
    expect_same(parsed(line), "! not a line of a log: expected " + expected + " at byte " + std::to_string(at),
                "it says what it expected in " + line);
}

void says_what_it_expected_and_where() {
    rejects("", "a host", 1);
    rejects("h", "a space", 2);
    rejects("h ", "an identity, or \"-\"", 3);
    rejects("h -", "a space", 4);
    rejects("h - ", "a user, or \"-\"", 5);
    rejects("h - u 10", "\"[\"", 7);
    const std::string start = "h - u [";
    rejects(start + "1/Oct/2000:13:55:36 -0700]", "a day, 01 to 31", 8);
    rejects(start + "00/Oct/2000:13:55:36 -0700]", "a day, 01 to 31", 8);
    rejects(start + "10-Oct/2000:13:55:36 -0700]", "\"/\"", 10);
    rejects(start + "10/oct/2000:13:55:36 -0700]", "a month, as in Oct", 11);
    rejects(start + "10/Oc", "a month, as in Oct", 11);
    rejects(start + "10/Oct 2000:13:55:36 -0700]", "\"/\"", 14);
    rejects(start + "10/Oct/200:13:55:36 -0700]", "a year of four digits", 15);
    rejects(start + "31/Nov/2000:13:55:36 -0700]", "a day that the month has", 8);
    rejects(start + "29/Feb/1900:13:55:36 -0700]", "a day that the month has", 8);
    rejects(start + "10/Oct/2000 13:55:36 -0700]", "\":\"", 19);
    rejects(start + "10/Oct/2000:24:55:36 -0700]", "an hour, 00 to 23", 20);
    rejects(start + "10/Oct/2000:13:60:36 -0700]", "a minute, 00 to 59", 23);
    rejects(start + "10/Oct/2000:13:55:60 -0700]", "a second, 00 to 59", 26);
    rejects(start + "10/Oct/2000:13:55:36-0700]", "a space", 28);
    rejects(start + "10/Oct/2000:13:55:36 0700]", "\"+\" or \"-\"", 29);
    rejects(start + "10/Oct/2000:13:55:36 -2400]", "hours of a zone, 00 to 23", 30);
    rejects(start + "10/Oct/2000:13:55:36 -0760]", "minutes of a zone, 00 to 59", 32);
    const std::string timed = start + "10/Oct/2000:13:55:36 -0700";
    rejects(timed, "\"]\"", 34);
    rejects(timed + "] GET", "a quote", 36);
    rejects(timed + "] \"get / HTTP/1.0\" 200 1", "a method, as in GET", 37);
    rejects(timed + "] \"GET\" 200 1", "a space", 40);
    rejects(timed + "] \"GET \" 200 1", "a path", 41);
    rejects(timed + "] \"GET / \" 200 1", "a version, as in HTTP/1.1", 43);
    rejects(timed + "] \"GET / HTTP/1.0 200 1", "a quote", 51);
    rejects(timed + "] \"GET / H\"", "a space", 45);
    rejects(timed + "] \"GET / H\" 20 1", "a status of three digits", 46);
    rejects(timed + "] \"GET / H\" 2000 1", "a space", 49);
    rejects(timed + "] \"GET / H\" 200 ", "a number of bytes, or \"-\"", 50);
    rejects(timed + "] \"GET / H\" 200 x", "a number of bytes, or \"-\"", 50);
    rejects(timed + "] \"GET / H\" 200 1x", "the end of the line", 51);
    rejects(timed + "] \"GET / H\" 200 - \"http://from\" \"agent\"", "the end of the line", 51);
    rejects(timed + "] \"GET / H\" 200 1234567890123456789", "the end of the line", 68);
    rejects(timed + "] \"GET /\\", "a quote", 43);
    rejects("h\xC3\xB6 - u 10", "\"[\"", 9);  // bytes, not characters
    expect_same(parsed("NULL"), "! not a line of a log: it is NULL", "a NULL is rejected");
    // Cut anywhere, a line is rejected, but for its last digits.
    for (std::size_t size = 0; size <= std::string(example).size() - 4; ++size)
        expect(parsed(std::string(example).substr(0, size)).rfind("! not a line of a log: expected ", 0) == 0,
               "a line that is cut is rejected", std::to_string(size));
}

void keeps_good_rows_among_bad_ones() {
    leat::testing::host h;
    leat::batch in = batch_of(h, {"bad", example, "NULL", example, example, "bad", "bad"});
    instance log(*component);
    expect(log.process(in) == LEAT_OK && log.rows() == 3 && log.rejects.size() == 4,
           "each row is passed on or rejected");
    expect_same(std::to_string(log.rejects[0].row) + std::to_string(log.rejects[1].row) +
                    std::to_string(log.rejects[2].row) + std::to_string(log.rejects[3].row),
                "0256", "the rejected rows are named by where they are in the batch");
    leat::batch bad = batch_of(h, {"bad", "NULL"});
    instance nothing(*component);
    expect(nothing.process(bad) == LEAT_OK && nothing.rows() == 0 && nothing.rejects.size() == 2, "all may be bad");
    leat::batch none = batch_of(h, {});
    expect(nothing.process(none) == LEAT_OK && nothing.rows() == 0, "a batch may be empty");
    log.reject_limit = 2;
    expect(log.process(in) == LEAT_ERR_FATAL, "too many dead letters end the run");
    expect_same(log.finish() + nothing.finish(), "", "it leaks nothing, and keeps the rules");
}

void heeds_offsets() {
    leat::testing::host h;
    std::vector<std::string> lines;
    for (int i = 0; i < 40; ++i) {
        lines.push_back(i % 5 == 3   ? "NULL"
                        : i % 7 == 2 ? "bad"
                                     : "h - u [10/Oct/2000:13:55:36 -0700] \"GET /" + std::to_string(i) + " H\" 200 1");
    }
    for (std::int64_t first = 0; first < 40; ++first) {
        leat::batch in = batch_of(h, lines);
        in.crop(first, 40 - first);
        leat::batch due = batch_of(h, {lines.begin() + first, lines.end()});
        instance log(*component), same(*component);
        expect(log.process(in) == LEAT_OK && same.process(due) == LEAT_OK, "it takes a slice", log.failure());
        expect_same(log.text(), same.text(), "a slice is its rows");
        expect(log.rejects.size() == same.rejects.size(), "and its rejects");
        for (std::size_t i = 0; i < log.rejects.size(); ++i)
            expect(log.rejects[i].row == same.rejects[i].row, "counted from the first of the slice");
        expect_same(log.finish() + same.finish(), "", "it leaks nothing");
    }
}

void says_what_comes_out() {
    leat::testing::host h;
    leat::batch in = batch_of(h, {example});
    instance log(*component);
    const leat_schema* out = nullptr;
    expect(log.derive(in.raw().schema, &out) == LEAT_OK, "it derives", log.failure());
    expect(log.process(in) == LEAT_OK && log.emitted[0].rows.raw().schema == out, "what comes out is what it has said");
    std::string columns;
    const leat::schema_view schema(out);
    for (int i = 0; i < schema.size(); ++i)
        columns += std::string(schema[i].name()) + " " + schema[i].raw().format + (schema[i].nullable() ? "? " : " ");
    expect_same(columns, "host u user u? time tsu:UTC method u path u status i bytes l? ", "which are these columns");
    instance wrong(*component, R"({"column": "line"})");
    const std::string why = "there is no utf8 column \"line\": set `column`";
    expect(wrong.derive(in.raw().schema, &out) == LEAT_ERR_CONFIG, "a column of numbers is refused");
    expect_same(wrong.failure(), why, "it says why");
    expect(wrong.process(in) == LEAT_ERR_CONFIG, "also when a batch comes");
    expect_same(wrong.failure(), why, "with the same words");
    expect_same(log.finish() + wrong.finish(), "", "it leaks nothing, and keeps the rules");
}

void does_without_memory() {
    leat::testing::host h;
    leat::batch in = batch_of(h, std::vector<std::string>(200, example));
    instance log(*component);
    leat_status status = LEAT_ERR_RETRY;
    int refused = 0;
    for (std::uint64_t limit = 0; status == LEAT_ERR_RETRY; limit += 2000) {
        log.set_memory_limit(limit);
        status = log.process(in);
        if (status == LEAT_ERR_RETRY) ++refused;
    }
    expect(status == LEAT_OK && refused > 5 && log.rows() == 200, "it asks for the call again, and does it then");
    expect_same(log.finish(), "", "it leaks nothing");
}

}  // namespace

int main(int argc, char** argv) {
    expect(argc == 2, "usage: access-log_test PLUGIN.so");
    const leat::testing::library file(std::filesystem::absolute(argv[1]).c_str());
    component = &file.component("example.access-log");
    expect(component->flags == (LEAT_STATELESS | LEAT_DETERMINISTIC), "it promises what it keeps");
    parses_lines();
    knows_the_calendar();
    says_what_it_expected_and_where();
    keeps_good_rows_among_bad_ones();
    heeds_offsets();
    says_what_comes_out();
    does_without_memory();
    std::puts("passed");
}
