#include "cli/test_report.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <ostream>

#include "base/utf8.hpp"
#include "cli/text_table.hpp"

namespace leat::cli {

using conformance::CaseResult;
using Kind = conformance::Verdict::Kind;

namespace {

constexpr std::size_t widest = 110;
constexpr std::size_t name_width = 22;

std::string spaced(const std::string& subject) {
    auto out = subject;
    std::replace(out.begin(), out.end(), ':', ' ');
    return out;
}

/// "seen  a text that goes on\n      below itself"
std::string labelled(const std::string& label, const std::string& text) {
    constexpr std::size_t indent = 18;
    auto lines = wrapped(printable(text), indent, widest);
    if (lines.size() > indent) lines.replace(indent - label.size() - 2, label.size(), label);
    return lines;
}

std::string milliseconds(double seconds) {
    return std::to_string(static_cast<long>(seconds * 1000 + 0.5)) + " ms";
}

/// What plugins say may be anything; XML 1.0 takes no control characters.
std::string xml(const std::string& text) {
    std::string out;
    const auto safe = is_utf8(text.data(), text.size()) ? text : printable(text);
    for (const char c : safe) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\n':
                out += "&#10;";
                break;
            default:
                out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
    }
    return out;
}

std::string decimals(double seconds) {
    const auto text = std::to_string(seconds);
    return text.substr(0, text.find('.') + 4);
}

}  // namespace

const char* name_of(Kind kind) {
    switch (kind) {
        case Kind::ok:
            return "ok";
        case Kind::skipped:
            return "skipped";
        case Kind::failed:
        case Kind::none:
            break;
    }
    return "failed";
}

void TestReport::add(const CaseResult& result) {
    const auto& planned = result.planned;
    if (subject_ != planned.subject) {
        subject_ = planned.subject;
        out_ << spaced(subject_) << '\n';
    }
    auto name = planned.name;
    name.resize(std::max(name.size() + 1, name_width), ' ');
    switch (result.verdict.kind) {
        case Kind::ok:
            ++ok_;
            out_ << "  ok       " << name << milliseconds(result.seconds);
            if (!result.verdict.text.empty()) out_ << ": " << printable(result.verdict.text);
            out_ << '\n';
            break;
        case Kind::skipped:
            ++skipped_;
            out_ << "  skipped  " << name << printable(result.verdict.text) << '\n';
            break;
        case Kind::failed:
        case Kind::none:
            ++failed_;
            out_ << "  FAILED   " << name << milliseconds(result.seconds) << '\n'
                 << labelled("rule", planned.rule) << labelled("seen", result.verdict.text)
                 << labelled("do", planned.remedy);
    }
    out_.flush();
}

void TestReport::finish(double seconds) {
    out_ << ok_ << " ok, " << failed_ << " failed, " << skipped_ << " skipped in " << duration_text(seconds) << '\n';
}

std::string test_json(const plugin::Library& library, const std::vector<CaseResult>& results) {
    boost::json::array cases;
    bool ok = true;
    for (const auto& result : results) {
        ok = ok && result.verdict.kind != Kind::failed;
        cases.emplace_back(boost::json::object{{"subject", result.planned.subject},
                                               {"case", result.planned.name},
                                               {"verdict", name_of(result.verdict.kind)},
                                               {"rule", result.planned.rule},
                                               {"seen", printable(result.verdict.text)},
                                               {"remedy", result.planned.remedy},
                                               {"seconds", result.seconds}});
    }
    return boost::json::serialize(boost::json::object{{"file", library.path().string()},
                                                      {"plugin", library.id()},
                                                      {"version", library.version()},
                                                      {"ok", ok},
                                                      {"cases", std::move(cases)}});
}

std::string test_junit(const plugin::Library& library, const std::vector<CaseResult>& results) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"" + xml(library.id()) + " " +
                      xml(library.version()) + "\">\n";
    for (std::size_t i = 0; i < results.size();) {
        const auto subject = results[i].planned.subject;
        std::size_t failed = 0, skipped = 0, end = i;
        double seconds = 0;
        std::string cases;
        for (; end < results.size() && results[end].planned.subject == subject; ++end) {
            const auto& result = results[end];
            seconds += result.seconds;
            cases += "    <testcase classname=\"" + xml(library.id() + "." + subject) + "\" name=\"" +
                     xml(result.planned.name) + "\" time=\"" + decimals(result.seconds) + "\"";
            if (result.verdict.kind == Kind::ok) {
                cases += "/>\n";
            } else if (result.verdict.kind == Kind::skipped) {
                ++skipped;
                cases += "><skipped message=\"" + xml(result.verdict.text) + "\"/></testcase>\n";
            } else {
                ++failed;
                cases += "><failure message=\"" + xml(result.verdict.text) + "\">rule: " + xml(result.planned.rule) +
                         "&#10;do: " + xml(result.planned.remedy) + "</failure></testcase>\n";
            }
        }
        out += "  <testsuite name=\"" + xml(library.id() + "." + subject) + "\" tests=\"" + std::to_string(end - i) +
               "\" failures=\"" + std::to_string(failed) + "\" skipped=\"" + std::to_string(skipped) + "\" time=\"" +
               decimals(seconds) + "\">\n" + cases + "  </testsuite>\n";
        i = end;
    }
    return out + "</testsuites>\n";
}

}  // namespace leat::cli
