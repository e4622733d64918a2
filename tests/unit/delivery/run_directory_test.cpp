#include "delivery/run_directory.hpp"

#include <sys/stat.h>

#include "folder.hpp"
#include "stopped_clock.hpp"

using leat::Clock;
using leat::delivery::RunDirectory;
using namespace leat::test;

namespace {

StoppedClock clock_with_fraction() {
    StoppedClock out;
    out.fraction = std::chrono::milliseconds(42);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_directory)

BOOST_AUTO_TEST_CASE(it_is_named_after_time_and_process_and_never_shared) {
    const Folder folder;
    const auto name = "20231114T221320.042Z-" + std::to_string(::getpid());
    const auto first = RunDirectory::make(folder / "state", clock_with_fraction());
    const auto second = RunDirectory::make(folder / "state", clock_with_fraction());
    BOOST_REQUIRE(first);
    BOOST_REQUIRE(second);
    BOOST_TEST(first.value().path() == folder / "state/runs" / name);
    BOOST_TEST(second.value().path() == folder / "state/runs" / (name + "-1"));
    BOOST_TEST(std::filesystem::is_directory(second.value().path()));
}

BOOST_AUTO_TEST_CASE(a_receipt_replaces_the_one_before_as_a_whole) {
    const Folder folder;
    const auto made = RunDirectory::make(folder.path(), clock_with_fraction());
    BOOST_REQUIRE(made);
    BOOST_REQUIRE(made.value().write_receipt("first and long"));
    BOOST_REQUIRE(made.value().write_receipt("second"));
    BOOST_TEST(read_file(made.value().receipt_file()) == "second");
    BOOST_TEST(!std::filesystem::exists(made.value().receipt_file().string() + ".tmp"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_made_or_written_is_named_with_the_remedy) {
    const Folder folder;
    std::ofstream(folder / "file") << "x";
    BOOST_TEST(RunDirectory::make(folder / "file", clock_with_fraction()).error().text() ==
               "cannot make the state directory " + (folder / "file" / "runs").string() +
                   ": Not a directory; choose a directory that can be written with --state");
    const auto made = RunDirectory::make(folder.path(), clock_with_fraction());
    BOOST_REQUIRE(made);
    std::filesystem::create_directory(made.value().receipt_file());
    BOOST_TEST(made.value().write_receipt("x").error().text() ==
               "cannot write the receipt " + made.value().receipt_file().string() +
                   ": Is a directory; choose a directory that can be written with --state");
}

BOOST_AUTO_TEST_SUITE_END()
