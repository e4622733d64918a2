// Checks of text: UTF-8, and JSON within it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace csv {

/// The number of bytes from the front that are UTF-8 (RFC 3629: no surrogates, no overlong forms); the size if all.
inline std::size_t valid_utf8_prefix(std::string_view text) {
    auto const* const bytes = reinterpret_cast<unsigned char const*>(text.data());
    std::size_t const size = text.size();
    std::size_t at = 0;
    while (at < size) {
        while (at + 8 <= size) {
            std::uint64_t word;
            std::memcpy(&word, bytes + at, 8);
            if ((word & 0x8080808080808080) != 0) break;
            at += 8;
        }
        if (at == size) break;
        unsigned char const lead = bytes[at];
        if (lead < 0x80) {
            ++at;
            continue;
        }
        // The second byte has a range of its own; those after it do not.
        std::size_t length = 0;
        unsigned char low = 0x80;
        unsigned char high = 0xbf;
        if (lead >= 0xc2 && lead <= 0xdf) {
            length = 2;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            length = 3;
            if (lead == 0xe0) low = 0xa0;
            if (lead == 0xed) high = 0x9f;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            length = 4;
            if (lead == 0xf0) low = 0x90;
            if (lead == 0xf4) high = 0x8f;
        }
        if (length == 0 || at + length > size) return at;
        if (bytes[at + 1] < low || bytes[at + 1] > high) return at;
        for (std::size_t i = 2; i < length; ++i) {
            if ((bytes[at + i] & 0xc0) != 0x80) return at;
        }
        at += length;
    }
    return size;
}

/// One JSON value (RFC 8259) and nothing else. The text is known to be UTF-8. No recursion: depth costs a bit.
class JsonCheck {
public:
    static bool valid(std::string_view text) { return JsonCheck(text).run(); }

private:
    static constexpr std::size_t max_depth = 1024;  // what common readers take

    explicit JsonCheck(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    bool run() {
        bool want_value = true;
        for (;;) {
            skip_spaces();
            if (want_value) {
                if (at_ == end_) return false;
                if (*at_ == '{' || *at_ == '[') {
                    if (!open(*at_ == '{')) return false;
                    skip_spaces();
                    if (at_ == end_) return false;
                    if (*at_ == (in_object() ? '}' : ']')) {
                        want_value = false;
                    } else if (in_object() && !key()) {
                        return false;
                    }
                    continue;
                }
                if (!scalar()) return false;
                want_value = false;
                continue;
            }
            if (depth_ == 0) return at_ == end_;
            if (at_ == end_) return false;
            char const c = *at_++;
            if (c == (in_object() ? '}' : ']')) {
                --depth_;
            } else if (c == ',') {
                skip_spaces();
                if (in_object() && !key()) return false;
                want_value = true;
            } else {
                return false;
            }
        }
    }

    bool open(bool object) {
        if (depth_ == max_depth) return false;
        std::uint64_t& word = objects_[depth_ / 64];
        std::uint64_t const bit = std::uint64_t{1} << (depth_ % 64);
        word = object ? word | bit : word & ~bit;
        ++depth_;
        ++at_;
        return true;
    }
    bool in_object() const { return (objects_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0; }

    void skip_spaces() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r'))
            ++at_;
    }
    /// A name and its colon.
    bool key() {
        if (at_ == end_ || *at_ != '"' || !string()) return false;
        skip_spaces();
        return at_ != end_ && *at_++ == ':';
    }
    bool scalar() {
        switch (*at_) {
            case '"':
                return string();
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }
    bool word(std::string_view expected) {
        if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }
    bool digits() {
        char const* const begin = at_;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9')
            ++at_;
        return at_ != begin;
    }
    bool number() {
        if (*at_ == '-') ++at_;
        if (at_ != end_ && *at_ == '0') {
            ++at_;
        } else if (!digits()) {
            return false;
        }
        if (at_ != end_ && *at_ == '.') {
            ++at_;
            if (!digits()) return false;
        }
        if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
            if (!digits()) return false;
        }
        return true;
    }
    bool string() {
        for (++at_; at_ != end_; ++at_) {
            auto const c = static_cast<unsigned char>(*at_);
            if (c == '"') return ++at_, true;
            if (c < 0x20) return false;
            if (c == '\\' && !escape()) return false;
        }
        return false;
    }
    /// at_ stands on the backslash before and on the last character after.
    bool escape() {
        if (++at_ == end_) return false;
        if (*at_ != 'u') return std::string_view("\"\\/bfnrt").find(*at_) != std::string_view::npos;
        for (int i = 0; i < 4; ++i) {
            if (++at_ == end_) return false;
            char const c = static_cast<char>(*at_ | 0x20);
            bool const hex = (*at_ >= '0' && *at_ <= '9') || (c >= 'a' && c <= 'f');
            if (!hex) return false;
        }
        return true;
    }

    char const* at_;
    char const* end_;
    std::size_t depth_ = 0;
    std::uint64_t objects_[max_depth / 64] = {};
};

}  // namespace csv
