// What holds for any rows and any lines, on ndjson.so as a host drives it. A failure prints its counterexample and
// seed.
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

#include "any_rows.hpp"
#include "test_support.hpp"

using namespace file_test;

namespace {

std::string with_path(const std::string& more, const std::string& path = "events.ndjson") {
    return options(path, more);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ndjson_round_trip, Directory)

BOOST_AUTO_TEST_CASE(gives_back_what_was_written_whatever_the_types_and_the_batches) {
    holds([] {
        leat::testing::host host;
        const leat::context ctx = host.ctx();
        leat::batch batch = any_rows(ctx, *rc::gen::inRange<std::size_t>(1, 40), std::string(1, '\0'));
        instance sink(component(LEAT_SINK), with_path(R"("mode": "replace")", "out.ndjson"));
        RC_ASSERT(sink.load(batch) == LEAT_OK);
        RC_ASSERT(reasons(sink) == "");
        instance source(component(LEAT_SOURCE), with_path(any_rows_types, "out.ndjson"));
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

BOOST_AUTO_TEST_CASE(emits_or_rejects_every_line_of_random_bytes) {
    holds([] {
        const std::vector<std::string> pieces = {"{\"a\":",     "1",   "}",      "\n",   "\r\n",
                                                 "\"x\"",       ",",   "\"b\":", "\"",   "\\",
                                                 "[",           "]",   " ",      "\xFF", std::string(1, '\0'),
                                                 "{\"a\":1}\n", "null"};
        std::string text = *rc::gen::arbitrary<std::string>();
        const int count = *rc::gen::inRange(0, 60);
        for (int i = 0; i < count; ++i)
            text += *rc::gen::elementOf(pieces);
        std::int64_t lines = 0;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const std::string line = text.substr(at, end - at);
            lines += line.find_first_not_of(" \t\r") == std::string::npos ? 0 : 1;
            at = end + 1;
        }
        put("events.ndjson", text);
        const std::string types = R"("infer": "none", "types": {"a": "int64", "b": "json"})";
        instance source(component(LEAT_SOURCE), with_path(types));
        RC_ASSERT(source.read_all(*rc::gen::inRange<std::uint64_t>(1, 5)) == LEAT_END);
        RC_ASSERT(source.rows() + static_cast<std::int64_t>(source.rejects.size()) == lines);
        RC_ASSERT(source.finish() == "");
        // Whatever the bytes are, types can be inferred from them, or there is nothing in them.
        instance inferring(component(LEAT_SOURCE), with_path(""));
        RC_ASSERT(inferring.read_all() == LEAT_END);
        RC_ASSERT(inferring.rows() + static_cast<std::int64_t>(inferring.rejects.size()) == lines);
        RC_ASSERT(inferring.finish() == "");
    });
}

BOOST_AUTO_TEST_SUITE_END()
