// Sources and targets that are not there, full, read-only, of another shape, or that change while they are read.
#include <sys/resource.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

std::string numbered(int rows) {
    std::string text = "id,name\n";
    for (int i = 0; i < rows; ++i)
        text += std::to_string(i) + ",name of row " + std::to_string(i) + "\n";
    return text;
}

std::string to(const std::string& load, const std::string& more = "") {
    return "version: 1\npipelines:\n  a:\n    extract: { csv: { path: a.csv } }\n    load: { " + load + " }\n" + more;
}

/// `command` with a file system of 1 MiB mounted on DIRECTORY/small.
std::vector<std::string> with_a_small_disk(const Directory& directory, std::vector<std::string> command) {
    std::filesystem::create_directory(directory.path() / "small");
    std::vector<std::string> out = {"unshare", "--mount"};
    if (::geteuid() != 0) out.emplace_back("--map-root-user");
    for (const char* word : {"sh", "-c", "mount -t tmpfs -o size=1m none small && exec \"$0\" \"$@\""})
        out.emplace_back(word);
    out.insert(out.end(), command.begin(), command.end());
    return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_places, Directory)

BOOST_AUTO_TEST_CASE(a_source_that_is_not_there_is_named) {
    put("p.yaml", to("\"null\": {}"));
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(text(pipeline_of(ended.out), "error") ==
               "pipeline \"a\": extract csv: a.csv does not exist: check the path; it is taken from the directory " +
                   path().string() + " unless it begins with /");
}

BOOST_AUTO_TEST_CASE(an_output_directory_that_is_not_there_is_named) {
    put("a.csv", numbered(10));
    for (const std::string load :
         {"ndjson: { path: nowhere/out }", "csv: { path: nowhere/out }", "sqlite: { path: nowhere/out, table: t }"}) {
        put("p.yaml", to(load));
        const auto ended = run_json("p.yaml");
        BOOST_TEST(ended.code == 3);
        const auto error = text(pipeline_of(ended.out), "error");
        BOOST_TEST(error.find("pipeline \"a\": load ") == 0u, error);
        BOOST_TEST(error.find("nowhere") != std::string::npos, error);
        BOOST_TEST((error.find("make it") != std::string::npos || error.find("create") != std::string::npos), error);
        BOOST_TEST(balance(ended.out) == "read 0 = delivered 0 + filtered 0 + dead 0, failed, balanced");
    }
}

BOOST_AUTO_TEST_CASE(a_full_disk_ends_the_run_and_what_was_committed_stays) {
    put("a.csv", numbered(100'000));
    for (const std::string load :
         {"ndjson: { path: small/out }", "csv: { path: small/out }", "sqlite: { path: small/out, table: t }"}) {
        put("p.yaml", to(load, "    bucket: { rows: 1000 }\n"));
        Options options;
        options.directory = path();
        const auto ended =
            integration::run(with_a_small_disk(*this, leat_command({"run", "--json", "p.yaml"})), options);
        std::filesystem::remove(path() / "small");
        BOOST_TEST(ended.code == 3);  // an operator must make room
        const auto one = pipeline_of(ended.out);
        const auto error = text(one, "error");
        BOOST_TEST(error.find("pipeline \"a\": load ") == 0u, error);
        BOOST_TEST(
            (error.find("No space left on device") != std::string::npos || error.find("full") != std::string::npos),
            error);
        BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
        BOOST_TEST(text(one, "outcome") == "failed");
        BOOST_TEST(number(one, "delivered") % 1000 == 0u);
        BOOST_TEST(number(one, "delivered") > 0u);
        BOOST_TEST(number(one, "read") == number(one, "delivered"));
    }
}

BOOST_AUTO_TEST_CASE(a_read_only_database_is_named) {
    put("a.csv", numbered(10));
    BOOST_REQUIRE(integration::run({"sqlite3", (path() / "a.db").string(), "CREATE TABLE t(id, name)"}).code == 0);
    // Root may write any file, so the file system itself is read-only.
    put("p.yaml", to("sqlite: { path: small/a.db, table: t }"));
    std::filesystem::create_directory(path() / "small");
    std::vector<std::string> command = {"unshare", "--mount"};
    if (::geteuid() != 0) command.emplace_back("--map-root-user");
    for (const char* word :
         {"sh", "-c", "mount -t tmpfs none small && cp a.db small && mount -o remount,ro small && exec \"$0\" \"$@\""})
        command.emplace_back(word);
    for (const auto& word : leat_command({"run", "--json", "p.yaml"}))
        command.push_back(word);
    Options options;
    options.directory = path();
    const auto ended = integration::run(command, options);
    BOOST_TEST(ended.code == 3);
    const auto error = text(pipeline_of(ended.out), "error");
    BOOST_TEST(error.find("pipeline \"a\": load sqlite: small/a.db") == 0u, error);
    BOOST_TEST(error.find("read-only") != std::string::npos, error);
}

BOOST_AUTO_TEST_CASE(a_table_with_other_columns_is_shown_beside_what_was_to_come) {
    put("a.csv", numbered(10));
    BOOST_REQUIRE(
        integration::run({"sqlite3", (path() / "a.db").string(), "CREATE TABLE t(id INTEGER, nom TEXT)"}).code == 0);
    put("p.yaml", to("sqlite: { path: a.db, table: t }"));
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 3);
    const auto error = text(pipeline_of(ended.out), "error");
    BOOST_TEST(error.find("pipeline \"a\": load sqlite: ") == 0u, error);
    BOOST_TEST(error.find("name") != std::string::npos, error);
    BOOST_TEST(error.find("nom") != std::string::npos, error);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
    BOOST_TEST(integration::run({"sqlite3", (path() / "a.db").string(), "SELECT count(*) FROM t"}).out == "0\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_grows_while_it_is_read_gives_each_row_once) {
    put("a.csv", numbered(200'000));
    put("p.yaml", to("ndjson: { path: out.ndjson }", "    bucket: { rows: 1000 }\n"));
    Options options;
    options.directory = path();
    Process process(leat_command({"run", "--json", "p.yaml"}), options);
    process.wait_until([&] { return has("out.ndjson") && std::filesystem::file_size(path() / "out.ndjson") > 0; },
                       "output");
    std::ofstream(path() / "a.csv", std::ios::app) << "200000,late\n200001,later\n";
    const auto ended = process.wait();
    BOOST_TEST(ended.code == 0);
    const auto one = pipeline_of(ended.out);
    BOOST_TEST(number(one, "read") >= 200'000u);
    BOOST_TEST(number(one, "read") <= 200'002u);
    BOOST_TEST(number(one, "read") == number(one, "delivered"));
    const auto rows = get("out.ndjson");
    BOOST_TEST(static_cast<std::uint64_t>(std::count(rows.begin(), rows.end(), '\n')) == number(one, "delivered"));
}

BOOST_AUTO_TEST_CASE(a_file_that_vanishes_while_it_is_read_is_read_to_its_end) {
    put("a.csv", numbered(200'000));
    put("p.yaml", to("ndjson: { path: out.ndjson }", "    bucket: { rows: 1000 }\n"));
    Options options;
    options.directory = path();
    Process process(leat_command({"run", "--json", "p.yaml"}), options);
    process.wait_until([&] { return has("out.ndjson") && std::filesystem::file_size(path() / "out.ndjson") > 0; },
                       "output");
    std::filesystem::remove(path() / "a.csv");
    const auto ended = process.wait();
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 200000 = delivered 200000 + filtered 0 + dead 0, done, balanced");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_short_while_it_is_read_is_an_error_and_no_crash) {
    put("a.csv", numbered(400'000));
    put("p.yaml", to("ndjson: { path: out.ndjson }", "    bucket: { rows: 1000 }\n"));
    Options options;
    options.directory = path();
    Process process(leat_command({"run", "--json", "p.yaml"}), options);
    process.wait_until([&] { return has("out.ndjson") && std::filesystem::file_size(path() / "out.ndjson") > 0; },
                       "output");
    std::filesystem::resize_file(path() / "a.csv", 100);
    const auto ended = process.wait();
    BOOST_TEST(ended.signal == 0);
    BOOST_TEST((ended.code == 0 || ended.code == 1), ended.err);
    const auto one = pipeline_of(ended.out);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
    const auto rows = get("out.ndjson");
    BOOST_TEST(static_cast<std::uint64_t>(std::count(rows.begin(), rows.end(), '\n')) == number(one, "delivered"));
    if (ended.code == 1) BOOST_TEST(text(one, "error").find("a.csv") != std::string::npos, text(one, "error"));
}

BOOST_AUTO_TEST_SUITE_END()
