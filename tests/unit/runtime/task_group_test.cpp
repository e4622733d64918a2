#include "runtime/task_group.hpp"

#include <boost/asio/post.hpp>
#include <future>

#include "lab.hpp"

using leat::Stop;
using leat::StopState;
using leat::plugin::Instance;
using leat::runtime::BlockingPool;
using leat::runtime::ComputePool;
using leat::runtime::TaskGroup;
using leat::runtime::Watch;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

struct Nowhere final : leat::plugin::Outlet {
    bool emit(leat::Batch) override { return true; }
};

/// Writes down what the group tells.
struct Seen final : TaskGroup::Observer {
    void stuck(Instance& instance, const Instance::Running& call) override { note("stuck", instance, call); }
    void overdue(Instance& instance, const Instance::Running& call) override { note("overdue", instance, call); }
    void slow(Instance& instance, const Instance::Running& call) override { note("slow", instance, call); }
    void threw(const std::string& what) override {
        const std::lock_guard lock(mutex);
        all.push_back("threw " + what);
    }
    void idle(TaskGroup::Thread) override {
        const std::lock_guard lock(mutex);
        ++times_idle;
        changed.notify_all();
    }
    /// For the end of the tasks that are running; in a new group, of those that begin.
    void wait_until_idle() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return times_idle > 0; });
        --times_idle;
    }
    void note(const std::string& what, Instance& instance, const Instance::Running& call) {
        const std::lock_guard lock(mutex);
        all.push_back(what + " " + instance.title() + " " + call.entry);
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> all;
    int times_idle = 0;
};

/// As its owner does with what was given up: a call may still be in it.
void leave_alone(std::unique_ptr<Instance> instance) {
    static auto& all = *new std::vector<std::unique_ptr<Instance>>;
    all.push_back(std::move(instance));
}

/// A group, and real instances that are called by hand.
struct Group {
    explicit Group(std::chrono::nanoseconds grace = 30s)
        : tasks(std::make_shared<TaskGroup>(pool, watch, stop, grace, seen)) {}
    ~Group() { tasks->close(); }

    std::unique_ptr<Instance> source(std::string keys) {
        for (auto at = keys.find('$'); at != std::string::npos; at = keys.find('$'))
            keys.replace(at, 1, folder.path().generic_string());  // a backslash would begin an escape
        const auto settings = component("odd.source", keys);
        auto values = settings.value;
        values.as_object().insert({{"count", 10}, {"batch", 4}, {"expand", 1}, {"status", 99}, {"times", 0}});
        auto made = Instance::create(*catalog().find("odd.source", leat::plugin::Kind::source),
                                     {"p", "extract", nullptr, values, StopState::drain}, stop, log, nowhere);
        BOOST_REQUIRE(made);
        return std::move(made).value();
    }
    std::size_t calls(const std::string& entry) const {
        const auto lines = lines_of(folder / "calls");
        return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), entry));
    }

    Folder folder;
    Stop stop;
    leat::observe::NoLog log;
    Nowhere nowhere;
    Seen seen;
    BlockingPool pool;
    Watch watch;
    std::shared_ptr<TaskGroup> tasks;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(task_group)

BOOST_AUTO_TEST_CASE(it_is_idle_once_when_all_tasks_have_ended) {
    Group group;
    std::atomic<int> ended{0};
    auto* const hold = group.tasks->hold(TaskGroup::Thread::leased);
    for (int i = 0; i < 10; ++i)
        BOOST_REQUIRE(group.tasks->spawn([&] { ++ended; }, {}));
    wait_until([&] { return ended.load() == 10; });
    group.tasks->run_here(TaskGroup::Thread::leased, [&] { ++ended; }, {});
    {
        const std::lock_guard lock(group.seen.mutex);
        BOOST_TEST(group.seen.times_idle == 0);
    }
    group.tasks->ended(hold);
    group.seen.wait_until_idle();
    BOOST_TEST(group.seen.times_idle == 0);
    BOOST_TEST(ended.load() == 11);
    BOOST_TEST(group.tasks->given_up() == 0u);
}

BOOST_AUTO_TEST_CASE(work_elsewhere_is_waited_for_too) {
    Group group;
    ComputePool compute(1);
    std::atomic<bool> ran{false};
    auto* const task = group.tasks->began({});
    boost::asio::post(compute, [&] {
        ran = true;
        group.tasks->ended(task);
    });
    group.seen.wait_until_idle();
    BOOST_TEST(ran.load());
    compute.join();
}

BOOST_AUTO_TEST_CASE(an_exception_of_a_task_is_told_and_the_task_has_ended) {
    Group group;
    BOOST_REQUIRE(group.tasks->spawn([] { throw std::runtime_error("no memory"); }, {}));
    group.seen.wait_until_idle();
    BOOST_TEST(group.seen.all == std::vector<std::string>{"threw no memory"});
}

BOOST_AUTO_TEST_CASE(a_task_that_gets_no_thread_does_not_count) {
    Group group;
    BlockingPool none({.most = 0, .linger = 1ms});
    const auto tasks = std::make_shared<TaskGroup>(none, group.watch, group.stop, 30s, group.seen);
    BOOST_TEST(tasks->spawn([] {}, {}).has_error());
    BOOST_TEST(group.seen.times_idle == 0);
    tasks->run_here(TaskGroup::Thread::leased, [] {}, {});
    BOOST_TEST(group.seen.times_idle == 1);
    tasks->close();
}

BOOST_AUTO_TEST_CASE(a_running_call_is_interrupted_when_the_stop_reaches_its_level) {
    for (const auto level : {StopState::drain, StopState::stop}) {
        Group group;
        auto source = group.source("{'mode': 'waits', 'calls': '$/calls'}");
        group.tasks->watch(*source, level);
        BOOST_REQUIRE(group.tasks->spawn([&] { source->read({}); }, {source.get()}));
        std::thread stopper([&] {
            wait_until([&] { return group.calls("read") == 1; });
            group.stop.request(StopState::drain);
            group.stop.request(level);
        });
        group.seen.wait_until_idle();
        stopper.join();
        BOOST_TEST(group.calls("interrupt") >= 1u);
        BOOST_TEST(group.tasks->no_more_interrupts(*source));
        group.tasks->forget(*source);
    }
}

BOOST_AUTO_TEST_CASE(a_call_that_begins_after_the_stop_is_interrupted_too) {
    Group group;
    auto source = group.source("{'mode': 'waits', 'calls': '$/calls'}");
    group.tasks->watch(*source, StopState::drain);
    group.stop.request(StopState::drain);
    BOOST_REQUIRE(group.tasks->spawn(
        [&] {
            for (int i = 0; i < 3; ++i)
                source->read({});
        },
        {source.get()}));
    group.seen.wait_until_idle();
    BOOST_TEST(group.calls("interrupt") >= 3u);
    BOOST_TEST(group.tasks->no_more_interrupts(*source));
    group.tasks->forget(*source);
}

BOOST_AUTO_TEST_CASE(what_is_forgotten_or_closing_is_not_interrupted) {
    Group group(50ms);
    auto forgotten = group.source("{'calls': '$/calls'}");
    group.tasks->watch(*forgotten, StopState::drain);
    BOOST_TEST(group.tasks->no_more_interrupts(*forgotten));
    BOOST_CHECK(forgotten->open({}).ok());
    auto closing = group.source("{'mode': 'late', 'at': 'close', 'gate': '$/gate', 'calls': '$/closing'}");
    group.tasks->watch(*closing, StopState::drain);
    BOOST_CHECK(closing->open({}).ok());
    group.stop.request(StopState::drain);
    BOOST_REQUIRE(group.tasks->spawn(
        [&] {
            forgotten->read({});
            closing->close();
        },
        {closing.get()}));
    std::thread opener([&] {
        // Overdue: it was looked at for as long as the grace, and more than once.
        wait_until([&] {
            const std::lock_guard lock(group.seen.mutex);
            return !group.seen.all.empty();
        });
        std::ofstream(group.folder / "gate") << "open";
    });
    group.seen.wait_until_idle();
    opener.join();
    BOOST_TEST(group.seen.all.front() == "overdue extract odd.source close");
    BOOST_TEST(group.calls("interrupt") == 0u);
    const auto lines = lines_of(group.folder / "closing");
    BOOST_TEST((std::find(lines.begin(), lines.end(), "interrupt") == lines.end()));
    group.tasks->forget(*forgotten);
    group.tasks->forget(*closing);
    if (closing->is_abandoned()) leave_alone(std::move(closing));
}

BOOST_AUTO_TEST_CASE(a_call_that_outlives_drain_and_stop_is_overdue_and_then_stuck) {
    Group group(20ms);
    auto source = group.source("{'mode': 'late', 'gate': '$/gate', 'calls': '$/calls'}");
    group.tasks->watch(*source, StopState::drain);
    std::promise<void> back;
    BOOST_REQUIRE(group.tasks->spawn(
        [&] {
            source->read({});
            back.set_value();
        },
        {source.get()}));
    group.stop.request(StopState::drain);
    group.seen.wait_until_idle();
    BOOST_TEST(group.seen.all ==
               (std::vector<std::string>{"overdue extract odd.source read", "stuck extract odd.source read"}));
    BOOST_CHECK(group.stop.state() == StopState::stop);
    BOOST_TEST(group.tasks->given_up() == 1u);
    BOOST_TEST(source->is_abandoned());
    std::ofstream(group.folder / "gate") << "open";
    back.get_future().wait();
    leave_alone(std::move(source));
}

BOOST_AUTO_TEST_CASE(a_long_call_on_the_compute_pool_is_told_once) {
    Group group;
    ComputePool compute(1);
    auto source = group.source("{'mode': 'late', 'gate': '$/gate', 'calls': '$/calls'}");
    group.tasks->watch(*source, StopState::drain);
    auto* const task = group.tasks->began({source.get()});
    boost::asio::post(compute, [&] {
        source->read({});
        group.tasks->ended(task);
    });
    std::thread opener([&] {
        wait_until([&] {
            const std::lock_guard lock(group.seen.mutex);
            return !group.seen.all.empty();
        });
        std::ofstream(group.folder / "gate") << "open";
    });
    group.seen.wait_until_idle();
    opener.join();
    compute.join();
    BOOST_TEST(group.seen.all == std::vector<std::string>{"slow extract odd.source read"});
    group.tasks->forget(*source);
}

BOOST_AUTO_TEST_CASE(the_error_of_a_call_that_was_given_up_tells_everything) {
    Group group;
    const auto source = group.source("{}");
    const auto error = leat::runtime::stuck_error(*source, {"read", true, 2500ms}, "orders");
    BOOST_TEST(error.text() ==
               "pipeline \"orders\": extract odd.source: read has not returned for 2.5 s, though a stop was asked; its "
               "thread and instance are given up: report it to the vendor of plugin odd");
    BOOST_CHECK(error.code() == leat::Errc::plugin);
}

BOOST_AUTO_TEST_SUITE_END()
