#include "delivery/checkpoint.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

using leat::Errc;
using leat::delivery::Checkpoint;

namespace {

constexpr std::size_t largest_token = 4096;

std::string bytes_of(std::size_t most) {
    return *rc::gen::resize(static_cast<int>(most), rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
}

Checkpoint any_checkpoint() {
    Checkpoint out;
    out.bucket = *rc::gen::arbitrary<std::uint64_t>();
    out.skip = *rc::gen::arbitrary<std::uint64_t>();
    out.complete = *rc::gen::arbitrary<bool>();
    out.segment = *rc::gen::arbitrary<std::uint64_t>();
    out.position = bytes_of(100);
    // Often near the limit, where it fits or just does not.
    if (*rc::gen::arbitrary<bool>()) out.position += std::string(*rc::gen::inRange<std::size_t>(3900, 4200), 'p');
    out.source = bytes_of(30);
    out.rows = *rc::gen::arbitrary<std::uint64_t>();
    for (auto left = *rc::gen::inRange(0, 3); left > 0; --left)
        out.states.push_back(bytes_of(100));
    if (*rc::gen::arbitrary<bool>()) {
        out.lanes = *rc::gen::inRange<std::uint32_t>(2, 9);
        const auto border = [] {
            return leat::delivery::Border{*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>()};
        };
        for (auto left = *rc::gen::inRange<std::size_t>(0, Checkpoint::most_ahead + 1); left > 0; --left) {
            const auto begin = border();
            out.ahead.push_back({begin, border()});
        }
    }
    if (*rc::gen::inRange(0, 10) == 0) out.source += std::string(*rc::gen::inRange<std::size_t>(3900, 4200), 's');
    return out;
}

std::string error_of(std::string_view token) {
    const auto parsed = Checkpoint::parse(token);
    BOOST_REQUIRE(parsed.has_error());
    BOOST_CHECK(parsed.error().code() == Errc::pipeline_execution);
    return parsed.error().text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint)

BOOST_AUTO_TEST_CASE(a_token_brings_everything_back) {
    Checkpoint checkpoint{7, std::string("line 12\0\xff", 9), 3, true, "csv", {"held", ""}, 12, "rep"};
    checkpoint.rows = 1'000;
    BOOST_TEST((checkpoint.border() == leat::delivery::Border{12, 1'003}));
    const auto token = checkpoint.token();
    BOOST_TEST(token.size() == 1u + 1 + 8 + 8 + 8 + 8 + 4 + 3 + 4 + 9 + 4 + 4 + 4 + 4 + 4 + 3 + 8);
    BOOST_TEST(token[0] == 4);
    const auto parsed = Checkpoint::parse(token);
    BOOST_REQUIRE(parsed);
    BOOST_CHECK(parsed.value().checkpoint == checkpoint);
    BOOST_TEST(parsed.value().whole);
    BOOST_REQUIRE(Checkpoint::parse(Checkpoint().token()));
    BOOST_CHECK(Checkpoint::parse(Checkpoint().token()).value().checkpoint == Checkpoint());
}

BOOST_AUTO_TEST_CASE(tokens_in_targets_are_read_by_every_later_host) {
    // Never change it: tokens of hosts that were shipped are in the targets of their users.
    const std::string shipped(
        "\x01\x03\x02\x01\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x03\0\0\0csv\x02\0\0\0at\x02\0\0\0\0\0\0\0\x02\0\0\0st"
        "\x72\xaa\x7b\x76\x7b\x16\x74\xd1",
        53);
    const auto parsed = Checkpoint::parse(shipped);
    BOOST_REQUIRE(parsed);
    BOOST_CHECK((parsed.value().checkpoint == Checkpoint{258, "at", 5, true, "csv", {"", "st"}}));
    const std::string second(
        "\x02\x03\x02\x01\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x03\0\0\0csv\x02\0\0\0at"
        "\x02\0\0\0\0\0\0\0\x02\0\0\0st\x03\0\0\0rep"
        "\x91\x97\x1a\x56\x56\xea\x7f\xb9",
        68);
    Checkpoint checkpoint{258, "at", 5, true, "csv", {"", "st"}, 6, "rep"};
    BOOST_REQUIRE(Checkpoint::parse(second));
    BOOST_CHECK(Checkpoint::parse(second).value().checkpoint == checkpoint);
    const std::string fourth(
        "\x04\x03\x02\x01\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\xe8"
        "\x03\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00"
        "\x63\x73\x76\x02\x00\x00\x00\x61\x74\x02\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x73\x74\x03\x00\x00\x00"
        "\x72\x65\x70\xae\xaa\xd0\xb8\x57\x60\x4e\xcb",
        76);
    checkpoint.rows = 1'000;
    BOOST_REQUIRE(Checkpoint::parse(fourth));
    BOOST_CHECK(Checkpoint::parse(fourth).value().checkpoint == checkpoint);
    BOOST_TEST(checkpoint.token() == fourth);
}

BOOST_AUTO_TEST_CASE(a_position_that_does_not_fit_is_left_out) {
    Checkpoint checkpoint{1, std::string(largest_token - 61, 'p'), 2, false, "csv"};
    BOOST_TEST(checkpoint.token().size() == largest_token);
    BOOST_TEST(Checkpoint::parse(checkpoint.token()).value().whole);
    checkpoint.position += 'p';
    const auto token = checkpoint.token();
    BOOST_TEST(token.size() == 61u);
    const auto parsed = Checkpoint::parse(token);
    BOOST_REQUIRE(parsed);
    BOOST_TEST(!parsed.value().whole);
    BOOST_CHECK((parsed.value().checkpoint == Checkpoint{1, "", 2, false, "csv"}));
}

BOOST_AUTO_TEST_CASE(a_token_of_one_of_several_lanes_tells_how_many_there_are_and_what_it_is_ahead) {
    Checkpoint checkpoint{258, "at", 5, true, "csv", {"", "st"}, 6, "rep"};
    checkpoint.lanes = 3;
    checkpoint.ahead = {{{6, 7}, {6, 9}}, {{7, 0}, {8, 1}}};
    const auto token = checkpoint.token();
    BOOST_TEST(token[0] == 5);
    BOOST_TEST(token.size() == 76u + 4 + 4 + 2 * 32);
    BOOST_REQUIRE(Checkpoint::parse(token));
    BOOST_CHECK(Checkpoint::parse(token).value().checkpoint == checkpoint);

    checkpoint.ahead.assign(Checkpoint::most_ahead, {{1, 2}, {3, 4}});
    checkpoint.source = checkpoint.replay = "";
    checkpoint.states = {};
    checkpoint.position = std::string(Checkpoint::surely_whole, 'p');
    BOOST_REQUIRE(Checkpoint::parse(checkpoint.token()));
    BOOST_TEST(Checkpoint::parse(checkpoint.token()).value().whole);
    BOOST_TEST(!Checkpoint::parse(checkpoint.token(false)).value().whole);
}

BOOST_AUTO_TEST_CASE(what_is_no_token_is_told_with_size_beginning_cause_and_remedy) {
    constexpr auto remedy = "; load into another target, or start over with --fresh";
    BOOST_TEST(error_of("") ==
               std::string("the token in the target is none of this host's (0 bytes): a token has 9 to 4096 bytes, so "
                           "another program wrote it or it was cut off") +
                   remedy);
    BOOST_TEST(error_of("offset=17") == std::string("the token in the target is none of this host's (9 bytes, "
                                                    "6f66667365743d31...): its checksum is wrong, so another program "
                                                    "wrote it or it was cut off") +
                                            remedy);
    const auto token = Checkpoint{1, "position", 2, true, "csv"}.token();
    BOOST_TEST(error_of(token.substr(0, token.size() - 1)).find("its checksum is wrong") != std::string::npos);
    BOOST_TEST(error_of(std::string(5000, 'x')).find("(5000 bytes, 7878787878787878...): a token has 9 to 4096") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_token_of_a_newer_host_is_told_from_a_foreign_one) {
    // 6, and the FNV-1a of it.
    const std::string token("\x06\x79\xb4\x01\x86\x4c\xbb\x63\xaf", 9);
    BOOST_TEST(
        error_of(token) ==
        "the token in the target is of format 6, and this host reads formats 1 to 5: a newer Leat wrote it; update "
        "this one, or start over with --fresh");
}

BOOST_AUTO_TEST_CASE(a_token_that_does_not_tell_where_the_rows_of_others_are_is_refused) {
    const std::string third(
        "\x03\x03\x02\x01\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x03"
        "\x00\x00\x00"
        "\x63\x73\x76\x02\x00\x00\x00\x61\x74\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x43\x4e"
        "\xba\x18\x51\x34\x55\x63",
        63);
    BOOST_TEST(error_of(third) ==
               "the token in the target is of format 3, which does not tell where rows are when the source cuts its "
               "batches otherwise: load into another target, or start over with --fresh");
}

BOOST_AUTO_TEST_CASE(any_checkpoint_comes_back_from_its_token) {
    BOOST_TEST(rc::check("token and parse", [] {
        const auto checkpoint = any_checkpoint();
        const auto token = checkpoint.token();
        RC_ASSERT(token.size() <= largest_token);
        const auto parsed = Checkpoint::parse(token);
        RC_ASSERT(parsed.has_value());
        auto expected = checkpoint;
        if (!parsed.value().whole) {
            const std::size_t rest = 58 + (checkpoint.lanes > 1 ? 8 + 32 * checkpoint.ahead.size() : 0);
            std::size_t size = checkpoint.position.size() + checkpoint.source.size() + rest;
            for (const auto& state : checkpoint.states)
                size += state.size() + 4;
            RC_ASSERT(size > largest_token);
            expected.position.clear();
            expected.states.clear();
            if (checkpoint.source.size() + rest > largest_token) expected.source.clear();
        }
        RC_ASSERT(parsed.value().checkpoint == expected);
    }));
}

BOOST_AUTO_TEST_CASE(mutilated_tokens_are_errors) {
    BOOST_TEST(rc::check("one byte is another", [] {
        auto token = any_checkpoint().token();
        token[*rc::gen::inRange<std::size_t>(0, token.size())] ^= *rc::gen::nonZero<char>();
        RC_ASSERT(Checkpoint::parse(token).has_error());
    }));
    BOOST_TEST(rc::check("cut off, or with more behind it", [] {
        auto token = any_checkpoint().token();
        if (*rc::gen::arbitrary<bool>()) {
            token.resize(*rc::gen::inRange<std::size_t>(0, token.size()));
        } else {
            token += *rc::gen::nonEmpty(rc::gen::string<std::string>());
        }
        RC_ASSERT(Checkpoint::parse(token).has_error());
    }));
    BOOST_TEST(rc::check("any bytes, even with a good checksum, are an error or a checkpoint", [] {
        auto bytes = *rc::gen::element('\x01', '\x02', '\x03', '\x04', '\x05') + bytes_of(120);
        std::uint64_t sum = 0xCBF29CE484222325;
        for (const char c : bytes)
            sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001B3;
        for (int i = 0; i < 8; ++i)
            bytes += static_cast<char>(sum >> (8 * i) & 0xFF);
        const auto parsed = Checkpoint::parse(bytes);
        if (parsed) RC_ASSERT(Checkpoint::parse(parsed.value().checkpoint.token()).has_value());
    }));
}

BOOST_AUTO_TEST_SUITE_END()
