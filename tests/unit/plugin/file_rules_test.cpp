// Files and directories that others could change.
#include "plugin/file_rules.hpp"

#include "files.hpp"
#include "plugin/catalog.hpp"
#include "plugin/library.hpp"

using leat::plugin::Catalog;
using leat::plugin::fault_of_mode;
using leat::plugin::Kind;
using leat::plugin::Library;
using leat::plugin::User;
using leat::test::fixture;
using leat::test::Folder;

namespace {

constexpr User root{0, 0};
constexpr User alice{1000, 1000};   // with a group of her own
constexpr User in_staff{1000, 50};  // with a group that others are in
constexpr mode_t file = S_IFREG, directory = S_IFDIR;

std::string fault(mode_t mode, uid_t owner, gid_t group, const User& user) {
    struct stat found {};
    found.st_mode = mode;
    found.st_uid = owner;
    found.st_gid = group;
    return fault_of_mode(found, "/p/csv.so", user).value_or("none");
}

void set_mode(const std::filesystem::path& of, unsigned mode) {
    BOOST_REQUIRE(::chmod(of.c_str(), mode) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file_rules)

BOOST_AUTO_TEST_CASE(nobody_but_root_and_the_user_of_the_host_may_write) {
    for (const mode_t kind : {file, directory}) {
        BOOST_TEST(fault(kind | 0644, 0, 0, alice) == "none");
        BOOST_TEST(fault(kind | 0755, 1000, 50, alice) == "none");
        BOOST_TEST(fault(kind | 0666, 0, 0, root) ==
                   "may be changed by everybody: its mode is 0666, its owner uid 0; run: chmod go-w /p/csv.so");
        BOOST_TEST(fault(kind | 0602, 1000, 1000, alice) ==
                   "may be changed by everybody: its mode is 0602, its owner uid 1000; run: chmod go-w /p/csv.so");
    }
}

BOOST_AUTO_TEST_CASE(a_group_may_write_when_it_is_roots_or_the_users_own) {
    BOOST_TEST(fault(file | 0664, 1000, 1000, alice) == "none");
    BOOST_TEST(fault(file | 0664, 0, 0, alice) == "none");
    const std::string why =
        "may be changed by group 50: its mode is 0664, its owner uid 1000; run: chmod go-w /p/csv.so";
    BOOST_TEST(fault(file | 0664, 1000, 50, alice) == why);
    BOOST_TEST(fault(file | 0664, 1000, 50, in_staff) == why);
    BOOST_TEST(fault(directory | 0775, 0, 50, root) ==
               "may be changed by group 50: its mode is 0775, its owner uid 0; run: chmod go-w /p/csv.so");
}

BOOST_AUTO_TEST_CASE(others_own_nothing_of_it) {
    BOOST_TEST(
        fault(file | 0644, 1001, 1001, alice) ==
        "belongs to neither root nor uid 1000, which runs this host: its mode is 0644, its owner uid 1001; if you "
        "trust it, run: chown root /p/csv.so");
    BOOST_TEST(fault(directory | 01755, 1000, 0, root) ==
               "does not belong to root, who runs this host: its mode is 01755, its owner uid 1000; if you trust it, "
               "run: chown root /p/csv.so");
}

BOOST_AUTO_TEST_CASE(the_sticky_bit_lets_all_write_into_a_directory_but_not_into_a_file) {
    BOOST_TEST(fault(directory | 01777, 0, 0, alice) == "none");
    BOOST_TEST(fault(directory | 01775, 0, 50, alice) == "none");
    BOOST_TEST(fault(file | 01666, 0, 0, alice) ==
               "may be changed by everybody: its mode is 01666, its owner uid 0; run: chmod go-w /p/csv.so");
}

BOOST_AUTO_TEST_CASE(a_command_can_be_pasted_whatever_the_path) {
    struct stat found {};
    found.st_mode = file | 0666;
    const auto fault = fault_of_mode(found, "/my plug'ins/$x.so", root).value_or("");
    BOOST_TEST(fault.substr(fault.rfind("chmod")) == R"(chmod go-w '/my plug'\''ins/$x.so')");
}

BOOST_AUTO_TEST_CASE(a_file_that_all_may_write_is_refused_before_it_is_mapped) {
    // It would end the process if any of it ran.
    const Folder folder;
    const auto so = folder / "crash.so";
    std::filesystem::copy_file(fixture("crashes-when-loaded"), so);
    set_mode(so, 0666);
    const auto catalog = Catalog::scan({.named = {folder.path()}, .defaults = {}, .trial = false});
    BOOST_REQUIRE(catalog);
    BOOST_TEST_REQUIRE(catalog.value().refused().size() == 1u);
    const std::string why = so.string() + ": may be changed by everybody: its mode is 0666, its owner uid " +
                            std::to_string(::geteuid()) + "; run: chmod go-w " + so.string();
    BOOST_TEST(catalog.value().refused()[0].error.text() == why);
    const auto opened = Library::open(so);
    BOOST_REQUIRE(!opened);
    BOOST_TEST(opened.error().text() == why);
    const auto checked = leat::plugin::check_file(so);
    BOOST_TEST(!checked.library);
    BOOST_TEST(checked.report.failed());
}

BOOST_AUTO_TEST_CASE(a_directory_that_all_may_write_into_gives_no_plugin_and_is_named_for_what_is_missed) {
    const Folder folder;
    std::filesystem::copy_file(fixture("good"), folder / "good.so");
    const auto scan = [&] {
        auto catalog = Catalog::scan({.named = {folder.path()}, .defaults = {}, .trial = false});
        BOOST_REQUIRE(catalog);
        return std::move(catalog).value();
    };
    const std::string owner = std::to_string(::geteuid());
    set_mode(folder.path(), 0777);
    const auto refused = scan();
    BOOST_TEST(refused.libraries().empty());
    BOOST_TEST_REQUIRE(refused.refused().size() == 1u);
    const std::string why = "plugin directory " + folder.path().string() +
                            ": may be changed by everybody: its mode is 0777, its owner uid " + owner +
                            "; run: chmod go-w " + folder.path().string();
    BOOST_TEST(refused.refused()[0].error.text() == why);
    BOOST_TEST(refused.unknown("good.count", {Kind::source}).text() ==
               "\"good.count\" is not a source here, and it may be in what was refused: " + why);
    BOOST_TEST(Library::open(folder / "good.so").error().text() ==
               (folder / "good.so").string() + ": its directory " + folder.path().string() +
                   " may be changed by everybody: its mode is 0777, its owner uid " + owner + "; run: chmod go-w " +
                   folder.path().string());
    set_mode(folder.path(), 01777);
    BOOST_TEST(scan().libraries().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_symbolic_link_leads_out_of_no_rule) {
    const Folder folder;
    const Folder open_to_all;
    std::filesystem::copy_file(fixture("good"), open_to_all / "good.so");
    std::filesystem::create_symlink(open_to_all / "good.so", folder / "good.so");
    BOOST_TEST(Library::open(folder / "good.so").has_value());
    set_mode(open_to_all.path(), 0777);
    BOOST_TEST(Library::open(folder / "good.so")
                   .error()
                   .text()
                   .find(": its directory " + open_to_all.path().string() + " may be changed by everybody") !=
               std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
