#include "observe/line_log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/utf8.hpp"

namespace leat::observe {
namespace {

void append_escaped(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20 || byte == 0x7F) {
            out += "\\x";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
}

bool needs_quotes(std::string_view value) {
    if (value.empty()) return true;
    for (const char c : value) {
        if (c == ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) < 0x20) return true;
    }
    return false;
}

boost::json::value value_of(const Field& field) {
    const auto* const first = field.value.data();
    const auto* const last = first + field.value.size();
    const auto parsed = [&](auto number) {
        const auto [end, error] = std::from_chars(first, last, number);
        return error == std::errc() && end == last ? boost::json::value(number) : boost::json::value();
    };
    if (field.is_number) {
        for (const auto& number : {parsed(std::int64_t{}), parsed(std::uint64_t{}), parsed(double{})})
            if (!number.is_null() && field.value.find_first_not_of("0123456789-+.e") == std::string::npos)
                return number;
    }
    return boost::json::string(mended_utf8(field.value));
}

void append_fields(std::string& out, std::span<const Field> fields) {
    for (const auto& field : fields) {
        out += ' ';
        append_escaped(out, field.key);
        out += '=';
        if (!needs_quotes(field.value)) {
            out += field.value;
            continue;
        }
        std::string quoted;
        for (const char c : field.value) {
            if (c == '"' || c == '\\') quoted += '\\';
            quoted += c;
        }
        out += '"';
        append_escaped(out, quoted);
        out += '"';
    }
}

}  // namespace

std::string_view level_name(Level level) noexcept {
    constexpr std::array<std::string_view, 5> names = {"trace", "debug", "info", "warn", "error"};
    return names.at(static_cast<std::size_t>(level));
}

std::string time_text(Clock::Wall time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss of_day(floor<milliseconds>(time - day));
    std::array<char, 96> out{};
    const int length =
        std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(of_day.hours().count()), static_cast<int>(of_day.minutes().count()),
                      static_cast<int>(of_day.seconds().count()), static_cast<int>(of_day.subseconds().count()));
    return {out.data(), static_cast<std::size_t>(length)};
}

std::string event_text(const Line& line) {
    std::string out;
    append_escaped(out, line.message);
    append_fields(out, line.of_plugin);
    append_fields(out, line.fields);
    return out;
}

std::string event_json(Clock::Wall time, const Line& line) {
    boost::json::object out{{"time", time_text(time)},
                            {"level", level_name(line.level)},
                            {"event", line.event.name().id},
                            {"message", mended_utf8(line.message)}};
    for (const auto& field : line.fields)
        out[field.key] = value_of(field);
    if (!line.of_plugin.empty()) {
        auto& own = out["fields"].emplace_object();
        for (const auto& field : line.of_plugin)
            own[mended_utf8(field.key)] = value_of(field);
    }
    return boost::json::serialize(out);
}

struct LineLog::Impl {
    const Format format;
    const Clock& clock;
    const std::function<void(const std::function<void()>&)> around;
    spdlog::logger logger;

    Impl(Format how, const Clock& with, std::function<void(const std::function<void()>&)> wrap)
        : format(how),
          clock(with),
          around(std::move(wrap)),
          logger("leat", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc));
        logger.set_level(spdlog::level::trace);
        logger.set_error_handler([](const std::string&) {});  // a log that cannot be written must not stop rows
    }

    std::string text_of(const Line& line) const {
        const auto now = clock.wall();
        if (format == Format::json) return event_json(now, line);
        std::string out = time_text(now);
        out += ' ';
        out += level_name(line.level);
        out.append(6 - level_name(line.level).size(), ' ');
        out += event_text(line);
        out += " [";
        out += line.event.name().id;
        out += ']';
        return out;
    }
};

LineLog::LineLog(Format format, const Clock& clock, std::function<void(const std::function<void()>&)> around)
    : impl_(std::make_unique<Impl>(format, clock, std::move(around))) {}

LineLog::~LineLog() = default;

void LineLog::write(const Line& line) {
    const auto text = impl_->text_of(line);
    const auto write = [&] { impl_->logger.log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size())); };
    if (impl_->around) {
        impl_->around(write);
    } else {
        write();
    }
}

}  // namespace leat::observe
