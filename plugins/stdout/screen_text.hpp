// Text as a terminal may show it: no control characters, and as wide as it says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "widths.hpp"

namespace standard_output {

/// Text and the number of places that it takes on a line.
struct ScreenText {
    std::string text;
    std::size_t places = 0;
};

/// Knows how wide characters are.
class Screen {
public:
    /// `text` in at most `most` places; what is cut off leaves an ellipsis. Control characters and what would turn the
    /// direction of the line become escapes, "\n" or "\u009b", and bytes that are not UTF-8 "\xff".
    ScreenText text(std::string_view text, std::size_t most) const {
        const Widths::Here here(widths_);
        ScreenText out;
        std::size_t cut_size = 0, cut_places = 0;  // as far as leaves a place for the ellipsis
        while (!text.empty()) {
            if (out.places < most) {
                cut_size = out.text.size();
                cut_places = out.places;
            }
            const ScreenText next = take(text);
            out.text += next.text;
            out.places += next.places;
            if (out.places <= most) continue;
            out.text.resize(cut_size);
            out.text += "\u2026";
            out.places = cut_places + 1;
            break;
        }
        return out;
    }

private:
    static std::size_t size_of_character(unsigned char first) {
        return first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    }

    /// The code point at the front, and how many bytes it has; 0 bytes where there is none.
    static std::size_t decode(std::string_view text, std::uint32_t& code) {
        const auto first = static_cast<unsigned char>(text.front());
        const std::size_t size = size_of_character(first);
        if (size == 0 || text.size() < size) return 0;
        code = size == 1 ? first : first & (0x7FU >> size);
        for (std::size_t i = 1; i < size; ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            if ((byte & 0xC0) != 0x80) return 0;
            code = code << 6 | (byte & 0x3FU);
        }
        const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
        const bool surrogate = code >= 0xD800 && code < 0xE000;
        return overlong || surrogate || code > 0x10FFFF ? 0 : size;
    }

    static bool must_be_escaped(std::uint32_t code) {
        return code < 0x20 || (code >= 0x7F && code < 0xA0)  // control characters
               || code == 0x2028 || code == 0x2029           // end a line or paragraph
               || code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
               (code >= 0x2066 && code <= 0x2069);  // turn the direction
    }

    /// Takes one character off the front.
    static ScreenText take(std::string_view& text) {
        std::uint32_t code = 0;
        const std::size_t size = decode(text, code);
        char escape[16];
        ScreenText out;
        if (size == 0) {
            std::snprintf(escape, sizeof escape, "\\x%02x",
                          static_cast<unsigned>(static_cast<unsigned char>(text.front())));
            out.text = escape;
        } else if (must_be_escaped(code)) {
            if (code == '\n' || code == '\r' || code == '\t') {
                out.text = code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
            } else {
                std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(code));
                out.text = escape;
            }
        } else {
            out.text = text.substr(0, size);
            const int width = code < 0x80 ? 1 : Widths::of(code);
            out.places = width < 0 ? 1 : static_cast<std::size_t>(width);  // a character newer than the tables
            text.remove_prefix(size);
            return out;
        }
        out.places = out.text.size();
        text.remove_prefix(std::max<std::size_t>(size, 1));
        return out;
    }

    Widths widths_;
};

}  // namespace standard_output
