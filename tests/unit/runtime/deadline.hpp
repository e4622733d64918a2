// Ends the process when a test case takes too long: a hang is a failure with a name, never a wait.
#pragma once

#include <boost/test/framework.hpp>
#include <boost/test/tree/observer.hpp>
#include <boost/test/tree/test_unit.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

class Deadline : public boost::unit_test::test_observer {
public:
    Deadline() : thread_([this] { watch(); }) { boost::unit_test::framework::register_observer(*this); }
    ~Deadline() {
        boost::unit_test::framework::deregister_observer(*this);
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    void test_unit_start(const boost::unit_test::test_unit& unit) override {
        if (unit.p_type == boost::unit_test::TUT_CASE) set(unit.full_name());
    }
    void test_unit_finish(const boost::unit_test::test_unit&, unsigned long) override { set({}); }

private:
    // Generous: the sanitizers are slow, and the machine may be busy. Wine has one thread that all others ask.
#ifdef _WIN32
    static constexpr auto longest = std::chrono::seconds(300);
#else
    static constexpr auto longest = std::chrono::seconds(120);
#endif

    void set(std::string name) {
        {
            const std::lock_guard lock(mutex_);
            name_ = std::move(name);
            began_ = std::chrono::steady_clock::now();
        }
        changed_.notify_all();
    }

    void watch() {
        std::unique_lock lock(mutex_);
        while (!over_) {
            if (name_.empty()) {
                changed_.wait(lock);
            } else if (std::chrono::steady_clock::now() < began_ + longest) {
                changed_.wait_until(lock, began_ + longest);
            } else {
                std::fprintf(stderr, "deadline: %s has not ended\n", name_.c_str());
                std::abort();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string name_;
    std::chrono::steady_clock::time_point began_;
    bool over_ = false;
    std::thread thread_;
};
