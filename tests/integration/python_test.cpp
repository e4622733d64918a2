// Pipelines of Python classes: rows once through, also of runs that were killed; errors and stops.
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr auto numbers = R"(import leat
class Numbers:
    schema = {"n": "int64", "name": "text"}
    def __init__(self, config):
        self.count = config["count"]
    def open(self, position):
        self.n = position or 0
    def read(self):
        while self.n < self.count:
            first, self.n = self.n, min(self.n + 10, self.count)
            yield [{"n": n, "name": f"number {n}"} for n in range(first, self.n)]
    def position(self):
        return self.n
)";

/// Drops a row of ten, rejects one, and adds a column to the others.
constexpr auto clean = R"(class Clean:
    def schema(self, columns):
        return {**columns, "double": "int64"}
    def process(self, batch):
        for row, n in enumerate(batch["n"].values):
            if n % 10 == 3:
                batch.reject(row, f"{n} ends in 3")
        yield [{**row, "double": 2 * row["n"]} for row in batch.to_dicts() if row["n"] % 10 not in (3, 4)]
)";

std::string job(int count, const std::string& load) {
    return "version: 1\nbucket: { rows: 100 }\npipelines:\n  p:\n    dead_letters: { limit: 100% }\n"
           "    extract: { python: { file: numbers.py, class: Numbers, with: { count: " +
           std::to_string(count) +
           " } } }\n    transform:\n      - python: { file: clean.py }\n"
           "      - python: { code: \"class Same:\\n    def process(self, batch):\\n        return batch\\n\" }\n"
           "    load: { " +
           load + " }\n";
}

struct Scripts : Directory {
    Scripts() {
        put("numbers.py", numbers);
        put("clean.py", clean);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(python, Scripts)

BOOST_AUTO_TEST_CASE(rows_go_once_from_a_python_source_through_python_transforms_into_a_sink) {
    put("p.yaml", job(20, "ndjson: { path: out.ndjson }"));
    const auto ended = run_json("p.yaml");
    BOOST_TEST(balance(ended.out) == "read 20 = delivered 16 + filtered 2 + dead 2, done, balanced");
    std::string expected;
    for (int n = 0; n < 20; ++n) {
        if (n % 10 == 3 || n % 10 == 4) continue;
        expected += "{\"n\":" + std::to_string(n) + ",\"name\":\"number " + std::to_string(n) +
                    "\",\"double\":" + std::to_string(2 * n) + "}\n";
    }
    BOOST_TEST(get("out.ndjson") == expected);
    const auto dead = leat({"dead", "export", "--pipeline", "p"});
    BOOST_TEST(dead.out.find("13 ends in 3") != std::string::npos, dead.out);
    BOOST_TEST(!has("__pycache__"));
}

BOOST_AUTO_TEST_CASE(a_run_that_is_killed_goes_on_and_has_each_row_once) {
    constexpr int count = 20'000;
    put("p.yaml", job(count, "sqlite: { path: t.db, table: t }"));
    Options options;
    options.directory = path();
    int rows = 0;
    const auto committed = [&] {
        const auto told = run({"sqlite3", "-readonly", (path() / "t.db").string(), "SELECT count(*) FROM t"}).out;
        return told.empty() ? 0 : std::stoi(told);
    };
    for (int round = 0; round < 3; ++round) {
        Process process(leat_command({"run", "p.yaml"}), options);
        process.wait_until([&] { return has("t.db") && committed() > rows; }, "a commit");
        process.signal(SIGKILL);
        BOOST_TEST(process.wait().signal == SIGKILL);
        rows = committed();
    }
    BOOST_TEST(rows < count * 8 / 10);
    BOOST_TEST(run_json("p.yaml").code == 0);
    BOOST_TEST(run({"sqlite3", (path() / "t.db").string(),
                    "SELECT count(*), count(DISTINCT n), min(n), max(n), sum(double) = 2 * sum(n) FROM t"})
                   .out == "16000|16000|0|19999|1\n");
}

BOOST_AUTO_TEST_CASE(an_exception_fails_the_pipeline_with_its_place_in_the_script) {
    put("clean.py",
        "class Clean:\n    def parse(self, n):\n        return {}[n]\n    def process(self, batch):\n"
        "        self.parse('EUR')\n");
    put("p.yaml", job(20, "\"null\": {}"));
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 1);
    BOOST_TEST(text(pipeline_of(ended.out), "error")
                       .find("clean.py:3: KeyError: 'EUR' (clean.py:5 process, clean.py:3 parse)") != std::string::npos,
               ended.out);
}

BOOST_AUTO_TEST_CASE(sys_exit_ends_the_pipeline_and_not_the_host) {
    put("clean.py", "import sys\nclass Clean:\n    def process(self, batch):\n        sys.exit(0)\n");
    put("p.yaml", job(20, "\"null\": {}"));
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 1);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
    BOOST_TEST(ended.out.find("clean.py:4: SystemExit: 0: a script ends by returning, and not the process") !=
                   std::string::npos,
               ended.out);
}

BOOST_AUTO_TEST_CASE(a_source_that_sleeps_is_ended_by_the_first_signal_and_a_loop_by_the_second) {
    put("numbers.py",
        "import leat\nclass Numbers:\n    schema = {'n': 'int64', 'name': 'text'}\n    def read(self):\n"
        "        yield [{'n': 1}]\n        print('asleep')\n        leat.sleep(3600)\n");
    put("p.yaml", job(20, "\"null\": {}"));
    Options options;
    options.directory = path();
    {
        Process process(leat_command({"run", "--json", "p.yaml"}), options);
        process.wait_for_err("asleep");
        process.signal(SIGTERM);
        const auto ended = process.wait();
        BOOST_TEST(ended.code == 5);
        BOOST_TEST(balance(ended.out) == "read 1 = delivered 1 + filtered 0 + dead 0, stopped, balanced");
    }
    put("clean.py",
        "class Clean:\n    def process(self, batch):\n        print('in a loop')\n        while True:\n"
        "            pass\n");
    Process process(leat_command({"run", "--fresh", "--json", "p.yaml"}), options);
    process.wait_for_err("in a loop");
    process.signal(SIGTERM);
    process.wait_for_err("SIGTERM: stopping; what is in hand");
    process.signal(SIGTERM);
    const auto ended = process.wait();
    BOOST_TEST(ended.signal == 0);
    BOOST_TEST(ended.code == 5);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
}

BOOST_AUTO_TEST_SUITE_END()
