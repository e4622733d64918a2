// UTF-8 (RFC 3629), against a decoder that is written another way.
#include "base/utf8.hpp"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>

using leat::is_utf8;

namespace {

/// By code points: shortest form, no surrogates, up to 0x10FFFF.
bool decodes(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const int more = lead < 0x80 ? 0 : (lead >> 5) == 6 ? 1 : (lead >> 4) == 14 ? 2 : (lead >> 3) == 30 ? 3 : -1;
        if (more < 0 || at + static_cast<std::size_t>(more) >= text.size()) return false;
        std::uint32_t point = more == 0 ? lead : lead & (0x3FU >> more);
        for (int i = 1; i <= more; ++i) {
            const auto next = static_cast<unsigned char>(text[at + static_cast<std::size_t>(i)]);
            if ((next & 0xC0) != 0x80) return false;
            point = point << 6 | (next & 0x3FU);
        }
        constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
        at += static_cast<std::size_t>(more) + 1;
    }
    return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(utf8)

BOOST_AUTO_TEST_CASE(every_sequence_of_two_and_three_bytes_is_judged_right_wherever_it_lies) {
    for (const std::size_t before : {0, 5, 7, 8}) {
        for (const std::size_t behind : {0, 1, 9}) {
            std::string text = std::string(before, 'a') + "???" + std::string(behind, 'b');
            for (int first = 0x7F; first < 0x100; ++first) {
                text[before] = static_cast<char>(first);
                for (int second = 0; second < 0x100; second += 3) {
                    text[before + 1] = static_cast<char>(second);
                    for (const int third : {0x00, 0x41, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF}) {
                        text[before + 2] = static_cast<char>(third);
                        if (is_utf8(text.data(), text.size()) != decodes(text)) {
                            BOOST_TEST_INFO(before << ' ' << first << ' ' << second << ' ' << third);
                            BOOST_TEST(false);
                        }
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(one_byte_that_is_not_ascii_is_found_wherever_it_lies) {
    for (const std::size_t size : {1, 255, 256, 257, 600}) {
        std::string text(size, '\x7F');
        BOOST_TEST(leat::is_ascii(text.data(), size));
        for (std::size_t at = 0; at < size; ++at) {
            text[at] = '\x80';
            if (leat::is_ascii(text.data(), size)) BOOST_TEST(false, at << " of " << size);
            text[at] = 'a';
        }
    }
    BOOST_TEST(leat::is_ascii(nullptr, 0));
}

BOOST_AUTO_TEST_CASE(any_text_is_judged_as_a_decoder_does) {
    BOOST_TEST(rc::check("texts of characters of all lengths, some of them damaged", [] {
        static const std::string characters[] = {"a",
                                                 "z",
                                                 "\x7F",
                                                 "\xC2\x80",
                                                 "\xDF\xBF",
                                                 "\xE0\xA0\x80",
                                                 "\xED\x9F\xBF",
                                                 "\xEE\x80\x80",
                                                 "\xEF\xBF\xBF",
                                                 "\xF0\x90\x80\x80",
                                                 "\xF4\x8F\xBF\xBF"};
        std::string text;
        for (auto left = *rc::gen::inRange(0, 40); left > 0; --left)
            text += characters[*rc::gen::inRange<std::size_t>(0, std::size(characters))];
        RC_ASSERT(is_utf8(text.data(), text.size()));
        for (auto faults = *rc::gen::inRange(0, 3); faults > 0 && !text.empty(); --faults)
            text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
        if (!text.empty()) text.resize(*rc::gen::inRange<std::size_t>(0, text.size() + 1));
        RC_ASSERT(is_utf8(text.data(), text.size()) == decodes(text));
    }));
}

BOOST_AUTO_TEST_SUITE_END()
