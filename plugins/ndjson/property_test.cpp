// What holds for any rows and any lines, on ndjson.so as a host drives it. A failure prints its counterexample and
// seed.
#define BOOST_TEST_MODULE plugin_ndjson_properties
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cmath>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "test_support.hpp"

using namespace file_test;

namespace {

std::string with_path(const std::string& more, const std::string& path = "events.ndjson") {
    return options(path, more);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ndjson_round_trip, Directory)

/// Runs a property and reports its counterexample and seed.
template <class Property>
void holds(Property&& property) {
    std::ostringstream report;
    const auto result = rc::detail::checkTestable(std::forward<Property>(property));
    rc::detail::printResultMessage(result, report);
    BOOST_TEST_CONTEXT(report.str()) BOOST_TEST(result.template is<rc::detail::SuccessResult>());
}

const std::string types_option =
    R"~("infer": "none", "types": {"b": "bool", "i": "int64", "u": "uint64", "f": "float64", "g": "float32",
    "c": "decimal(38,7)", "s": "text", "x": "binary", "d": "date", "h": "time", "t": "timestamp", "z": "timestamptz",
    "p": "duration", "j": "json"})~";

/// A batch of every declared type, all values of which the sink can write.
leat::batch any_rows(const leat::context& ctx, std::size_t rows) {
    leat::builder out(ctx, {{"b", leat::boolean},
                            {"i", leat::i64},
                            {"u", leat::u64},
                            {"f", leat::f64},
                            {"g", leat::f32},
                            {"c", leat::decimal(38, 7)},
                            {"s", leat::utf8},
                            {"x", leat::binary},
                            {"d", leat::date32},
                            {"h", leat::time64_us},
                            {"t", leat::timestamp_us()},
                            {"z", leat::timestamp_us("UTC")},
                            {"p", leat::duration_us},
                            {"j", leat::json}});
    const auto maybe = [] { return *rc::gen::inRange(0, 6) != 0; };
    const auto text = [] {
        std::string s;
        for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(
                 std::vector<std::string>{"a", "\"", "\\", "\n", std::string(1, '\0'), "\xC3\xA9", "\xF0\x9F\x98\x80",
                                          "\x1F", "sixteen bytes at once", "/"}))) {
            s += piece;
        }
        return s;
    };
    const auto real = [](auto zero) {
        using Float = decltype(zero);
        using Bits = std::conditional_t<sizeof(Float) == 8, std::uint64_t, std::uint32_t>;
        const Bits bits = *rc::gen::arbitrary<Bits>();
        Float value;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value)) value = 0;
        return *rc::gen::element(value, static_cast<Float>(*rc::gen::inRange(-100000, 100000)) / 100);
    };
    for (std::size_t row = 0; row < rows; ++row) {
        if (maybe()) out.column<bool>(0).append(*rc::gen::arbitrary<bool>());
        if (maybe()) out.column<std::int64_t>(1).append(*rc::gen::arbitrary<std::int64_t>());
        if (maybe()) out.column<std::uint64_t>(2).append(*rc::gen::arbitrary<std::uint64_t>());
        if (maybe()) out.column<double>(3).append(real(0.0));
        if (maybe()) out.column<float>(4).append(real(0.0F));
        if (maybe()) {
            const auto high = *rc::gen::inRange<std::int64_t>(-5000000000000000000, 5000000000000000000);  // 37 digits
            out.column<leat::decimal128>(5).append({high, *rc::gen::arbitrary<std::uint64_t>()});
        }
        if (maybe()) out.put(6, text());
        if (maybe()) out.put(7, *rc::gen::arbitrary<std::string>());
        if (maybe()) out.put(8, *rc::gen::inRange(-719528, 2932897));
        if (maybe()) out.put(9, *rc::gen::inRange<std::int64_t>(0, 86400000000));
        if (maybe()) out.put(10, *rc::gen::inRange<std::int64_t>(-62167219200000000, 253402300800000000));
        if (maybe()) out.put(11, *rc::gen::inRange<std::int64_t>(-62167219200000000, 253402300800000000));
        if (maybe()) out.put(12, *rc::gen::arbitrary<std::int64_t>());
        if (maybe()) out.put(13, *rc::gen::element<std::string>("1", "\"x\"", "[1, {\"a\":null}]", "{}", "-0.5e-7"));
        out.end_row();
    }
    return out.finish();
}

/// The values of a column of `batch`, bit by bit where they are floats.
bool same_cells(const leat::batch& a, const leat::batch& b, std::int64_t first) {
    for (int i = 0; i < a.columns(); ++i) {
        const leat::array_view x = a.column(i);
        const leat::array_view y = b.column(i);
        for (std::int64_t row = 0; row < b.rows(); ++row) {
            if (x.valid(first + row) != y.valid(row)) return false;
            if (!y.valid(row)) continue;
            if (x.type().id == leat::kind::float64) {
                const double p = leat::column<double>(x)[first + row];
                const double q = leat::column<double>(y)[row];
                if (std::memcmp(&p, &q, sizeof p) != 0) return false;
            }
        }
    }
    return true;
}

BOOST_AUTO_TEST_CASE(gives_back_what_was_written_whatever_the_types_and_the_batches) {
    holds([] {
        leat::testing::host host;
        const leat::context ctx = host.ctx();
        leat::batch batch = any_rows(ctx, *rc::gen::inRange<std::size_t>(1, 40));
        instance sink(component(LEAT_SINK), with_path(R"("mode": "replace")", "out.ndjson"));
        RC_ASSERT(sink.load(batch) == LEAT_OK);
        RC_ASSERT(reasons(sink) == "");
        instance source(component(LEAT_SOURCE), with_path(types_option, "out.ndjson"));
        RC_ASSERT(source.read_all(*rc::gen::inRange<std::uint64_t>(1, 20)) == LEAT_END);
        RC_ASSERT(reasons(source) == "");
        RC_ASSERT(source.text() == leat::testing::text_of(batch));
        std::int64_t first = 0;
        for (const auto& emitted : source.emitted) {
            RC_ASSERT(same_cells(batch, emitted.rows, first));
            first += emitted.rows.rows();
        }
        RC_ASSERT(source.finish() == "");
        RC_ASSERT(sink.finish() == "");
    });
}

BOOST_AUTO_TEST_CASE(reads_the_same_rows_wherever_the_borders_of_what_arrives_fall) {
    holds([] {
        std::string text;
        const int lines = *rc::gen::inRange(1, 30);
        for (int i = 0; i < lines; ++i) {
            text += *rc::gen::element<std::string>("{\"a\":1,\"b\":\"x\"}", "{\"b\":\"\xC3\xA9\\n\",\"a\":-7}", "{oops",
                                                   "", "{\"a\":null}");
            text += *rc::gen::element<std::string>("\n", "\r\n");
        }
        if (*rc::gen::arbitrary<bool>()) text.pop_back();
        const std::string declared = R"("infer": "none", "types": {"a": "int64", "b": "text"})";
        put("whole", text);
        instance whole(component(LEAT_SOURCE), with_path(declared, "whole"));
        RC_ASSERT(whole.read_all() == LEAT_END);

        fs::remove("pipe");
        RC_ASSERT(::mkfifo("pipe", 0600) == 0);
        instance piped(component(LEAT_SOURCE), with_path(declared, "pipe"));
        RC_ASSERT(piped.open() == LEAT_OK);
        RC_ASSERT(piped.read(0, 0, 1) == LEAT_IDLE);
        const int fd = ::open("pipe", O_WRONLY);
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t size = std::min(text.size() - at, *rc::gen::inRange<std::size_t>(1, 12));
            RC_ASSERT(::write(fd, text.data() + at, size) == static_cast<ssize_t>(size));
            at += size;
            RC_ASSERT(piped.read(*rc::gen::inRange<std::uint64_t>(0, 4), 0, 1) >= 0);
        }
        ::close(fd);
        RC_ASSERT(piped.read_all() == LEAT_END);
        RC_ASSERT(piped.text() == whole.text());
        RC_ASSERT(piped.rejects.size() == whole.rejects.size());
        for (std::size_t i = 0; i < piped.rejects.size(); ++i) {
            RC_ASSERT(piped.rejects[i].what == whole.rejects[i].what);
            RC_ASSERT("whole" + piped.rejects[i].why.substr(4) == whole.rejects[i].why);
        }
    });
}

/// Grammar written once more, and plainly: a JSON text (RFC 8259), or not.
class Grammar {
public:
    explicit Grammar(std::string_view text) : text_(text) {}
    bool all() { return blank() && value() && blank() && at_ == text_.size(); }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool blank() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(peek()) != std::string_view::npos)
            ++at_;
        return true;
    }
    bool take(char c) { return at_ < text_.size() && peek() == c && ++at_ > 0; }
    bool word(std::string_view w) { return text_.substr(at_, w.size()) == w && (at_ += w.size()) > 0; }
    bool digits() {
        const std::size_t before = at_;
        while (peek() >= '0' && peek() <= '9')
            ++at_;
        return at_ > before;
    }
    bool value() {
        if (take('{')) return list('}', true);
        if (take('[')) return list(']', false);
        if (peek() == '"') return string();
        return word("true") || word("false") || word("null") || number();
    }
    bool list(char end, bool keys) {
        blank();
        if (take(end)) return true;
        do {
            blank();
            if (keys && !(string() && blank() && take(':') && blank())) return false;
            if (!value()) return false;
            blank();
        } while (take(','));
        return take(end);
    }
    bool string() {
        if (!take('"')) return false;
        while (at_ < text_.size() && peek() != '"') {
            if (static_cast<unsigned char>(peek()) < 0x20) return false;
            if (!take('\\')) {
                ++at_;
            } else if (!escape()) {
                return false;
            }
        }
        return take('"');
    }
    bool escape() {
        const char c = peek();
        if (std::string_view("\"\\/bfnrtu").find(c) == std::string_view::npos || c == '\0') return false;
        ++at_;
        for (int i = 0; c == 'u' && i < 4; ++i, ++at_) {
            if (std::isxdigit(static_cast<unsigned char>(peek())) == 0) return false;
        }
        return true;
    }
    bool number() {
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (!take('+')) take('-');
            return digits();
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

BOOST_AUTO_TEST_CASE(takes_a_line_if_and_only_if_it_is_json) {
    holds([] {
        const std::string good = *rc::gen::element<std::string>(
            R"({"a":1,"b":"x\"y","c":[1,2.5e3,{"k":null}],"d":true})", R"( { "a" : -0.5 , "c" : [ ] , "d" : false } )",
            R"({"c":{"x":[[]],"y":"\u00e9\\"},"b":"","a":12345678901})", R"({"d":null,"b":"\ud83d\ude00"})");
        std::string line = good;
        const int changes = *rc::gen::inRange(0, 4);
        for (int i = 0; i < changes; ++i) {
            const auto at = *rc::gen::inRange<std::size_t>(0, line.size());
            const char c = *rc::gen::elementOf(std::string("{}[]\",:0123456789.eE+-tfn\\u /abcd\t "));
            switch (*rc::gen::inRange(0, 3)) {
                case 0:
                    line[at] = c;
                    break;
                case 1:
                    line.insert(at, 1, c);
                    break;
                default:
                    line.erase(at, 1);
            }
            if (line.empty()) line = " 1";
        }
        put("events.ndjson", line + "\n");
        const auto type = [](const char* column, const std::vector<std::string>& types) {
            return std::string("\"") + column + "\": \"" + *rc::gen::elementOf(types) + "\"";
        };
        const std::string types = type("a", {"json", "int64", "float64", "decimal(38,4)", "uint8"}) + ", " +
                                  type("b", {"json", "text", "date"}) + ", " + type("c", {"json", "text"}) + ", " +
                                  type("d", {"json", "bool"});
        instance source(component(LEAT_SOURCE), with_path("\"infer\": \"none\", \"types\": {" + types + "}"));
        RC_ASSERT(source.read_all() == LEAT_END);
        RC_ASSERT(source.rows() + static_cast<std::int64_t>(source.rejects.size()) ==
                  (line.find_first_not_of(" \t\r") == std::string::npos ? 0 : 1));
        const bool is_json = Grammar(line).all();
        if (!source.rejects.empty()) {
            const std::string& why = source.rejects[0].why;
            const bool says_malformed = why.find("malformed JSON") != std::string::npos;
            RC_CLASSIFY(says_malformed);
            if (says_malformed == is_json) RC_FAIL(why + " for " + line);
        } else {
            RC_ASSERT(is_json);
        }
        RC_ASSERT(source.finish() == "");
    });
}

BOOST_AUTO_TEST_SUITE_END()
