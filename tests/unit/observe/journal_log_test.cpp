#include "observe/journal_log.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

using namespace leat::observe;

namespace {

using Entry = std::map<std::string, std::string>;

/// Takes an entry apart as the journal does.
Entry parsed(std::string_view bytes) {
    Entry out;
    while (!bytes.empty()) {
        const auto end = bytes.find_first_of("=\n");
        BOOST_REQUIRE(end != std::string_view::npos);
        const std::string key(bytes.substr(0, end));
        std::string value;
        const bool has_length = bytes[end] == '\n';
        bytes.remove_prefix(end + 1);
        if (has_length) {
            BOOST_REQUIRE(bytes.size() >= 8u);
            std::uint64_t size = 0;
            for (std::size_t i = 0; i < 8; ++i)
                size |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
            BOOST_REQUIRE(bytes.size() > 8 + size);
            value = bytes.substr(8, size);
            bytes.remove_prefix(8 + size);
        } else {
            value = bytes.substr(0, bytes.find('\n'));
            bytes.remove_prefix(value.size());
        }
        BOOST_REQUIRE(!bytes.empty());
        BOOST_TEST(bytes.front() == '\n');
        bytes.remove_prefix(1);
        BOOST_TEST(out.emplace(key, value).second, key);
    }
    return out;
}

/// A datagram socket where the journal would have one.
class Journal {
public:
    Journal() {
        std::string name = (std::filesystem::temp_directory_path() / "leat-test-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()));
        folder_ = name;
        open();
    }
    ~Journal() {
        close();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    std::filesystem::path path() const { return folder_ / "socket"; }

    void open() {
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const auto text = path().string();
        BOOST_REQUIRE(text.size() < sizeof address.sun_path);
        text.copy(address.sun_path, text.size());
        BOOST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        constexpr timeval patience{.tv_sec = 30, .tv_usec = 0};  // a hang is a failure
        BOOST_REQUIRE(::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    }
    void close() {
        ::close(socket_);
        std::filesystem::remove(path());
    }
    bool is_empty() const {
        char one = 0;
        return ::recv(socket_, &one, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
    }

    Entry next() {
        std::vector<char> bytes(1 << 20);
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        iovec part{bytes.data(), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const auto size = ::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
        BOOST_REQUIRE(size >= 0);
        const auto* const head = CMSG_FIRSTHDR(&message);
        if (!head) return parsed({bytes.data(), static_cast<std::size_t>(size)});
        int file = -1;
        std::memcpy(&file, CMSG_DATA(head), sizeof file);
        // The journal takes only what its sender cannot change any more.
        BOOST_TEST((::fcntl(file, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)) ==
                   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL));
        came_as_file = true;
        struct stat of {};
        BOOST_REQUIRE(::fstat(file, &of) == 0);
        std::string text(static_cast<std::size_t>(of.st_size), '\0');
        BOOST_TEST(::pread(file, text.data(), text.size(), 0) == of.st_size);
        ::close(file);
        return parsed(text);
    }

    bool came_as_file = false;

private:
    std::filesystem::path folder_;
    int socket_ = -1;
};

class KeptMessages final : public Log {
public:
    void write(const Line& line) override {
        const std::lock_guard lock(mutex_);
        messages.emplace_back(line.message);
    }
    std::vector<std::string> messages;

private:
    std::mutex mutex_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(journal_log)

BOOST_AUTO_TEST_CASE(an_entry_has_the_event_and_its_fields) {
    Journal journal;
    KeptMessages otherwise;
    JournalLog log(journal.path(), otherwise);
    log.tell("circuit-open", "sink sqlite: 5 tries in a row have failed",
             {{"pipeline", "orders"}, {"component", "sqlite"}, {"failures", 5}});
    const Entry wanted = {
        {"MESSAGE", "sink sqlite: 5 tries in a row have failed pipeline=orders component=sqlite failures=5"},
        {"PRIORITY", "4"},
        {"SYSLOG_IDENTIFIER", "leat"},
        {"LEAT_EVENT", "circuit-open"},
        {"LEAT_PIPELINE", "orders"},
        {"LEAT_COMPONENT", "sqlite"},
        {"LEAT_FAILURES", "5"}};
    BOOST_TEST((journal.next() == wanted));
    BOOST_TEST(otherwise.messages.empty());
}

BOOST_AUTO_TEST_CASE(levels_are_those_of_syslog) {
    Journal journal;
    KeptMessages otherwise;
    JournalLog log(journal.path(), otherwise);
    for (const auto& [level, priority] : std::map<Level, std::string>{
             {Level::trace, "7"}, {Level::debug, "7"}, {Level::info, "6"}, {Level::warn, "4"}, {Level::error, "3"}}) {
        log.tell("plugin-says", level, "x");
        BOOST_TEST(journal.next().at("PRIORITY") == priority);
    }
}

BOOST_AUTO_TEST_CASE(ends_of_lines_stay_and_make_no_other_fields) {
    Journal journal;
    KeptMessages otherwise;
    JournalLog log(journal.path(), otherwise);
    log.tell("pipeline-reloaded", "first\nPRIORITY=0\n", {{"pipeline", "a\nb"}, {"why", ""}});
    const auto entry = journal.next();
    BOOST_TEST(entry.at("MESSAGE") == "first\nPRIORITY=0\n pipeline=\"a\\nb\" why=\"\"");
    BOOST_TEST(entry.at("PRIORITY") == "6");
    BOOST_TEST(entry.at("LEAT_PIPELINE") == "a\nb");
    BOOST_TEST(entry.at("LEAT_WHY") == "");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_marked) {
    BOOST_TEST(parsed(journal_entry({"plugin-says", Level::info, "a\xff", {}})).at("MESSAGE") == "a\uFFFD");
}

BOOST_AUTO_TEST_CASE(what_a_plugin_gives_has_names_of_its_own) {
    const std::array<Field, 1> own = {Field("pipeline", "orders")};
    const std::array<Field, 2> given = {Field("pipeline", "mine"), Field("rows read", 3)};
    const auto entry = parsed(journal_entry({"plugin-says", Level::info, "read", own, given}));
    BOOST_TEST(entry.at("MESSAGE") == "read pipeline=mine rows read=3 pipeline=orders");
    BOOST_TEST(entry.at("LEAT_PIPELINE") == "orders");
    BOOST_TEST(entry.at("LEAT_PLUGIN_PIPELINE") == "mine");
    BOOST_TEST(entry.at("LEAT_PLUGIN_ROWS_READ") == "3");
}

BOOST_AUTO_TEST_CASE(what_no_datagram_holds_comes_as_a_sealed_file) {
    Journal journal;
    KeptMessages otherwise;
    JournalLog log(journal.path(), otherwise);
    const std::string large(32U << 20, 'x');
    log.tell("plugin-says", Level::info, large);
    BOOST_TEST((journal.next().at("MESSAGE") == large));
    BOOST_TEST(journal.came_as_file);
    BOOST_TEST(otherwise.messages.empty());
}

BOOST_AUTO_TEST_CASE(without_a_journal_no_line_is_lost_and_one_that_comes_is_found) {
    Journal journal;
    KeptMessages otherwise;
    JournalLog log(journal.path(), otherwise);
    journal.close();
    log.tell("stopping", "nobody listens");
    BOOST_TEST(otherwise.messages == std::vector<std::string>{"nobody listens"}, boost::test_tools::per_element());
    journal.open();  // as after a restart of the journal
    log.tell("stopping", "again");
    BOOST_TEST(journal.next().at("MESSAGE") == "again");
    BOOST_TEST(otherwise.messages.size() == 1u);

    JournalLog nowhere("/no/such/socket", otherwise);
    nowhere.tell("stopping", "not there");
    JournalLog endless(std::string(300, 'x'), otherwise);  // longer than an address
    endless.tell("stopping", "too long");
    BOOST_TEST(otherwise.messages == (std::vector<std::string>{"nobody listens", "not there", "too long"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_journal_that_takes_nothing_holds_nothing_up_for_long) {
    Journal journal;
    KeptMessages otherwise;
    JournalLog log(journal.path(), otherwise);
    // The queue of a datagram socket is as long as net.unix.max_dgram_qlen, or the buffer: until a line went elsewhere.
    constexpr int most = 100'000;
    int sent = 0;
    while (otherwise.messages.empty() && sent < most)
        log.tell("plugin-says", Level::info, std::to_string(sent++));
    BOOST_REQUIRE(otherwise.messages.size() == 1u);
    BOOST_TEST(otherwise.messages.front() == std::to_string(sent - 1));
    // Who has waited once for nothing does not wait again: that would be a second for each.
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 30; ++i)
        log.tell("plugin-says", Level::info, "elsewhere");
    BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds(15)));
    BOOST_TEST(otherwise.messages.size() == 31u);
    for (int i = 0; i + 1 < sent; ++i)
        BOOST_TEST(journal.next().at("MESSAGE") == std::to_string(i));
    BOOST_TEST(journal.is_empty());
    log.tell("plugin-says", Level::info, "it moves again");
    BOOST_TEST(journal.next().at("MESSAGE") == "it moves again");
}

BOOST_AUTO_TEST_CASE(threads_send_whole_entries) {
    Journal journal;
    KeptMessages otherwise;
    JournalLog log(journal.path(), otherwise);
    constexpr int threads = 4, each = 500;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&log, t] {
            for (int i = 0; i < each; ++i)
                log.tell("plugin-says", Level::info, "m", {{"pipeline", std::to_string(t * each + i)}});
        });
    }
    std::set<std::string> seen;
    for (int i = 0; i < threads * each; ++i)
        seen.insert(journal.next().at("LEAT_PIPELINE"));
    for (auto& one : all)
        one.join();
    BOOST_TEST(seen.size() == std::size_t{threads * each});
    BOOST_TEST(otherwise.messages.empty());
}

BOOST_AUTO_TEST_CASE(the_journal_is_known_by_device_and_inode_of_the_stream) {
    int ends[2];
    BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    struct stat of {};
    BOOST_REQUIRE(::fstat(ends[1], &of) == 0);
    const auto device = std::to_string(of.st_dev), inode = std::to_string(of.st_ino);
    BOOST_TEST(is_journal(ends[1], device + ":" + inode));
    BOOST_TEST(!is_journal(ends[1], device + ":" + inode + "1"));  // standard error was sent elsewhere since
    BOOST_TEST(!is_journal(ends[1], "1" + device + ":" + inode));
    BOOST_TEST(!is_journal(ends[1], ""));
    BOOST_TEST(!is_journal(ends[1], std::nullopt));
    for (const int end : ends)
        ::close(end);
    BOOST_TEST(!is_journal(ends[1], device + ":" + inode));
}

BOOST_AUTO_TEST_SUITE_END()
