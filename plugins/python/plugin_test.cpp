// Drives python.so as a host does. The scripts are in the configurations.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <leat/testing.hpp>
#include <thread>

using leat::testing::host;
using leat::testing::instance;

namespace {

const leat_component& component(std::uint32_t kind) {
    static const leat::testing::library library(LEAT_PLUGIN_FILE);
    const leat_plugin& plugin = library.plugin();
    for (std::uint32_t i = 0; i < plugin.n_components; ++i) {
        if (plugin.components[i]->kind == kind) return *plugin.components[i];
    }
    throw std::invalid_argument("no such component");
}

std::string in_json(const std::string& text) {
    leat::testing::json_value value;
    value.kind = LEAT_STRING;
    value.text = text;
    return leat::testing::json_text(value);
}

std::string code(const std::string& script, const std::string& with = "{}") {
    return "{\"code\": " + in_json(script) + ", \"with\": " + with + "}";
}

struct source : instance {
    explicit source(const std::string& script, const std::string& with = "{}")
        : instance(component(LEAT_SOURCE), code(script, with)) {}
};

struct transform : instance {
    explicit transform(const std::string& script, const std::string& with = "{}")
        : instance(component(LEAT_TRANSFORM), code(script, with)) {}
};

/// A transform with the body of process, indented by eight.
std::string process_of(const std::string& body) {
    return "import leat\nclass T:\n    def process(self, batch):\n        " + body + "\n";
}

/// A source with the body of read.
std::string read_of(const std::string& schema, const std::string& body) {
    return "import leat\nclass S:\n    schema = " + schema + "\n    def read(self):\n        " + body + "\n";
}

const leat::fields people = {{"id", leat::i64}, {"name", leat::utf8}};
const char* const three_people = R"([[1, "Ann"], [2, null], [3, "Bob"]])";

leat::batch rows_of(const char* json = three_people, const leat::fields& columns = people) {
    // The rows keep what they need of their host.
    host h;
    return h.batch_of(columns, json);
}

std::string reasons(const instance& any) {
    std::string out;
    for (const auto& reject : any.rejects)
        out += (reject.row < 0 ? reject.what : std::to_string(reject.row)) + ": " + reject.why + "\n";
    return out;
}

std::string logged(const instance& any) {
    std::string out;
    for (const auto& line : any.logs)
        out += std::to_string(line.level) + " " + line.text + "\n";
    return out;
}

/// What comes of three people: rows, rejects, and "status failure" if it fails, and what was leaked.
std::string result_of(const std::string& script, const std::string& with = "{}") {
    transform python(script, with);
    leat::batch in = rows_of();
    const leat_status status = python.process(in);
    std::string out = status == LEAT_OK ? "" : std::to_string(status) + " " + python.failure();
    out += python.text() + reasons(python);
    in.reset();
    return out + python.finish();
}

/// What a source gives: its rows, and "status failure" if it fails, and what was leaked.
std::string read_by(const std::string& script, const std::string& with = "{}") {
    source python(script, with);
    const leat_status status = python.read_all();
    std::string out = python.text() + reasons(python);
    if (status != LEAT_END) out += std::to_string(status) + " " + python.failure();
    return out + python.finish();
}

/// Makes a call, and asks for a stop while it runs.
template <class Call>
leat_status stopped_in(instance& python, int state, Call call) {
    std::thread stopping([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        python.stop(state);
        python.interrupt();
    });
    const leat_status status = call();
    stopping.join();
    return status;
}

struct Folder {
    Folder() : path(std::filesystem::temp_directory_path() / ("leat-python-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string put(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
        return (path / name).string();
    }
    std::filesystem::path path;
};

/// Consumes and makes Arrow data through PyCapsules, as pyarrow does, with ctypes.
const std::string arrow = R"py(
import ctypes, leat
P = ctypes.POINTER

class Schema(ctypes.Structure):
    pass

class Array(ctypes.Structure):
    pass

SchemaRelease = ctypes.CFUNCTYPE(None, P(Schema))
ArrayRelease = ctypes.CFUNCTYPE(None, P(Array))
Schema._fields_ = [("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_void_p),
                   ("flags", ctypes.c_int64), ("n_children", ctypes.c_int64), ("children", P(P(Schema))),
                   ("dictionary", P(Schema)), ("release", SchemaRelease), ("private_data", ctypes.c_void_p)]
Array._fields_ = [("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64),
                  ("n_buffers", ctypes.c_int64), ("n_children", ctypes.c_int64), ("buffers", P(ctypes.c_void_p)),
                  ("children", P(P(Array))), ("dictionary", P(Array)), ("release", ArrayRelease),
                  ("private_data", ctypes.c_void_p)]

pointer = ctypes.pythonapi.PyCapsule_GetPointer
pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
new = ctypes.pythonapi.PyCapsule_New
new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

class Py_buffer(ctypes.Structure):
    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t),
                ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
                ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p)]

def address(view):
    buffer = Py_buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(buffer), 0)
    where = buffer.buf
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
    return where

def taken(capsules):
    """The structs in the capsules, still owned by these."""
    schema, array = capsules
    return (ctypes.cast(pointer(schema, b"arrow_schema"), P(Schema)).contents,
            ctypes.cast(pointer(array, b"arrow_array"), P(Array)).contents)

class Numbers:
    """A batch of one column of int64 that nothing of Leat has made."""
    alive = 0

    def __init__(self, numbers, format=b"l"):
        self.values = (ctypes.c_int64 * len(numbers))(*numbers)
        self.format, self.keep = format, []
        Numbers.alive += 1

    def __del__(self):
        Numbers.alive -= 1

    def __arrow_c_array__(self, requested_schema=None):
        kept = {"self": self}
        def release_schema(schema):
            schema.contents.release = SchemaRelease()
        def release_array(array):
            array.contents.release = ArrayRelease()
            kept.clear()
        def release_child(array):
            array.contents.release = ArrayRelease()
        callbacks = SchemaRelease(release_schema), ArrayRelease(release_array), ArrayRelease(release_child)
        EVER.append(callbacks)
        field = Schema(self.format, b"n", None, 2, 0, None, None, callbacks[0], None)
        top = Schema(b"+s", b"", None, 0, 1, (P(Schema) * 1)(ctypes.pointer(field)), None, callbacks[0], None)
        buffers = (ctypes.c_void_p * 2)(None, ctypes.addressof(self.values))
        column = Array(len(self.values), 0, 0, 2, 0, buffers, None, None, callbacks[2], None)
        none = (ctypes.c_void_p * 1)(None)
        batch = Array(len(self.values), 0, 0, 1, 1, none, (P(Array) * 1)(ctypes.pointer(column)), None, callbacks[1], None)
        EVER.append((field, top, buffers, column, none, batch))
        return (new(ctypes.addressof(top), b"arrow_schema", None), new(ctypes.addressof(batch), b"arrow_array", None))

EVER = []
)py";

}  // namespace

// ---- What a source may give

BOOST_AUTO_TEST_CASE(a_source_gives_rows_and_columns_in_the_types_of_its_schema) {
    const std::string script = R"py(
import array, datetime, decimal
class S:
    schema = {"id": "int64", "x": "float32", "name": "text", "at": "timestamp", "price": "decimal(9,2)",
                      "tags" : ["text"], "place" : {
        "lat" : "float64"
    }
}
    def read(self):
        row = {"id": 1, "x": 0.5, "name": "Ann", "at": datetime.datetime(1970, 1, 2, 0, 0, 1),
               "price": decimal.Decimal("1.5"), "tags": ["a", None], "place": {"lat": 1.25}}
        yield [row, {"id": 2}]
        yield {"id": array.array("q", [3, 4]), "x": memoryview(array.array("f", [1, 2])), "name": ("c", "d"),
               "at": [1, None], "price": [2, decimal.Decimal("-0.01")], "tags": [[], None], "place": [None, {}]}
)py";
    source python(script);
    BOOST_TEST(python.read_all() == LEAT_END);
    BOOST_TEST(leat::testing::schema_text(python.emitted.at(0).rows.schema()) ==
               "id: l, x: f, name: u, at: tsu:, price: d:9,2, tags: +l<item: u>, place: +s<lat: g>");
    BOOST_TEST(
        python.text() ==
        "{\"id\":1,\"x\":0.5,\"name\":\"Ann\",\"at\":\"1970-01-02T00:00:01\",\"price\":1.50,\"tags\":[\"a\",null],"
        "\"place\":{\"lat\":1.25}}\n"
        "{\"id\":2,\"x\":null,\"name\":null,\"at\":null,\"price\":null,\"tags\":null,\"place\":null}\n"
        "{\"id\":3,\"x\":1,\"name\":\"c\",\"at\":\"1970-01-01T00:00:00.000001\",\"price\":2.00,\"tags\":[],\"place\":"
        "null}\n"
        "{\"id\":4,\"x\":2,\"name\":\"d\",\"at\":null,\"price\":-0.01,\"tags\":null,\"place\":{\"lat\":null}}\n");
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(a_source_may_return_its_batches_instead_of_yielding_them) {
    BOOST_TEST(read_by(R"py(
class S:
    n = 0
    def schema(self):
        return {"n": "int32"}
    def read(self):
        self.n += 1
        return {"n": [self.n]} if self.n < 3 else None
)py") == "{\"n\":1}\n{\"n\":2}\n");
}

BOOST_AUTO_TEST_CASE(a_source_that_has_nothing_now_says_idle) {
    source python(read_of("{\"n\": \"int64\"}", "yield leat.IDLE; yield {\"n\": [1]}; yield None; yield {\"n\": []}"));
    BOOST_TEST(python.read() == LEAT_IDLE);
    BOOST_TEST(python.read() == LEAT_OK);
    BOOST_TEST(python.read() == LEAT_IDLE);
    BOOST_TEST(python.read() == LEAT_OK);
    BOOST_TEST(python.read() == LEAT_END);
    BOOST_TEST(python.rows() == 1);
}

BOOST_AUTO_TEST_CASE(what_never_became_a_row_is_rejected_with_its_place) {
    BOOST_TEST(read_by(read_of("{\"n\": \"int64\"}", "leat.reject('x;y', 'a.txt:3: no number'); yield {\"n\": [1]}")) ==
               "{\"n\":1}\nx;y: a.txt:3: no number\n");
}

// ---- Going on

constexpr auto counted = R"py(
class S:
    schema = {"n": "int64"}
    def open(self, position):
        self.n = position["next"] if position else 0
    def read(self):
        while self.n < 10:
            self.n += 3
            yield {"n": [self.n - 3, self.n - 2, self.n - 1]}
    def position(self):
        return {"next": self.n}
)py";

BOOST_AUTO_TEST_CASE(a_source_goes_on_from_any_position_that_it_gave) {
    source whole(counted);
    BOOST_REQUIRE(whole.read_all() == LEAT_END);
    BOOST_REQUIRE(whole.emitted.size() == 4U);
    BOOST_TEST(whole.emitted[0].position == "{\"next\":3}");
    std::string before;
    for (const auto& part : whole.emitted) {
        before += leat::testing::text_of(part.rows);
        source rest(counted);
        BOOST_TEST(rest.open(part.position) == LEAT_OK);
        BOOST_TEST(rest.read_all() == LEAT_END);
        BOOST_TEST(before + rest.text() == whole.text());
    }
}

BOOST_AUTO_TEST_CASE(without_positions_of_its_own_a_source_is_read_over_what_it_gave_before) {
    const std::string script =
        read_of("{\"n\": \"int64\"}", "yield from ({\"n\": [i, i + 1]} for i in range(0, 8, 2))");
    source whole(script);
    BOOST_REQUIRE(whole.read_all() == LEAT_END);
    for (int row = 0; row <= 8; ++row) {
        source rest(script);
        BOOST_TEST(rest.open(std::to_string(row)) == LEAT_OK);
        BOOST_TEST(rest.read_all() == LEAT_END);
        std::string expected;
        for (int n = row; n < 8; ++n)
            expected += "{\"n\":" + std::to_string(n) + "}\n";
        BOOST_TEST(rest.text() == expected);
        if (row < 7) BOOST_TEST(rest.emitted.back().position == "8");
        BOOST_TEST(rest.finish() == "");
    }
    source shorter(script);
    BOOST_TEST(shorter.open("9") == LEAT_OK);
    BOOST_TEST(shorter.read_all() == LEAT_ERR_FATAL);
    BOOST_TEST(
        shorter.failure() ==
        "code: S.read ended 1 rows before the place to go on from: without position() it must give the same rows "
        "each time");
}

BOOST_AUTO_TEST_CASE(a_transform_goes_on_from_what_it_saved) {
    const std::string script = R"py(
class T:
    sum = 0
    def open(self, state):
        self.sum = state or 0
    def schema(self, columns):
        return {"sum": columns["id"]}
    def process(self, batch):
        self.sum += sum(batch["id"].values)
    def flush(self, last):
        if last:
            return [{"sum": self.sum}]
    def save(self):
        return self.sum
)py";
    std::string state;
    {
        transform first(script);
        leat::batch in = rows_of();
        BOOST_TEST(first.process(in) == LEAT_OK);
        BOOST_TEST(first.flush(false) == LEAT_OK);
        BOOST_TEST(first.rows() == 0);
        state = first.save();
    }
    BOOST_TEST(state == "6");
    transform second(script);
    BOOST_TEST(second.open(state) == LEAT_OK);
    leat::batch in = rows_of();
    BOOST_TEST(second.process(in) == LEAT_OK);
    BOOST_TEST(second.flush(true) == LEAT_OK);
    BOOST_TEST(second.text() == "{\"sum\":12}\n");
}

BOOST_AUTO_TEST_CASE(a_source_is_told_what_is_committed) {
    source python(R"py(
import leat
class S:
    schema = {"n": "int64"}
    def read(self):
        yield {"n": [1]}
    def open(self, position):
        pass
    def position(self):
        return ["a", 1]
    def ack(self, position):
        leat.log(f"acknowledged {position}")
)py");
    BOOST_REQUIRE(python.read_all() == LEAT_END);
    BOOST_TEST(python.ack(python.emitted.at(0).position) == LEAT_OK);
    BOOST_TEST(logged(python) == "2 acknowledged ['a', 1]\n");
}

// ---- What a transform may give

BOOST_AUTO_TEST_CASE(a_transform_passes_a_batch_on_as_it_came) {
    BOOST_TEST(result_of(process_of("return batch")) ==
               "{\"id\":1,\"name\":\"Ann\"}\n{\"id\":2,\"name\":null}\n{\"id\":3,\"name\":\"Bob\"}\n");
}

BOOST_AUTO_TEST_CASE(a_transform_gives_none_one_or_several_batches) {
    BOOST_TEST(result_of(process_of("pass")) == "");
    BOOST_TEST(result_of(process_of("return []")) == "");
    BOOST_TEST(result_of(process_of("return [batch.slice(2, 1), batch.slice(0, 1)]")) ==
               "{\"id\":3,\"name\":\"Bob\"}\n{\"id\":1,\"name\":\"Ann\"}\n");
    BOOST_TEST(
        result_of(process_of("yield [r for r in batch.to_dicts() if r['name']]; yield {'id': [9], 'name': ['z']}")) ==
        "{\"id\":1,\"name\":\"Ann\"}\n{\"id\":3,\"name\":\"Bob\"}\n{\"id\":9,\"name\":\"z\"}\n");
}

BOOST_AUTO_TEST_CASE(a_transform_adds_a_column_to_those_that_there_are) {
    transform python(R"py(
class T:
    def schema(self, columns):
        return {**columns, "length": "int32"}
    def process(self, batch):
        return {**batch.columns(), "length": [name and len(name) for name in batch["name"]]}
)py");
    leat::batch in = rows_of();
    const leat_schema* out = nullptr;
    BOOST_TEST(python.derive(in.schema_handle(), &out) == LEAT_OK);
    BOOST_TEST(leat::testing::schema_text(leat::schema_view(out)) == "id: l, name: u, length: i");
    const void* const before = in.column("id").buffer<void>(1);
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(python.text() ==
               "{\"id\":1,\"name\":\"Ann\",\"length\":3}\n{\"id\":2,\"name\":null,\"length\":null}\n"
               "{\"id\":3,\"name\":\"Bob\",\"length\":3}\n");
    // What was there is not copied.
    BOOST_TEST(python.emitted.at(0).rows.column("id").buffer<void>(1) == before);
    in.reset();
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(rows_that_are_rejected_are_left_out_of_the_batch) {
    BOOST_TEST(result_of(process_of("batch.reject(1, 'no name'); return batch")) ==
               "{\"id\":1,\"name\":\"Ann\"}\n{\"id\":3,\"name\":\"Bob\"}\n1: no name\n");
    // Many of them: the others are copied together.
    std::string rows = "[", expected;
    for (int n = 0; n < 50; ++n) {
        rows += (n == 0 ? "[" : ",[") + std::to_string(n) + ", \"n" + std::to_string(n) + "\"]";
        if (n % 2 == 0) expected += "{\"id\":" + std::to_string(n) + ",\"name\":\"n" + std::to_string(n) + "\"}\n";
    }
    transform python(
        process_of("[batch.reject(i, 'odd') for i, n in enumerate(batch['id'].values) if n % 2]; return batch"));
    leat::batch in = rows_of((rows + "]").c_str());
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(python.text() == expected);
    BOOST_TEST(python.rejects.size() == 25U);
    BOOST_TEST(python.emitted.size() == 1U);
}

BOOST_AUTO_TEST_CASE(rows_can_be_rejected_while_their_batch_is_in_process_only) {
    transform python(R"py(
class T:
    kept = None
    def process(self, batch):
        if self.kept is not None:
            self.kept.reject(0, "too late")
        self.kept = batch
)py");
    leat::batch in = rows_of();
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(python.process(in) == LEAT_ERR_FATAL);
    BOOST_TEST(
        python.failure() ==
        "code:6: ValueError: reject: rows can be rejected of the batch that process was given, until it returns");
}

/// Columns of every type that Python is shown, the nested ones last.
const leat::fields every_type = {{"n", leat::null},
                                 {"b", leat::boolean},
                                 {"i8", leat::i8},
                                 {"i16", leat::i16},
                                 {"i32", leat::i32},
                                 {"i64", leat::i64},
                                 {"u8", leat::u8},
                                 {"u16", leat::u16},
                                 {"u32", leat::u32},
                                 {"u64", leat::u64},
                                 {"f32", leat::f32},
                                 {"f64", leat::f64},
                                 {"c", leat::decimal(38, 10)},
                                 {"s", leat::utf8},
                                 {"ls", leat::large_utf8},
                                 {"j", leat::json},
                                 {"x", leat::binary},
                                 {"lx", leat::large_binary},
                                 {"fx", leat::fixed_binary(3)},
                                 {"d", leat::date32},
                                 {"d64", leat::date64},
                                 {"ts", leat::time32_s},
                                 {"tms", leat::time32_ms},
                                 {"tus", leat::time64_us},
                                 {"tns", leat::time64_ns},
                                 {"as", leat::timestamp_s()},
                                 {"at", leat::timestamp_us()},
                                 {"atz", leat::timestamp_ms("Europe/Berlin")},
                                 {"ans", leat::timestamp_ns()},
                                 {"p", leat::duration_ms},
                                 {"pns", leat::duration_ns},
                                 {"list", leat::list_of(leat::i32)},
                                 {"biglist", leat::large_list_of(leat::list_of(leat::utf8))},
                                 {"struct", leat::struct_of({{"a", leat::i64}, {"b", leat::date32}})},
                                 {"map", leat::map_of(leat::utf8, leat::f64)}};

const char* const rows_of_every_type = R"([
 [null, true, -128, -32768, -2147483648, -9223372036854775807, 255, 65535, 4294967295, 9223372036854775807, 0.5, -1e300,
  -1234567890123, "Zoë \u0000 x", "large", "{\"a\": 1}", "bytes", "more bytes", "abc", -719162, 253402214400000, 86399,
  86399999, 86399999999, 86399999999999, -1, -62135596800000000, 951782399500, 1700000000123456789, -1, 123456789,
  [1, null, 3], [["a"], [], null], {"a": 7, "b": 19000}, {"k": 1.5, "l": null}],
 [null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
  null, null, null, null, null, null, null, null, null, null, null, null, null, null, null],
 [null, false, 127, 32767, 2147483647, 9223372036854775807, 0, 0, 0, 0, -0.25, 1e-300, 0, "", "", "null", "", "", "xyz",
  2932896, 0, 0, 0, 0, 0, 0, 253402300799999999, 0, 0, 86400000, -1, [], [], {"a": null, "b": null}, {}]])";

BOOST_AUTO_TEST_CASE(cells_of_every_type_go_to_python_and_back_as_they_were) {
    leat::batch in = rows_of(rows_of_every_type, every_type);
    std::string expected;
    for (const std::string by :
         {"return batch.to_dicts()", "return {k: c.to_list() for k, c in batch.columns().items()}",
          "return batch.columns()", "return batch.slice(0, 3)"}) {
        transform python(process_of(by));
        BOOST_TEST(python.process(in) == LEAT_OK);
        BOOST_TEST(python.failure() == "");
        BOOST_TEST(python.text() == leat::testing::text_of(in));
        BOOST_TEST(python.finish() == "");
    }
    // And so do those of rows that do not begin with the first.
    transform python(process_of("return batch.slice(2, 1).to_dicts() + batch.slice(1, 1).to_dicts()"));
    BOOST_TEST(python.process(in) == LEAT_OK);
    in.crop(1, 2);
    transform other(process_of("d = batch.to_dicts(); return d[::-1]"));
    BOOST_TEST(other.process(in) == LEAT_OK);
    BOOST_TEST(other.text() == python.text());
    BOOST_TEST(other.text() != "");
}

BOOST_AUTO_TEST_CASE(values_have_the_types_that_python_has_for_them) {
    transform python(R"py(
import leat
class T:
    def process(self, batch):
        row = batch.to_dicts()[0]
        for name, type in batch.schema.items():
            leat.log(f"{name} {type}: {row[name]!r}")
)py");
    leat::batch in = rows_of(R"([[1, "x", 1234567, 19000, 1, 951782399500, -1, 5]])", {{"i", leat::i8},
                                                                                       {"b", leat::binary},
                                                                                       {"c", leat::decimal(10, 3)},
                                                                                       {"d", leat::date32},
                                                                                       {"t", leat::time32_s},
                                                                                       {"z", leat::timestamp_ms("UTC")},
                                                                                       {"p", leat::duration_us},
                                                                                       {"n", leat::time64_ns}});
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(logged(python) ==
               "2 i int8: 1\n"
               "2 b binary: b'x'\n"
               "2 c decimal(10,3): Decimal('1234.567')\n"
               "2 d date: datetime.date(2022, 1, 8)\n"
               "2 t arrow:tts: datetime.time(0, 0, 1)\n"
               "2 z arrow:tsm:UTC: datetime.datetime(2000, 2, 28, 23, 59, 59, 500000, tzinfo=datetime.timezone.utc)\n"
               "2 p duration: datetime.timedelta(days=-1, seconds=86399, microseconds=999999)\n"
               "2 n arrow:ttn: 5\n");
}

// ---- No copies

BOOST_AUTO_TEST_CASE(a_memoryview_is_where_the_host_has_the_column) {
    transform python(arrow + R"py(
class T:
    def process(self, batch):
        capsules = batch.__arrow_c_array__()
        schema, array = taken(capsules)
        leat.log(f"{address(batch['id'].values)} {address(batch['name'].data)} {array.children[0].contents.buffers[1]}")
        name = batch["name"]
        leat.log(f"{batch['id'].values.tolist()} {name.offsets.tolist()} {bytes(name.data)} {list(name.validity)} "
                 f"{name.bit_offset} {name.null_count} {batch['id'].validity} {batch['id'].values.readonly}")
        return batch
)py");
    leat::batch in = rows_of();
    const auto where = [&](const char* name, int buffer) {
        return std::to_string(reinterpret_cast<std::uintptr_t>(in.column(name).buffer<char>(buffer)));
    };
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(python.failure() == "");
    BOOST_TEST(logged(python) == "2 " + where("id", 1) + " " + where("name", 2) + " " + where("id", 1) +
                                     "\n2 [1, 2, 3] [0, 3, 3, 6] b'AnnBob' [253] 0 1 None True\n");
    BOOST_TEST(python.emitted.at(0).rows.column("name").buffer<void>(2) == in.column("name").buffer<void>(2));
    in.reset();
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(memoryviews_heed_where_a_column_begins) {
    transform python(R"py(
import leat
class T:
    def process(self, batch):
        def bits(view, column):
            return [view[(column.bit_offset + i) // 8] >> (column.bit_offset + i) % 8 & 1 for i in range(len(batch))]
        n, s, b = batch["n"], batch["s"], batch["b"]
        texts = [bytes(s.data[i:j]).decode() for i, j in zip(s.offsets, s.offsets[1:])]
        leat.log(f"{n.values.tolist()} {bits(n.validity, n)} {texts} {bits(b.values, b)} {len(b.values)}")
)py");
    std::string rows = "[";
    for (int i = 0; i < 20; ++i) {
        rows += (i == 0 ? "" : ",") + std::string("[") + (i % 3 == 0 ? "null" : std::to_string(i)) + ", \"t" +
                std::to_string(i) + "\", " + (i % 2 == 0 ? "true" : "false") + "]";
    }
    leat::batch in = rows_of((rows + "]").c_str(), {{"n", leat::i16}, {"s", leat::utf8}, {"b", leat::boolean}});
    in.crop(11, 4);
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(logged(python) == "2 [11, 0, 13, 14] [1, 0, 1, 1] ['t11', 't12', 't13', 't14'] [0, 1, 0, 1] 1\n");
}

BOOST_AUTO_TEST_CASE(a_batch_lives_as_long_as_python_has_something_of_it) {
    transform python(R"py(
import leat
class T:
    kept = None
    def process(self, batch):
        if self.kept:
            leat.log(f"{self.kept[0].tolist()} {bytes(self.kept[1])} {self.kept[2].to_list()} {len(self.kept[3])}")
            self.kept = None
        else:
            self.kept = batch["id"].values, batch["name"].data, batch["name"], batch.__arrow_c_array__()
        return batch
)py");
    {
        leat::batch first = rows_of();
        BOOST_TEST(python.process(first) == LEAT_OK);
        python.emitted.clear();
    }
    leat::batch second = rows_of("[[9, null]]");
    BOOST_TEST(python.process(second) == LEAT_OK);
    BOOST_TEST(logged(python) == "2 [1, 2, 3] b'AnnBob' ['Ann', None, 'Bob'] 2\n");
    second.reset();
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(batches_in_cycles_are_given_back_with_the_instance) {
    transform python(process_of(
        "batch_and_self = [batch, self]; self.cycle = batch_and_self; batch_and_self.append(batch_and_self)"));
    {
        leat::batch in = rows_of();
        BOOST_TEST(python.process(in) == LEAT_OK);
    }
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(capsules_can_be_consumed_and_what_is_not_is_released) {
    transform python(arrow + R"py(
class T:
    def process(self, batch):
        capsules = batch.__arrow_c_array__(requested_schema=None)
        schema, array = taken(capsules)
        child = array.children[1].contents
        offsets = ctypes.cast(child.buffers[1], P(ctypes.c_int32))
        leat.log(f"{schema.format} {[schema.children[i].contents.name for i in range(schema.n_children)]} {array.length} "
                 f"{child.null_count} {[offsets[i] for i in range(4)]}")
        # Taken out and released apart from the others, by the rules of the C data interface.
        taken_child = Array.from_buffer_copy(child)
        child.release = ArrayRelease()
        taken_child.release(ctypes.byref(taken_child))
        leat.log(f"{bool(taken_child.release)} {bool(array.release)}")
        capsules = batch["id"].__arrow_c_array__()
        column = taken(capsules)
        leat.log(f"{column[0].format} {column[0].name} {column[1].length}")
        pointer(batch.__arrow_c_schema__(), b"arrow_schema")
)py");
    leat::batch in = rows_of();
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(python.failure() == "");
    BOOST_TEST(logged(python) == "2 b'+s' [b'id', b'name'] 3 1 [0, 3, 3, 6]\n2 False True\n2 b'l' b'id' 3\n");
    in.reset();
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(capsules_of_others_become_batches_without_a_copy_and_are_released_once) {
    source python(arrow + R"py(
class S:
    def read(self):
        numbers = Numbers([1, 2, 3])
        leat.log(str(ctypes.addressof(numbers.values)))
        yield numbers
        del numbers
        yield Numbers([4])
    def close(self):
        leat.log(f"alive: {Numbers.alive}")
)py");
    BOOST_TEST(python.read_all() == LEAT_END);
    BOOST_TEST(python.failure() == "");
    BOOST_TEST(python.text() == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
    BOOST_TEST(python.logs.at(0).text ==
               std::to_string(reinterpret_cast<std::uintptr_t>(python.emitted.at(0).rows.column(0).buffer<char>(1))));
    // Their release callbacks are Python code: on whatever thread, without the GIL.
    std::thread([&] { python.emitted.clear(); }).join();
    python.close();
    BOOST_TEST(python.logs.back().text == "alive: 0");
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(capsules_with_other_columns_are_refused_with_both) {
    BOOST_TEST(result_of(arrow + R"py(
class T:
    def process(self, batch):
        return Numbers([1])
)py") == "-7 code: T.process: TypeError: what process returned has the columns n: int64, where id: int64, name: text "
         "are "
         "due; "
         "schema() says what comes out");
}

BOOST_AUTO_TEST_CASE(many_batches_leave_nothing_behind) {
    transform python(
        process_of("rows = batch.to_dicts(); v = batch['id'].values; return [batch, batch.columns(), rows]"));
    for (int i = 0; i < 300; ++i) {
        leat::batch in = rows_of();
        BOOST_REQUIRE(python.process(in) == LEAT_OK);
        BOOST_REQUIRE(python.rows() == 9);
        python.emitted.clear();
    }
    BOOST_TEST(python.live_blocks() == 0U);
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(what_was_made_of_a_batch_is_kept_while_there_is_no_memory_for_it) {
    transform python(R"py(
class T:
    calls = 0
    def process(self, batch):
        self.calls += 1
        batch.reject(0, "first")
        return [{"id": self.calls, "name": "x" * 1000}]
)py");
    leat::batch in = rows_of();
    python.set_memory_limit(0);
    BOOST_TEST(python.process(in) == LEAT_ERR_RETRY);
    BOOST_TEST(python.failure() == "out of memory");
    BOOST_TEST(python.process(in) == LEAT_ERR_RETRY);
    BOOST_TEST(reasons(python) == "");
    python.set_memory_limit(UINT64_MAX);
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(python.text().substr(0, 9) == "{\"id\":1,\"");
    BOOST_TEST(reasons(python) == "0: first\n");
    BOOST_TEST(python.process(in) == LEAT_OK);
    BOOST_TEST(leat::testing::text_of(python.emitted.back().rows).substr(0, 9) == "{\"id\":2,\"");
}

// ---- What goes wrong

struct Wrong {
    const char* name;
    const char* body;
    const char* expected;
};
std::ostream& operator<<(std::ostream& out, const Wrong& one) {
    return out << one.name;
}

const std::vector<Wrong> wrong = {
    {"an exception", "int('x')", "-7 code:4: ValueError: invalid literal for int() with base 10: 'x'"},
    {"one of a library", "import json; json.loads('{')",
     "-7 code:4: json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 "
     "(char 1) "
     "(code:4 process, __init__.py:346 loads, decoder.py:337 decode, decoder.py:353 raw_decode)"},
    {"sys.exit", "import sys; sys.exit(3)",
     "-7 code:4: SystemExit: 3: a script ends by returning, and not the process"},
    {"KeyboardInterrupt", "raise KeyboardInterrupt", "-7 code:4: KeyboardInterrupt"},
    {"a cause", "raise RuntimeError('no rate') from KeyError('EUR')",
     "-7 code:4: RuntimeError: no rate; because of KeyError: 'EUR'"},
    {"DataError", "raise leat.DataError('not today')", "-2 code:4: DataError: not today"},
    {"Retry", "raise leat.Retry('busy')", "-1 code:4: Retry: busy"},
    {"ConfigError", "raise leat.ConfigError('no such account')", "-3 code:4: ConfigError: no such account"},
    {"Cancelled", "raise leat.Cancelled('enough')", "-7 code:4: Cancelled: enough: nobody has asked for a stop"},
    {"MemoryError", "raise MemoryError()", "-6 code:4: MemoryError"},
    {"no batch", "return 3",
     "-7 code: T.process: TypeError: what process returned is 3 (int): a batch, a dict of columns, a list of rows "
     "(dicts), "
     "or None is due"},
    {"no batch in a list", "return [batch, 'x']",
     "-7 code: T.process: TypeError: what process returned, number 2 is 'x' (str): a batch, a dict of columns, a "
     "list of "
     "rows (dicts), or None is due"},
    {"a column that is not there", "return {'id': [1], 'nmae': ['x']}",
     "-7 code: T.process: ValueError: what process returned: there is no column 'nmae' (str); the columns are id: "
     "int64, "
     "name: text"},
    {"a column that is missing", "return {'id': [1]}",
     "-7 code: T.process: ValueError: what process returned: column 'name' is missing"},
    {"columns of different lengths", "return {'id': [1], 'name': []}",
     "-7 code: T.process: ValueError: what process returned: column 'name' has 0 rows, and 'id' 1"},
    {"a row where columns are due", "return {'id': 1, 'name': 'x'}",
     "-7 code: T.process: TypeError: what process returned: column 'id': 1 (int) is no list, buffer or column; "
     "rows are "
     "written as a list of dicts"},
    {"a key that is no column", "return [{'id': 1}, {'idd': 2}]",
     "-7 code: T.process: ValueError: what process returned, row 1: there is no column 'idd' (str); the columns are "
     "id: "
     "int64, name: text"},
    {"a value of another type", "return [{'id': 1}, {'id': 'two'}]",
     "-2 code: T.process: DataError: what process returned, row 1: column 'id': 'two' (str) is not an int64"},
    {"a bool for a number", "return [{'id': True}]",
     "-2 code: T.process: DataError: what process returned, row 0: column 'id': True (bool) is not an int64"},
    {"a float for an integer", "return {'id': [1.0], 'name': ['x']}",
     "-2 code: T.process: DataError: what process returned: row 0: column 'id': 1.0 (float) is not an int64"},
    {"a value that is too large", "return [{'id': 2**63}]",
     "-2 code: T.process: DataError: what process returned, row 0: column 'id': 9223372036854775808 (int) does not "
     "fit an "
     "int64"},
    {"text that is no text", "return [{'name': '\\ud800'}]",
     "-2 code: T.process: DataError: what process returned, row 0: 'utf-8' codec can't encode character '\\ud800' "
     "in "
     "position 0: surrogates not allowed"},
    {"a buffer of other numbers", "import array; return {'id': array.array('d', [1]), 'name': ['x']}",
     "-7 code: T.process: TypeError: what process returned: column 'id': a buffer of format 'd' holds no l values "
     "in one "
     "row; a list does for every type"},
    {"no such column", "batch['idd']", "-7 code:4: KeyError: \"there is no column 'idd'; the columns are id, name\""},
    {"no such row to reject", "batch.reject(3, 'x')",
     "-7 code:4: IndexError: reject: there is no row 3 in a batch of 3"},
    {"text as numbers", "batch['name'].values",
     "-7 code:4: TypeError: column 'name' is of type text, whose cells are not of one width: text and binary have "
     "offsets "
     "and data, and to_list() is for every type"},
    {"writing into the batch", "batch['id'].values[0] = 1", "-7 code:4: TypeError: cannot modify read-only memory"},
};

BOOST_DATA_TEST_CASE(what_a_script_does_wrong_is_told_with_its_place, boost::unit_test::data::make(wrong), one) {
    BOOST_TEST(result_of(process_of(one.body)) == one.expected);
}

const std::vector<Wrong> unfit = {
    {"not Python", "class T\n    pass", "-3 code:1: SyntaxError: expected ':'"},
    {"an import that fails", "\nimport no_such_module",
     "-3 code:2: ModuleNotFoundError: No module named 'no_such_module'"},
    {"no class", "x = 1", "-3 code: class: no class has process()"},
    {"no method", "class T:\n    def proces(self, batch): pass", "-3 code: class: no class has process()"},
    {"two classes", "class A:\n    def process(self, b): pass\nclass B(A): pass",
     "-3 code: class: 2 classes have process(), so that class must say which it is"},
    {"a constructor that fails",
     "class T:\n    def __init__(self, config):\n        config['x']\n    def process(self, b): pass",
     "-3 code:3: KeyError: 'x'"},
    {"an open that fails",
     "class T:\n    def open(self, state):\n        open('/no/such')\n    def process(self, b): pass",
     "-3 code:3: FileNotFoundError: [Errno 2] No such file or directory: '/no/such'"},
    {"state that nobody takes back", "class T:\n    def process(self, b): pass\n    def save(self): pass",
     "-3 code: class 'T' has save() but no open(self, state), which goes on from what save() gave"},
    {"a schema that is none", "class T:\n    schema = 3\n    def process(self, b): pass",
     "-3 code: T.schema: TypeError: 3 (int) is no schema: a dict of names and types, or an object with "
     "__arrow_c_schema__, "
     "is due"},
    {"a type that is none", "class T:\n    schema = {'id': 'int65'}\n    def process(self, b): pass",
     "-3 code: T.schema: ValueError: column 'id': 'int65' is no type; the types are bool, int8 to int64, uint8 to "
     "uint64, "
     "float32, float64, decimal(p,s), text, binary, date, time, timestamp, timestamptz, duration, json"},
};

BOOST_DATA_TEST_CASE(a_script_that_is_of_no_use_is_told_with_its_place, boost::unit_test::data::make(unfit), one) {
    BOOST_TEST(result_of(one.body) == one.expected);
}

BOOST_AUTO_TEST_CASE(a_class_that_is_not_there_is_told_with_the_nearest_name) {
    instance python(component(LEAT_TRANSFORM),
                    "{\"class\": \"Claen\", \"code\": \"class Clean:\\n    def process(self, b): pass\\n\"}");
    BOOST_TEST(python.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(python.failure() == "code: class: there is no class 'Claen'; did you mean 'Clean'?");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_told) {
    instance python(component(LEAT_SOURCE), R"({"file": "no/such.py"})");
    BOOST_TEST(python.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(python.failure() == "no/such.py: file: No such file or directory");
}

BOOST_AUTO_TEST_CASE(rows_without_a_schema_are_refused) {
    BOOST_TEST(read_by("class S:\n    def read(self):\n        yield [{'n': 1}]\n") ==
               "-7 code: S.read: TypeError: what read gave: nobody has said which columns there are: the class needs "
               "schema(), as {name: type}");
}

BOOST_AUTO_TEST_CASE(several_batches_with_one_place_are_refused) {
    BOOST_TEST(read_by(read_of("{'n': 'int64'}", "yield [{'n': [1]}, {'n': [2]}][:]; yield 1")) != "");
    BOOST_TEST(
        read_by("import leat\nclass S:\n    schema = {'n': 'int64'}\n    def read(self):\n        yield ([{'n': 1}], "
                "[{'n': 2}])\n") ==
        "-7 code: S.read: TypeError: read gave a list of 2 batches: each has a place of its own, so they are "
        "yielded "
        "one by one");
}

BOOST_AUTO_TEST_CASE(a_generator_that_raises_is_not_taken_for_the_end) {
    // It has ended with the exception, and would say that there is nothing more.
    source retried(read_of("{'n': 'int64'}", "yield {'n': [1]}; raise leat.Retry('connection lost')"));
    BOOST_TEST(retried.read() == LEAT_OK);
    BOOST_TEST(retried.read() == LEAT_ERR_BROKEN);
    BOOST_TEST(retried.failure() == "code:5: Retry: connection lost");
    // A method that returns batches has lost nothing: it is called again.
    source called(read_of("{'n': 'int64'}",
                          "self.n = getattr(self, 'n', 0) + 1\n"
                          "        if self.n == 1: raise leat.Retry('busy')\n"
                          "        return {'n': [self.n]} if self.n == 2 else None"));
    BOOST_TEST(called.read() == LEAT_ERR_RETRY);
    BOOST_TEST(called.read() == LEAT_OK);
    BOOST_TEST(called.read() == LEAT_END);
    BOOST_TEST(called.text() == "{\"n\":2}\n");
    // There is nothing that could become a dead letter.
    BOOST_TEST(read_by(read_of("{'n': 'int64'}", "raise leat.DataError('x'); yield")) == "-7 code:5: DataError: x");
}

BOOST_AUTO_TEST_CASE(close_is_called_and_what_it_raises_is_logged) {
    source python(read_of("{'n': 'int64'}", "yield {'n': [1]}") + "    def close(self):\n        1 / 0\n");
    BOOST_TEST(python.read_all() == LEAT_END);
    python.close();
    BOOST_TEST(logged(python) == "3 code:7: ZeroDivisionError: division by zero\n");
}

// ---- Stopping

BOOST_AUTO_TEST_CASE(a_stop_ends_an_endless_loop) {
    transform python(process_of("\n        while True: pass"));
    leat::batch in = rows_of();
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(stopped_in(python, LEAT_STOP, [&] { return python.process(in); }) == LEAT_ERR_CANCELLED);
    BOOST_TEST((std::chrono::steady_clock::now() - began < std::chrono::seconds(20)));
    in.reset();
    BOOST_TEST(python.finish() == "");
}

BOOST_AUTO_TEST_CASE(a_stop_ends_a_loop_that_catches_exceptions) {
    // Cancelled is no Exception; one that is caught all the same comes again.
    transform python(process_of(R"py(
        caught = 0
        while caught < 2:
            try:
                while True:
                    try: pass
                    except Exception: pass
            except BaseException: caught += 1
        while True: pass)py"));
    leat::batch in = rows_of();
    BOOST_TEST(stopped_in(python, LEAT_STOP, [&] { return python.process(in); }) == LEAT_ERR_CANCELLED);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_a_source_that_waits) {
    source asleep(read_of("{'n': 'int64'}", "leat.sleep(3600); yield {'n': [1]}"));
    BOOST_TEST(stopped_in(asleep, LEAT_DRAIN, [&] { return asleep.read(); }) == LEAT_ERR_CANCELLED);
    BOOST_TEST(asleep.rows() == 0);
    source asking(read_of("{'n': 'int64'}", "\n        while not leat.stopping(): leat.sleep(0.001)"));
    BOOST_TEST(asking.open() == LEAT_OK);
    std::thread stopping([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        asking.stop(LEAT_DRAIN);
    });
    BOOST_TEST(asking.read() == LEAT_ERR_CANCELLED);
    stopping.join();
}

BOOST_AUTO_TEST_CASE(a_stop_that_comes_between_two_calls_is_heeded_by_the_next) {
    transform python(process_of("\n        while True: pass"));
    leat::batch in = rows_of();
    BOOST_TEST(python.open() == LEAT_OK);
    python.stop(LEAT_STOP);
    python.interrupt();
    BOOST_TEST(python.process(in) == LEAT_ERR_CANCELLED);
    transform quick(process_of("return batch"));
    BOOST_TEST(quick.open() == LEAT_OK);
    quick.stop(LEAT_STOP);
    BOOST_TEST(quick.process(in) == LEAT_ERR_CANCELLED);
    BOOST_TEST(quick.rows() == 0);
}

BOOST_AUTO_TEST_CASE(a_stop_among_the_values_of_a_result_is_no_fault_of_the_data) {
    transform python(R"py(
import leat
class Index:
    def __index__(self):
        raise leat.Cancelled("enough")
class T:
    def process(self, batch):
        return [{"id": Index()}]
)py");
    leat::batch in = rows_of();
    BOOST_TEST(python.process(in) == LEAT_ERR_FATAL);
    BOOST_TEST(python.failure() == "code:5: Cancelled: enough: nobody has asked for a stop");
}

// ---- One interpreter, many instances

BOOST_AUTO_TEST_CASE(instances_run_on_many_threads_and_share_nothing) {
    std::vector<std::thread> threads;
    std::array<std::string, 6> texts;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        threads.emplace_back([i, &texts] {
            source python(R"py(
COUNT = 0
class S:
    schema = {"n": "int64"}
    def __init__(self, config):
        self.base = config["base"]
    def read(self):
        global COUNT
        while COUNT < 200:
            COUNT += 1
            yield {"n": [self.base + COUNT]}
)py",
                          "{\"base\": " + std::to_string(1000 * i) + "}");
            const leat_status status = python.read_all();
            texts[i] = python.text() + (status == LEAT_END ? "" : python.failure());
            texts[i] += python.finish();
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::string expected;
        for (std::size_t n = 1; n <= 200; ++n)
            expected += "{\"n\":" + std::to_string(1000 * i + n) + "}\n";
        BOOST_TEST(texts[i] == expected);
    }
}

BOOST_AUTO_TEST_CASE(other_instances_go_on_while_one_waits) {
    // With the GIL kept in sleep, the other one would not come to its end.
    source asleep(read_of("{'n': 'int64'}", "leat.sleep(3600); yield {'n': [1]}"));
    BOOST_TEST(asleep.open() == LEAT_OK);
    leat_status status = LEAT_OK;
    std::thread thread([&] { status = asleep.read(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    BOOST_TEST(read_by(read_of("{'n': 'int64'}", "yield {'n': [1]}")) == "{\"n\":1}\n");
    asleep.stop(LEAT_STOP);
    asleep.interrupt();
    thread.join();
    BOOST_TEST(status == LEAT_ERR_CANCELLED);
}

BOOST_AUTO_TEST_CASE(extension_modules_find_python) {
    // They are not linked with libpython, and this process has it for the plugin alone.
    BOOST_TEST(
        read_by("import _ctypes, _decimal, _json, sqlite3, _multiprocessing\n" +
                read_of("{'n': 'int64'}", "yield {'n': sqlite3.connect(':memory:').execute('SELECT 7').fetchone()}")) ==
        "{\"n\":7}\n");
}

BOOST_AUTO_TEST_CASE(a_file_imports_what_lies_beside_it_and_nothing_is_written_there) {
    const Folder folder;
    folder.put("helper_of_test.py", "def double(n):\n    return 2 * n\n");
    const std::string file = folder.put("numbers.py",
                                        "from helper_of_test import double\nfrom dataclasses import dataclass\n"
                                        "@dataclass\nclass Row:\n    n: int\n"
                                        "class Numbers:\n    schema = {'n': 'int64'}\n    def read(self):\n"
                                        "        yield {'n': [double(Row(4).n)]}\n        double('x', 1)\n");
    instance python(component(LEAT_SOURCE), "{\"file\": " + in_json(file) + ", \"class\": \"Numbers\"}");
    BOOST_TEST(python.read() == LEAT_OK);
    BOOST_TEST(python.text() == "{\"n\":8}\n");
    BOOST_TEST(python.read() == LEAT_ERR_FATAL);
    BOOST_TEST(python.failure() == file + ":10: TypeError: double() takes 1 positional argument but 2 were given");
    BOOST_TEST(python.finish() == "");
    BOOST_TEST(!std::filesystem::exists(folder.path / "__pycache__"));
}

BOOST_AUTO_TEST_CASE(what_is_printed_goes_to_the_log) {
    source python(read_of("{'n': 'int64'}",
                          "import sys, logging, warnings; print('one'); print('two\\nthree', end=''); print('!')\n"
                          "        sys.stderr.write('oh\\n'); leat.log('quiet', 'debug'); print('no end', end='')\n"
                          "        yield {'n': [1]}"));
    BOOST_TEST(python.read_all() == LEAT_END);
    python.close();
    BOOST_TEST(logged(python) == "2 one\n2 two\n2 three!\n3 oh\n1 quiet\n2 no end\n");
}
