// Linked into every test: writes the name of the case that is running to the file $LEAT_RUNNING_TEST, which is gone
// when all cases have ended. It tells what a test was doing that crashed, or was killed at its limit.
#include <fcntl.h>
#include <unistd.h>

#include <boost/test/framework.hpp>
#include <boost/test/tree/observer.hpp>
#include <boost/test/tree/test_unit.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

class RunningTest final : public boost::unit_test::test_observer {
public:
    RunningTest() {
        auto& all = boost::unit_test::framework::master_test_suite();
        all.p_name.value = std::filesystem::path(all.argv[0]).filename().string();
        if (const char* file = std::getenv("LEAT_RUNNING_TEST")) file_ = file;
        if (!file_.empty()) boost::unit_test::framework::register_observer(*this);
    }
    ~RunningTest() override {
        if (file_.empty()) return;
        boost::unit_test::framework::deregister_observer(*this);
        ::unlink(file_.c_str());
    }
    RunningTest(const RunningTest&) = delete;
    RunningTest& operator=(const RunningTest&) = delete;

    void test_unit_start(const boost::unit_test::test_unit& unit) override {
        const int out = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (out < 0) return;
        const auto line = unit.full_name() + "\n";
        static_cast<void>(!::write(out, line.data(), line.size()));
        ::close(out);
    }

private:
    std::string file_;
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(RunningTest);
