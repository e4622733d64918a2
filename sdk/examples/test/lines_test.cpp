// lines_test PLUGIN.so: the test of example.lines, the same for every language.
#include <cctype>

#include "expect.hpp"

namespace {

using leat::testing::instance;

const leat_component* component;

std::string of_path(const std::string& more = {}) {
    return R"({"path": "in.log")" + (more.empty() ? "" : ", " + more) + "}";
}

/// All rows, a line each, then "! reason <record>" for each reject.
std::string read_all(const std::string& text, const std::string& more = {}) {
    write_file("in.log", text);
    instance source(*component, of_path(more));
    const leat_status status = source.read_all();
    expect(status == LEAT_END, "it reads to the end", source.failure());
    std::string out = source.text();
    for (const auto& reject : source.rejects)
        out += "! " + reject.why + " <" + reject.what + ">\n";
    expect_same(source.finish(), "", "it leaks nothing, and keeps the rules");
    return out;
}

void reads_lines() {
    expect_same(read_all("a\nb\n"), "{\"line\":1,\"text\":\"a\"}\n{\"line\":2,\"text\":\"b\"}\n", "lines are numbered");
    expect_same(read_all("a\nb"), "{\"line\":1,\"text\":\"a\"}\n{\"line\":2,\"text\":\"b\"}\n",
                "a last line without a line feed is a line");
    expect_same(read_all(""), "", "an empty file has no line");
    expect_same(read_all("\n\n"), "{\"line\":1,\"text\":\"\"}\n{\"line\":2,\"text\":\"\"}\n", "a line may be empty");
    expect_same(read_all("a\r\nb\r\r\n\r\nc\rd\ne\r"),
                "{\"line\":1,\"text\":\"a\"}\n{\"line\":2,\"text\":\"b\\r\"}\n{\"line\":3,\"text\":\"\"}\n"
                "{\"line\":4,\"text\":\"c\\rd\"}\n{\"line\":5,\"text\":\"e\\r\"}\n",
                "one carriage return in front of a line feed is removed, and no other");
    expect_same(read_all("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n"),
                "{\"line\":1,\"text\":\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"}\n", "a text may be any UTF-8");
}

void says_what_it_gives() {
    write_file("in.log", "a\n");
    instance source(*component, of_path());
    expect(source.read_all() == LEAT_END, "it reads");
    std::string columns;
    const auto schema = source.emitted.at(0).rows.schema();
    for (int i = 0; i < schema.size(); ++i)
        columns += std::string(schema[i].name()) + " " + schema[i].raw().format + (schema[i].nullable() ? "? " : " ");
    expect_same(columns, "line l text u ", "its columns are these");
}

void rejects_what_is_not_utf8() {
    expect_same(read_all("a\nb\xFF\nc\n"),
                "{\"line\":1,\"text\":\"a\"}\n{\"line\":3,\"text\":\"c\"}\n"
                "! in.log:2: not UTF-8: byte 2 of the line is 0xFF <b\xFF>\n",
                "a line that is not UTF-8 is rejected with its place");
    expect_same(read_all("\xC3(\r\n\xED\xA0\x80\n\xC0\x80\n\xF4\x90\x80\x80\nxy\xE2\x82"),
                "! in.log:1: not UTF-8: byte 1 of the line is 0xC3 <\xC3(>\n"
                "! in.log:2: not UTF-8: byte 1 of the line is 0xED <\xED\xA0\x80>\n"
                "! in.log:3: not UTF-8: byte 1 of the line is 0xC0 <\xC0\x80>\n"
                "! in.log:4: not UTF-8: byte 1 of the line is 0xF4 <\xF4\x90\x80\x80>\n"
                "! in.log:5: not UTF-8: byte 3 of the line is 0xE2 <xy\xE2\x82>\n",
                "cut, too long, surrogates and too large are all not UTF-8");
}

void rejects_lines_that_are_too_long() {
    const std::string most(1 << 20, 'x');
    expect_same(read_all(most + "\nb\n"), "{\"line\":1,\"text\":\"" + most + "\"}\n{\"line\":2,\"text\":\"b\"}\n",
                "a line of 1 MiB is taken");
    expect_same(read_all(most + "\r\n" + most),
                "{\"line\":1,\"text\":\"" + most + "\"}\n{\"line\":2,\"text\":\"" + most + "\"}\n",
                "neither its line feed nor its carriage return counts");
    const std::string kept = " <" + most.substr(0, 1024) + ">\n";
    for (const std::string end : {"\n", "\r\n"}) {
        expect_same(read_all("a\n" + most + "y" + end + "b\n"),
                    "{\"line\":1,\"text\":\"a\"}\n{\"line\":3,\"text\":\"b\"}\n"
                    "! in.log:2: a line of 1048577 bytes; at most 1048576 are taken, and the first 1024 are kept here" +
                        kept,
                    "a longer line is rejected, and what is behind it is read");
    }
    expect_same(read_all(most + most + most + "\nb\n" + most + "\r"),
                "{\"line\":2,\"text\":\"b\"}\n"
                "! in.log:1: a line of 3145728 bytes; at most 1048576 are taken, and the first 1024 are kept here" +
                    kept +
                    "! in.log:3: a line of 1048577 bytes; at most 1048576 are taken, and the first 1024 are kept here" +
                    kept,
                "so is one that is longer than any buffer, and one at the end");
}

/// The file in batches of `rows`; from every position the rest must come.
void goes_on_at_every_line() {
    std::string text;
    for (int i = 1; i <= 20; ++i)
        text += i == 7 || i == 20 ? "bad \xFF\n" : "line " + std::to_string(i * i * i) + (i % 3 ? "\n" : "\r\n");
    for (const std::string end : {"", "last"}) {
        write_file("in.log", text + end);
        instance whole(*component, of_path(R"("batch_rows": 1)"));
        expect(whole.read_all() == LEAT_END, "it reads one row at a time", whole.failure());
        expect_same(whole.emitted[0].position, "7:1", "a position is the bytes and the lines in front of it");
        const std::string all = whole.text();
        std::string before;
        for (const auto& batch : whole.emitted) {
            before += leat::testing::text_of(batch.rows);
            instance rest(*component, of_path(R"("batch_rows": 4)"));
            expect(rest.open(batch.position) == LEAT_OK, "it opens with its position",
                   batch.position + ": " + rest.failure());
            expect(rest.read_all() == LEAT_END, "it reads what is behind a position", rest.failure());
            expect_same(before + rest.text(), all, "behind position " + batch.position + " is the rest");
            const int line = std::atoi(batch.position.substr(batch.position.find(':') + 1).c_str());
            const std::size_t rejects = (line < 7 ? 1 : 0) + (line < 20 ? 1 : 0);
            expect(rest.rejects.size() == rejects, "a rejected line is not rejected again behind it", batch.position);
            expect_same(rest.finish(), "", "it keeps the rules");
        }
        const std::string at_end = std::to_string(text.size() + end.size()) + (end.empty() ? ":20" : ":21");
        expect_same(whole.emitted.back().position, at_end,
                    "the last position is behind the last line, also a rejected one");
        write_file("in.log", text + end + (end.empty() ? "more\n" : ""));
        instance grown(*component, of_path());
        expect(grown.open(at_end) == LEAT_OK && grown.read_all() == LEAT_END, "it reads on in a file", grown.failure());
        expect_same(grown.text(), end.empty() ? "{\"line\":21,\"text\":\"more\"}\n" : "",
                    "what is new is read, and no more");
    }
}

std::ptrdiff_t open_files() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}
void refuses_positions(const std::string& position, const std::string& why) {
    const auto before = open_files();
    instance source(*component, of_path());
    expect(source.open(position) == LEAT_ERR_CONFIG, "a position is refused: " + position);
    expect_same(source.failure(), why, "it says why " + position + " is refused");
    expect(open_files() == before, "a file that was refused is closed");
    expect_same(source.finish(), "", "it keeps the rules");
}

void refuses_what_it_cannot_go_on_from() {
    write_file("in.log", "one\ntwo\nthree");
    for (const std::string position : {"elsewhere", "4", "4:", ":1", "4:1 ", "04:1", "-4:1", "+4:1", "4:5", "4:0",
                                       "0:1", "4:1:1", "99999999999999999999:1", "9999999999999999999:1", " 4:1"})
        refuses_positions(position, "the position is not one of mine (BYTES:LINES): begin again with --fresh");
    refuses_positions(std::string("4\0:1", 4),
                      "the position is not one of mine (BYTES:LINES): begin again with --fresh");
    refuses_positions("14:3",
                      "in.log has 13 bytes, and the position is at byte 14: it is another file, or was cut; begin "
                      "again with --fresh");
    refuses_positions("5:1",
                      "in.log has no line feed in front of the position, byte 5: it is another file, or its last "
                      "line went on; begin again with --fresh");
    for (const std::string position : {"", "0:0", "4:1", "13:3"}) {
        instance source(*component, of_path());
        expect(source.open(position) == LEAT_OK, "a position is taken: " + position, source.failure());
    }
}

void names_files_that_cannot_be_read() {
    std::filesystem::remove("in.log");
    instance missing(*component, of_path());
    expect(missing.open() == LEAT_ERR_CONFIG, "a missing file is refused");
    std::string why = missing.failure();
    for (char& c : why)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    expect(why.rfind("cannot open in.log: no such file or directory", 0) == 0, "it says which and why", why);
    std::filesystem::create_directory("in.log");
    instance directory(*component, of_path());
    expect(directory.open() == LEAT_ERR_CONFIG, "a directory is refused");
    expect_same(directory.failure(), "in.log is not a regular file: there are no positions in it", "it says why");
    expect_same(directory.finish() + missing.finish(), "", "it keeps the rules");
    std::filesystem::remove("in.log");
}

void keeps_to_its_batches() {
    std::string text;
    for (int i = 0; i < 2500; ++i)
        text += "line\n";
    write_file("in.log", text);
    const auto sizes = [](const std::string& more, std::uint64_t hint) {
        instance source(*component, of_path(more));
        expect(source.read_all(hint) == LEAT_END, "it reads to the end", source.failure());
        std::string out;
        for (const auto& batch : source.emitted)
            out += std::to_string(batch.rows.rows()) + " ";
        return out;
    };
    expect_same(sizes("", 0), "1000 1000 500 ", "a batch has 1000 rows");
    expect_same(sizes(R"("batch_rows": 2000)", 0), "2000 500 ", "or batch_rows");
    expect_same(sizes(R"("batch_rows": 2000)", 900), "900 900 700 ", "or what the host asks for, if that is less");
}

void tells_how_far_it_is() {
    write_file("in.log", "one\ntwo\nthree\n");
    instance source(*component, of_path(R"("batch_rows": 1)"));
    expect(source.open() == LEAT_OK, "it opens");
    expect(source.metrics["progress"] == 0 && source.metrics["progress_total"] == 14, "it knows how far it has to go");
    expect(source.read() == LEAT_OK && source.metrics["progress"] == 4, "and how far it is");
    expect(source.read_all() == LEAT_END && source.metrics["progress"] == 14, "up to the end");
    instance later(*component, of_path());
    expect(later.open("4:1") == LEAT_OK && later.metrics["progress"] == 4, "also when it goes on");
}

void stops_when_it_is_asked_to() {
    write_file("in.log", std::string(5 << 20, 'x') + "\n");
    instance source(*component, of_path());
    expect(source.open() == LEAT_OK, "it opens");
    source.stop(LEAT_STOP);
    expect(source.read() == LEAT_ERR_CANCELLED, "it returns");
    expect(source.rejects.empty() && source.emitted.empty(), "and has done nothing");
    write_file("in.log", "\xFF\n");
    instance before(*component, of_path());
    expect(before.open() == LEAT_OK, "it opens");
    before.stop(LEAT_STOP);
    expect(before.read() == LEAT_ERR_CANCELLED && before.rejects.empty(), "it looks before it begins");
    write_file("in.log", "one\ntwo\n");
    instance emitting(*component, of_path(R"("batch_rows": 1)"));
    emitting.on_emit = [&] { emitting.stop(LEAT_STOP); };
    expect(emitting.read() == LEAT_ERR_CANCELLED, "it returns from emit");
    expect_same(emitting.finish() + source.finish(), "", "it keeps the rules");
}

void does_without_memory() {
    std::string text;
    for (int i = 0; i < 50; ++i)
        text += i == 20 ? "\xFF\n" : std::string(500, 'x') + "\n";
    write_file("in.log", text);
    instance plenty(*component, of_path());
    expect(plenty.read_all() == LEAT_END, "it reads");
    instance source(*component, of_path());
    expect(source.open() == LEAT_OK, "it opens");
    std::size_t refused = 0;
    leat_status status = LEAT_OK;
    for (std::uint64_t limit = 0; status != LEAT_END; limit += status == LEAT_ERR_RETRY ? 1000 : 0) {
        source.set_memory_limit(limit);
        status = source.read();
        if (status == LEAT_ERR_RETRY) ++refused;
        expect(status == LEAT_OK || status == LEAT_END || status == LEAT_ERR_RETRY, "it asks for the call again",
               source.failure());
    }
    expect(refused > 5, "there was too little memory");
    expect_same(source.text(), plenty.text(), "it reads the same with too little memory now and then");
    expect(source.rejects.size() == 1, "and rejects a line once");
    expect_same(source.finish(), "", "it leaks nothing");
}

}  // namespace

int main(int argc, char** argv) {
    expect(argc == 2, "usage: lines_test PLUGIN.so");
    const leat::testing::library file(std::filesystem::absolute(argv[1]).c_str());
    const scratch here;
    component = &file.component("example.lines");
    expect(component->flags == (LEAT_REPLAYABLE | LEAT_DETERMINISTIC), "it promises what it keeps");
    reads_lines();
    says_what_it_gives();
    rejects_what_is_not_utf8();
    rejects_lines_that_are_too_long();
    goes_on_at_every_line();
    refuses_what_it_cannot_go_on_from();
    names_files_that_cannot_be_read();
    keeps_to_its_batches();
    tells_how_far_it_is();
    stops_when_it_is_asked_to();
    does_without_memory();
    std::puts("passed");
}
