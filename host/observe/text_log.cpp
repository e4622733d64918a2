#include "observe/text_log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <utility>

namespace leat::observe {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::trace:
            return spdlog::level::trace;
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

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

}  // namespace

std::string event_text(std::string_view message, std::initializer_list<Field> fields) {
    std::string out;
    append_escaped(out, message);
    for (const auto& field : fields) {
        out += ' ';
        out += field.key;
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
    return out;
}

struct TextLog::Impl {
    std::function<void(const std::function<void()>&)> around;
    spdlog::logger logger;

    Impl(Level least, std::function<void(const std::function<void()>&)> wrap)
        : around(std::move(wrap)), logger("leat", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v",
                                                                         spdlog::pattern_time_type::utc));
        logger.set_level(spdlog_level(least));
        logger.set_error_handler([](const std::string&) {});  // a log that cannot be written must not stop rows
    }
};

TextLog::TextLog(Level least, std::function<void(const std::function<void()>&)> around)
    : impl_(std::make_unique<Impl>(least, std::move(around))) {}

TextLog::~TextLog() = default;

void TextLog::write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    const auto as = spdlog_level(level);
    if (!impl_->logger.should_log(as)) return;
    const std::string text = event_text(message, fields);
    const auto write = [&] { impl_->logger.log(as, spdlog::string_view_t(text.data(), text.size())); };
    if (impl_->around) {
        impl_->around(write);
    } else {
        write();
    }
}

}  // namespace leat::observe
