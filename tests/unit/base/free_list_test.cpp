#include "base/free_list.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <thread>

using leat::FreeList;

BOOST_AUTO_TEST_SUITE(free_list)

BOOST_AUTO_TEST_CASE(gives_what_was_given_back_last_and_then_nothing) {
    FreeList<int> list;
    BOOST_TEST(!list.take());
    list.give_back(std::make_unique<int>(1));
    list.give_back(std::make_unique<int>(2));
    BOOST_TEST(*list.take() == 2);
    BOOST_TEST(*list.take() == 1);
    BOOST_TEST(!list.take());
}

BOOST_AUTO_TEST_CASE(finds_what_other_threads_have_given_back) {
    FreeList<int> list;
    for (int i = 0; i < 20; ++i)
        std::thread([&] { list.give_back(std::make_unique<int>(i)); }).join();
    std::set<int> found;
    while (auto one = list.take())
        found.insert(*one);
    BOOST_TEST(found.size() == 20u);
}

BOOST_AUTO_TEST_CASE(has_each_once_whoever_takes_and_gives_back) {
    constexpr int items = 16;
    FreeList<int> list;
    for (int i = 0; i < items; ++i)
        list.give_back(std::make_unique<int>(i));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 20'000; ++n) {
                if (auto one = list.take()) list.give_back(std::move(one));
            }
        });
    }
    for (auto& one : threads)
        one.join();
    std::set<int> found;
    while (auto one = list.take())
        BOOST_TEST(found.insert(*one).second);
    BOOST_TEST(found.size() == static_cast<std::size_t>(items));
}

BOOST_AUTO_TEST_SUITE_END()
