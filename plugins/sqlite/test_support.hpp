// What the tests of sqlite.so share: looking into a database, and holding it locked, from another process. Not from
// this one: closing a second connection to a file would drop the locks of the first, which the plugin has.
#pragma once

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <string>

#include "../ndjson/test_support.hpp"

namespace sqlite_test {

using namespace file_test;

/// Where syncing costs nothing, if there is such a place: hundreds of commits are made.
struct InMemory {
    InMemory() {
        if (fs::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
    }
};
struct FastDirectory : private InMemory, public Directory {};

/// The two ends of a pipe.
class Pipe {
public:
    Pipe() {
        if (::pipe(ends_.data()) != 0) throw std::runtime_error("pipe");
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_reading();
        close_writing();
    }
    void write(const std::string& text) const {
        if (::write(ends_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(2);
    }
    /// Up to `size` bytes; all that come when it is left out.
    std::string read(std::size_t size = SIZE_MAX) const {
        std::string out;
        char part[4096];
        while (out.size() < size) {
            const ssize_t count = ::read(ends_[0], part, std::min(sizeof part, size - out.size()));
            if (count <= 0) break;
            out.append(part, static_cast<std::size_t>(count));
        }
        return out;
    }
    void close_reading() { close(ends_[0]); }
    void close_writing() { close(ends_[1]); }

private:
    static void close(int& fd) {
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
    std::array<int, 2> ends_{-1, -1};
};

/// Runs `body` in a process of its own; what it returns is the answer.
inline std::string in_another_process(const std::function<std::string()>& body) {
    Pipe answer;
    const pid_t child = ::fork();
    if (child == 0) {
        answer.close_reading();
        answer.write(body());
        ::_exit(0);
    }
    answer.close_writing();
    std::string out = answer.read();
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) out += "(the process ended with status " + std::to_string(status) + ")";
    return out;
}

inline int print_row(void* out, int columns, char** values, char**) {
    auto& text = *static_cast<std::string*>(out);
    for (int i = 0; i < columns; ++i)
        text += (i == 0 ? "" : "|") + std::string(values[i] == nullptr ? "NULL" : values[i]);
    text += '\n';
    return 0;
}

/// The rows of SQL statements as text, "1|Ann\n2|NULL\n".
inline std::string run_sql(sqlite3* database, const std::string& statements) {
    std::string out;
    char* problem = nullptr;
    sqlite3_exec(database, statements.c_str(), print_row, &out, &problem);
    if (problem != nullptr) out += std::string("error: ") + problem;
    sqlite3_free(problem);
    return out;
}

inline std::string sql(const std::string& file, const std::string& statements) {
    return in_another_process([&] {
        sqlite3* database = nullptr;
        sqlite3_open(file.c_str(), &database);
        run_sql(database, "PRAGMA synchronous=OFF");  // a test need not outlive a power cut
        std::string out = run_sql(database, statements);
        sqlite3_close(database);
        return out;
    });
}

/// Another process that has run `statements` and keeps its connection, and so its locks, until this object goes.
class Holder {
public:
    Holder(const std::string& file, const std::string& statements) {
        child_ = ::fork();
        if (child_ == 0) {
            release_.close_writing();
            sqlite3* database = nullptr;
            sqlite3_open(file.c_str(), &database);
            ready_.write("ready " + run_sql(database, statements));
            ready_.close_writing();
            release_.read();
            run_sql(database, "ROLLBACK");
            sqlite3_close(database);
            ::_exit(0);
        }
        ready_.close_writing();
        said_ = ready_.read();
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() { let_go(); }

    void let_go() {
        if (child_ <= 0) return;
        release_.close_writing();
        ::waitpid(child_, nullptr, 0);
        child_ = 0;
    }
    /// "ready " and what the statements gave.
    const std::string& said() const { return said_; }

private:
    Pipe ready_, release_;
    std::string said_;
    pid_t child_ = 0;
};

/// A sink for table t of shop.db.
inline std::string to_table(const std::string& more = "") {
    return options("shop.db", "\"table\": \"t\"" + (more.empty() ? "" : ", " + more));
}

}  // namespace sqlite_test
