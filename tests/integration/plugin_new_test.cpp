#include <boost/test/unit_test.hpp>

#include "process.hpp"

using namespace integration;

BOOST_FIXTURE_TEST_SUITE(plugin_new, Directory)

BOOST_AUTO_TEST_CASE(it_tells_what_it_made_and_what_to_type_next) {
    const auto made = leat({"plugin", "new", "hello", "--lang", "c", "--kind", "transform"});
    BOOST_TEST(made.code == 0);
    BOOST_TEST(made.err == "");
    BOOST_TEST(made.out ==
               "hello: hello.at-least, a transform in C; needs a C compiler\n"
               "  hello/hello.c\n"
               "  hello/test/testing.cpp\n"
               "  hello/columns.h\n"
               "  hello/test/hello_test.c\n"
               "  hello/hello.yaml\n"
               "  hello/Makefile\n"
               "  hello/README.md\n"
               "  hello/.gitignore\n"
               "  hello/include/leat/leat.h\n"
               "  hello/include/leat/leat.hpp\n"
               "  hello/include/leat/testing.h\n"
               "  hello/include/leat/testing.hpp\n"
               "Next:\n"
               "  cd hello\n"
               "  make test\n"
               "  make run\n");
    BOOST_TEST(get("hello/hello.c").find(".id = \"hello.at-least\"") != std::string::npos);
    const auto help = leat({"plugin", "new", "--help"});
    BOOST_TEST(help.out.find("source, transform, sink, runner or pipeline") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_word_that_it_does_not_know_is_answered_with_those_that_it_knows) {
    const auto error = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"plugin", "new"});
        const auto ended = leat(std::move(words));
        BOOST_TEST(ended.code == 2);
        BOOST_TEST(ended.out == "");
        return ended.err;
    };
    constexpr auto kinds = "the kinds are source, transform, sink, runner, pipeline\n";
    constexpr auto languages = "the languages are c, cpp, rust, go\n";
    BOOST_TEST(error({"x", "--lang", "c"}) == std::string("leat: --kind is missing; ") + kinds);
    BOOST_TEST(error({"x", "--kind", "sink"}) == std::string("leat: --lang is missing; ") + languages);
    BOOST_TEST(error({"x", "--lang", "c", "--kind", "sinc"}) ==
               std::string("leat: there is no kind \"sinc\"; did you mean \"sink\"?; ") + kinds);
    BOOST_TEST(error({"x", "--lang", "fortran", "--kind", "sink"}) ==
               std::string("leat: there is no language \"fortran\"; ") + languages);
    BOOST_TEST(!has("x"));
    for (const std::string name :
         {"Hello", "1st", "a_b", "a.b", "../a", "a-", "", "an-inconveniently-long-name-of-41-letters"}) {
        BOOST_TEST(error({name, "--lang", "c", "--kind", "sink"}) ==
                   "leat: \"" + name +
                       "\" cannot be the name of a plugin: that is 1 to 40 of a-z, 0-9 and -, with a letter first and "
                       "no - last\n");
    }
    BOOST_TEST(error({"leat", "--lang", "c", "--kind", "sink"}) ==
               "leat: \"leat\" is Leat's own name; choose another\n");
}

BOOST_AUTO_TEST_CASE(what_is_there_is_left_alone) {
    constexpr auto refused =
        "leat: mine is there, and is not an empty directory: choose another name, or move it away\n";
    put("mine/notes.txt", "mine");
    auto ended = leat({"plugin", "new", "mine", "--lang", "cpp", "--kind", "sink"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err == refused);
    BOOST_TEST(!has("mine/Makefile"));
    std::filesystem::remove_all(path() / "mine");
    put("mine", "a file");
    ended = leat({"plugin", "new", "mine", "--lang", "cpp", "--kind", "sink"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err == refused);
    std::filesystem::remove(path() / "mine");
    std::filesystem::create_directory(path() / "mine");
    BOOST_TEST(leat({"plugin", "new", "mine", "--lang", "cpp", "--kind", "sink"}).code == 0);
    BOOST_TEST(has("mine/mine.cpp"));
}

BOOST_AUTO_TEST_SUITE_END()
