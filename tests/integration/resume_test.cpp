// Runs that go on where an earlier one ended, and what they say about it.
#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <sstream>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr const char* job = R"(version: 1
pipelines:
  p:
    extract: { csv: { path: in.csv } }
    load: { ndjson: { path: out.ndjson } }
)";

bool says(const Ended& ended, const std::string& text) {
    return ended.err.find(text) != std::string::npos;
}

// ---- Files that change between runs -------------------------------------------------------------------------------

struct Format {
    const char* name;
    std::string head;
    std::string (*line)(int n);

    std::string lines(int first, int last) const {
        std::string out = head;
        for (int n = first; n <= last; ++n)
            out += line(n);
        return out;
    }
};
std::ostream& operator<<(std::ostream& out, const Format& format) {
    return out << format.name;
}

std::string row(int n) {
    return "{\"n\":" + std::to_string(n) + "}\n";
}
std::string rows(int first, int last) {
    std::string out;
    for (int n = first; n <= last; ++n)
        out += row(n);
    return out;
}

const std::vector<Format> formats = {{"csv", "n\n", [](int n) { return std::to_string(n) + "\n"; }},
                                     {"ndjson", "", row}};

std::string job_of(const Format& format, const std::string& more = "") {
    return "version: 1\nbucket: { rows: 10 }\npipelines:\n  p:\n    extract: { " + std::string(format.name) +
           ": { path: \"in*\" } }\n    load: { ndjson: { path: out.ndjson } }\n" + more;
}

struct Change {
    const char* what;
    void (*change)(const Directory& files, const Format& format);
    std::string out;    ///< what the target has more than the forty rows before
    std::string error;  ///< {read} bytes of in2 were read, and {now} are there now
};
std::ostream& operator<<(std::ostream& out, const Change& change) {
    return out << change.what;
}

const std::string put_back = ": put it back as it was, or start afresh with --fresh";
const std::string rewritten =
    "in2 was rewritten or replaced since it was read up to byte {read}: what it holds before "
    "that byte is not what was read" +
    put_back;

const std::vector<Change> changes = {
    {"nothing", [](const Directory&, const Format&) {}, "", ""},
    {"a file was replaced", [](const Directory& files, const Format& f) { files.put("in2", f.lines(51, 90)); }, "",
     rewritten},
    {"a file was rewritten, and is as long as before",
     [](const Directory& files, const Format& f) {
         std::string text = f.lines(21, 40);
         files.put("in2", text.replace(text.find("33"), 2, "99"));
     },
     "", rewritten},
    {"a file was cut", [](const Directory& files, const Format& f) { files.put("in2", f.lines(21, 39)); }, "",
     "in2 was cut: it had {read} bytes when the last run read it up to byte {read}, and has {now} now" + put_back},
    {"a file has grown", [](const Directory& files, const Format& f) { files.put("in2", f.lines(21, 45)); },
     rows(41, 45), ""},
    {"files were added before, between and behind",
     [](const Directory& files, const Format& f) {
         files.put("in0", f.lines(41, 42));
         files.put("in11", f.lines(43, 44));
         files.put("in3", f.lines(45, 46));
     },
     rows(41, 46), ""},
    {"a file was taken away",
     [](const Directory& files, const Format& f) {
         std::filesystem::remove(files.path() / "in1");
         files.put("in3", f.lines(41, 42));
     },
     rows(41, 42), ""}};

std::string filled_in(std::string text, const std::string& key, std::size_t number) {
    for (auto at = text.find(key); at != std::string::npos; at = text.find(key))
        text.replace(at, key.size(), std::to_string(number));
    return text;
}

/// Makes a file of `text`, packed by `tool` in two parts.
void put_packed(const Directory& files, const std::string& name, const std::string& tool, const std::string& text) {
    const auto half = text.find('\n', text.size() / 2) + 1;
    files.put("half1", text.substr(0, half));
    files.put("half2", text.substr(half));
    Options options;
    options.directory = files.path();
    BOOST_TEST(
        run({"sh", "-c", "for h in half1 half2; do " + tool + " < $h; done > " + name + "; rm half1 half2"}, options)
            .code == 0);
}

std::vector<std::string> lines_in_order(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    std::sort(out.begin(), out.end());
    return out;
}

const std::vector<std::string> tools = {"cat", "gzip", "zstd -q"};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resume, Directory)

BOOST_AUTO_TEST_CASE(a_second_run_reads_what_is_new_and_says_so_when_nothing_is) {
    put("p.yaml", job);
    put("in.csv", "n\n1\n2\n");
    auto ended = run_json("p.yaml");
    BOOST_TEST(balance(ended.out) == "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(!says(ended, "goes on"));

    ended = leat({"run", "--json", "--log-format", "text", "p.yaml"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 0 = delivered 0 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(says(ended, "goes on behind bucket 1, where all of its source was read pipeline=p bucket=1"));
    BOOST_TEST(says(ended, "complete: its source has nothing new pipeline=p"));

    put("in.csv", "n\n1\n2\n3\n");
    ended = run_json("p.yaml");
    BOOST_TEST(balance(ended.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

BOOST_AUTO_TEST_CASE(fresh_begins_at_the_first_row_and_overwrites_nothing_by_itself) {
    put("p.yaml", job);
    put("in.csv", "n\n1\n");
    run_json("p.yaml");
    auto ended = leat({"run", "--fresh", "p.yaml"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.out.find("out.ndjson exists already: remove it, or say what to do with it by mode: append or "
                              "mode: replace") != std::string::npos,
               ended.out);
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n");
    std::string replacing = job;
    replacing.insert(replacing.find("out.ndjson") + 10, ", mode: replace");
    put("p.yaml", replacing);
    ended = leat({"run", "--fresh", "--json", "p.yaml"});
    BOOST_TEST(balance(ended.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n");
}

BOOST_AUTO_TEST_CASE(without_state_every_run_begins_at_the_first_row) {
    std::string replacing = job;
    replacing.insert(replacing.find("out.ndjson") + 10, ", mode: replace");
    put("p.yaml", replacing);
    put("in.csv", "n\n1\n");
    for (int i = 0; i < 2; ++i) {
        const auto ended = leat({"run", "--no-state", "--json", "p.yaml"});
        BOOST_TEST(balance(ended.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    }
    BOOST_TEST(!has(".leat/state.db"));
    BOOST_TEST(leat({"run", "--no-state", "--fresh", "p.yaml"}).code == 2);
}

BOOST_AUTO_TEST_CASE(a_target_that_was_taken_away_is_not_filled_with_half_of_the_rows) {
    put("p.yaml",
        "version: 1\npipelines:\n  p:\n    extract: { csv: { path: in.csv } }\n"
        "    load: { sqlite: { path: t.db, table: t } }\n");
    put("in.csv", "n\n1\n");
    run_json("p.yaml");
    std::filesystem::remove(path() / "t.db");
    put("in.csv", "n\n1\n2\n");
    auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(text(pipeline_of(ended.out), "error") ==
               "pipeline \"p\": lane p/sqlite: 1 buckets were committed, but the target knows none of them: it was "
               "replaced or emptied; restore it, or begin again with --fresh");
    ended = leat({"run", "--fresh", "--json", "p.yaml"});
    BOOST_TEST(balance(ended.out) == "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
}

BOOST_AUTO_TEST_CASE(a_load_is_done_once_unless_it_is_told_again) {
    put("a.csv", "n\n1\n2\n");
    put("b.csv", "n\n3\n");
    BOOST_TEST(balance(leat({"load", "--json", "a.csv", "sqlite:t.db", "t"}).out) ==
               "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(balance(leat({"load", "--json", "b.csv", "sqlite:t.db", "t"}).out) ==
               "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(balance(leat({"load", "--json", "a.csv", "sqlite:t.db", "t"}).out) ==
               "read 0 = delivered 0 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(balance(leat({"load", "--json", "--again", "a.csv", "sqlite:t.db", "t"}).out) ==
               "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(run({"sqlite3", (path() / "t.db").string(), "SELECT group_concat(n) FROM t"}).out == "1,2,3,1,2\n");
}

BOOST_AUTO_TEST_CASE(a_second_host_is_told_who_is_at_work) {
    put("p.yaml", "version: 1\npipelines:\n  p:\n    extract: { generate: {} }\n    load: { \"null\": {} }\n");
    Options options;
    options.directory = path();
    Process first(leat_command({"run", "p.yaml"}), options);
    first.wait_for_err("pipeline started");
    const auto second = leat({"run", "p.yaml"});
    BOOST_TEST(second.code == 1);
    BOOST_TEST(second.err.find("is in use by process " + std::to_string(first.pid())) != std::string::npos, second.err);
    first.signal(SIGKILL);
    first.wait();
    Process third(leat_command({"run", "p.yaml"}), options);
    third.wait_for_err("pipeline started");
    third.signal(SIGTERM);
    BOOST_TEST(third.wait().code == 5);
}

BOOST_DATA_TEST_CASE_F(Directory, reads_what_is_new_and_nothing_else_after_files_have_changed,
                       boost::unit_test::data::make(formats) * boost::unit_test::data::make(changes), format, change) {
    put("p.yaml", job_of(format));
    put("in1", format.lines(1, 20));
    put("in2", format.lines(21, 40));
    BOOST_TEST(balance(run_json("p.yaml").out) == "read 40 = delivered 40 + filtered 0 + dead 0, done, balanced");
    const auto size = std::filesystem::file_size(path() / "in2");
    change.change(*this, format);
    for (int i = 0; i < 2; ++i) {
        const auto ended = run_json("p.yaml");
        BOOST_TEST(get("out.ndjson") == rows(1, 40) + change.out);
        if (change.error.empty()) {
            const auto count = i == 0 ? std::to_string(std::count(change.out.begin(), change.out.end(), '\n')) : "0";
            BOOST_TEST(balance(ended.out) ==
                       "read " + count + " = delivered " + count + " + filtered 0 + dead 0, done, balanced");
        } else {
            const auto error =
                filled_in(filled_in(change.error, "{read}", size), "{now}", std::filesystem::file_size(path() / "in2"));
            BOOST_TEST(ended.code == 3);
            BOOST_TEST(text(pipeline_of(ended.out), "error") ==
                       "pipeline \"p\": extract " + std::string(format.name) + ": " + error);
        }
    }
    if (change.error.empty()) return;
    std::filesystem::remove(path() / "out.ndjson");
    std::filesystem::remove(path() / "out.ndjson.leat");
    BOOST_TEST(leat({"run", "--fresh", "--json", "p.yaml"}).code == 0);
}

BOOST_DATA_TEST_CASE_F(Directory, a_killed_run_goes_on_in_packed_files_and_loses_and_repeats_nothing,
                       boost::unit_test::data::make(tools), tool) {
    put("p.yaml",
        "version: 1\nbucket: { rows: 70 }\npipelines:\n  p:\n    extract: { csv: { path: \"in*\" } }\n"
        "    load: { ndjson: { path: out.ndjson } }\n");
    std::string expected;
    // Rows that span lines, which look like rows.
    const auto text = [&expected](int first, int last) {
        std::string out = "n,s\r\n";
        for (int n = first; n <= last; ++n) {
            out += std::to_string(n) + ",\"\n" + std::to_string(n) + ",x\n\"\r\n";
            expected += "{\"n\":" + std::to_string(n) + ",\"s\":\"\\n" + std::to_string(n) + ",x\\n\"}\n";
        }
        return out;
    };
    put_packed(*this, "in1", tool, text(1, 20'000));
    put_packed(*this, "in2", tool, text(20'001, 40'000));
    Options options;
    options.directory = path();
    for (const int signal : {SIGKILL, SIGTERM, SIGKILL}) {
        const auto before = has("out.ndjson.leat") ? get("out.ndjson.leat") : "";
        Process process(leat_command({"run", "p.yaml"}), options);
        process.wait_until([&] { return has("out.ndjson.leat") && get("out.ndjson.leat") != before; }, "a commit");
        process.signal(signal);
        const auto ended = process.wait();
        BOOST_TEST((signal == SIGKILL ? ended.signal == SIGKILL : ended.code == 5));
        // What comes before the file in which it stopped is read when that one is done.
        if (!has("in0")) put_packed(*this, "in0", tool, text(40'001, 41'000));
    }
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(lines_in_order(get("out.ndjson")) == lines_in_order(expected), boost::test_tools::per_element());
}

namespace {

/// How the source cuts its rows into batches in the run that dies, and in the one that goes on.
struct Cuts {
    int before, after;
};
std::ostream& operator<<(std::ostream& out, const Cuts& cuts) {
    return out << cuts.before << " then " << cuts.after;
}
const std::vector<Cuts> cuts = {{500, 7}, {7, 500}, {500, 499}};
const std::vector<int> writers = {1, 3};

}  // namespace

// A source may cut where it likes, by the clock for instance, and says its positions there: a lane that was in the
// middle of a batch once left out only what the first new batch had of it.
BOOST_DATA_TEST_CASE_F(Directory, rows_come_once_also_when_the_source_cuts_its_batches_otherwise_now,
                       boost::unit_test::data::make(cuts) * boost::unit_test::data::make(writers), cut, workers) {
#ifdef LEAT_SANITIZED
    constexpr int rows = 10000;
#else
    constexpr int rows = 40000;
#endif
    const auto configure = [&](int batch, const std::string& fault) {
        const std::string sink =
            workers == 1 ? "sqlite: { path: out.db, table: t }" : "many.sink: { path: out.db, jitter: 5000 }";
        put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/odd, " LEAT_FIXTURES
                      "/many] }\npipelines:\n  p:\n    extract: { generate: { rows: " +
                          std::to_string(rows) + ", batch: " + std::to_string(batch) +
                          ", columns: { n: sequence } } }\n    transform: [ odd.sure: { filter: [ 0 ]" + fault +
                          " } ]\n    load: { " + sink +
                          " }\n    bucket: { rows: 120, workers: " + std::to_string(workers) + " }\n");
    };
    configure(cut.before, ", mode: _exits, from: " + std::to_string(rows / 2 / cut.before));
    leat({"run", "--json", "p.yaml"});
    const auto state = leat({"state", "show", "p", "--json"}).out;
    configure(cut.after, "");
    const auto ended = leat({"run", "--json", "p.yaml"});
    BOOST_TEST(ended.code == 0, ended.err);
    BOOST_TEST(says(ended, "goes on behind bucket"), ended.err);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
    const auto all = integration::run({"sqlite3", (path() / "out.db").string(),
                                       "SELECT count(*) || ' ' || count(DISTINCT n) || ' ' || sum(n) FROM t"});
    BOOST_TEST(all.out == std::to_string(rows) + ' ' + std::to_string(rows) + ' ' +
                              std::to_string(std::int64_t{rows} * (rows + 1) / 2) + '\n',
               all.out << state);
}

BOOST_AUTO_TEST_SUITE_END()
