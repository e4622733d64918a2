// Numbers and texts as bytes that are the same on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leat::delivery {

/// Little-endian, in `size` bytes.
inline void append_number(std::string& out, std::uint64_t number, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        out += static_cast<char>(number >> (8 * i) & 0xFF);
}

/// Its length in four bytes, and the text.
inline void append_text(std::string& out, std::string_view text) {
    append_number(out, text.size(), 4);
    out += text;
}

/// Their number in four bytes, and each of them.
inline void append_texts(std::string& out, const std::vector<std::string>& texts) {
    append_number(out, texts.size(), 4);
    for (const auto& text : texts)
        append_text(out, text);
}

/// Reads what append_... wrote. After something that is not there, everything is 0 or empty, and all_read() is false.
class BytesReader {
public:
    explicit BytesReader(std::string_view bytes) : left_(bytes) {}

    std::uint64_t number(std::size_t size) {
        const auto bytes = take(size);
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            out |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
        return out;
    }
    std::string_view text() { return take(number(4)); }
    std::vector<std::string> texts() {
        std::vector<std::string> out;
        for (auto left = number(4); left > 0 && good_; --left)
            out.emplace_back(text());
        return out;
    }
    /// False once something was not there.
    bool good() const { return good_; }
    bool all_read() const { return good_ && left_.empty(); }
    /// As they are, without a length before them.
    std::string_view bytes(std::uint64_t size) { return take(size); }

private:
    std::string_view take(std::uint64_t size) {
        good_ = good_ && size <= left_.size();
        if (!good_) return {};
        const auto out = left_.substr(0, size);
        left_.remove_prefix(size);
        return out;
    }

    std::string_view left_;
    bool good_ = true;
};

/// FNV-1a, 64 bits: any change of a single byte changes it; against accidents, not against attackers.
inline std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t out = 0xCBF29CE484222325;
    for (const char c : bytes) {
        out ^= static_cast<unsigned char>(c);
        out *= 0x100000001B3;
    }
    return out;
}

/// Two lower-case digits a byte.
inline std::string hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(2 * bytes.size());
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

}  // namespace leat::delivery
