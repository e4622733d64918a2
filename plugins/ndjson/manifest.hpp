// PATH.leat, the manifest beside a file that is written with tokens: how far the file is committed, and for whom.
//
//     leat manifest 1
//     lane events/ndjson
//     length 1048576
//     tail 60ff5b4c9e1a2d37
//     token 01a7
//     check b27b44801acf7ce6
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "checksum.hpp"

namespace ndjson {

struct Manifest {
    /// So many bytes, at most, the checksum `tail` is of.
    static constexpr std::int64_t tail_size = 4096;
    static constexpr std::string_view name_of_format = "leat manifest ";
    static constexpr std::string_view version = "1";

    std::string lane;
    std::int64_t length = 0;               ///< what follows in the file was not committed
    std::uint64_t tail = checksum_of("");  ///< of the last bytes before `length`: an exchanged file has others
    std::string token;                     ///< empty: the lane has begun with the file, and committed nothing yet

    [[nodiscard]] std::string text() const {
        std::string out;
        out.append(name_of_format).append(version).append("\nlane ").append(escaped(lane));
        out.append("\nlength ").append(std::to_string(length)).append("\ntail ").append(hex(tail));
        out.append("\ntoken ").append(token.empty() ? "none" : hex(token)).append("\n");
        const std::uint64_t check = checksum_of(out);
        return out.append("check ").append(hex(check)).append("\n");
    }

    /// Empty: it is not what text() made, but cut, changed or of another version.
    static std::optional<Manifest> parse(std::string_view text) {
        Manifest found;
        std::string_view rest = text;
        const auto value_of = [&rest](std::string_view key) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            return line.substr(std::min(line.size(), key.size()));
        };
        value_of("");
        found.lane = unescaped(value_of("lane "));
        const std::string_view length = value_of("length ");
        std::from_chars(length.data(), length.data() + length.size(), found.length);
        const std::string_view tail = value_of("tail ");
        std::from_chars(tail.data(), tail.data() + tail.size(), found.tail, 16);
        const std::string_view token = value_of("token ");
        if (token != "none") found.token = bytes_of(token);
        // One comparison instead of a check of every line: the keys, their order, and what no number may look like.
        return found.text() == text ? std::optional(std::move(found)) : std::nullopt;
    }

    /// True: a newer leat has written this, or an older one that this one does not know any more.
    static bool is_of_other_version(std::string_view text) {
        const std::string_view first = text.substr(0, text.find('\n'));
        return first.substr(0, name_of_format.size()) == name_of_format && first.size() < text.size() &&
               first.substr(name_of_format.size()) != version;
    }

private:
    static constexpr const char* digits = "0123456789abcdef";

    static std::string hex(std::uint64_t number) {
        std::string out(16, '0');
        for (std::size_t i = 16; i-- > 0; number >>= 4)
            out[i] = digits[number & 15];
        return out;
    }
    static std::string hex(std::string_view bytes) {
        std::string out;
        out.reserve(bytes.size() * 2);
        for (const char byte : bytes) {
            out += digits[static_cast<unsigned char>(byte) >> 4];
            out += digits[static_cast<unsigned char>(byte) & 15];
        }
        return out;
    }
    static std::string bytes_of(std::string_view hex) {
        std::string out;
        for (; hex.size() >= 2; hex.remove_prefix(2)) {
            std::uint8_t byte = 0;
            std::from_chars(hex.data(), hex.data() + 2, byte, 16);
            out += static_cast<char>(byte);
        }
        return out;
    }
    /// A lane may have any name, and is to stay on its line.
    static std::string escaped(std::string_view lane) {
        std::string out;
        for (const char byte : lane) {
            const bool plain = static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f && byte != '%';
            out += plain ? std::string(1, byte) : "%" + hex(std::string_view(&byte, 1));
        }
        return out;
    }
    static std::string unescaped(std::string_view text) {
        std::string out;
        for (; !text.empty(); text.remove_prefix(1)) {
            if (text[0] == '%' && text.size() >= 3) {
                out += bytes_of(text.substr(1, 2));
                text.remove_prefix(2);
            } else {
                out += text[0];
            }
        }
        return out;
    }
};

}  // namespace ndjson
