// What `memory:` promises, seen from outside: the process as the system accounts it.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

#ifndef LEAT_SANITIZED  // a sanitizer has memory of its own, several times as much

BOOST_FIXTURE_TEST_SUITE(memory_of_the_process, Directory)

BOOST_AUTO_TEST_CASE(stays_within_the_budget_and_what_leat_takes_itself) {
    constexpr long base_kib = 24 * 1024;  // code, plugins, threads, the parsers' own buffers
    std::ofstream file(path() / "a.csv");
    file << "id,text\n";
    for (int i = 0; i < 200'000; ++i)
        file << i << ',' << std::string(200, 'x') << '\n';
    file.close();
    std::string yaml = "version: 1\nmemory: 8MiB\nbucket: { rows: 1000000, bytes: 1GiB, timeout: 1h }\npipelines:\n";
    for (const std::string name : {"a", "b", "c", "d"})
        yaml += "  " + name +
                ":\n    extract: { csv: { path: a.csv } }\n    transform: [{ sql: \"SELECT id, text || "
                "'abc' AS text FROM batch\" }]\n    load: { ndjson: { path: " +
                name + ".ndjson } }\n";
    put("p.yaml", yaml);
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 0, ended.err);
    for (std::size_t i = 0; i < 4; ++i)
        BOOST_TEST(balance(ended.out, i) == "read 200000 = delivered 200000 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST_MESSAGE("peak " << ended.peak_kib << " KiB");
    BOOST_TEST(ended.peak_kib <= 8 * 1024 + base_kib);
}

BOOST_AUTO_TEST_SUITE_END()

#endif
