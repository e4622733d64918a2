// Plugins of every version in a host whose structs end where a forbidden page begins: each struct that the host gives
// has the size that a release gave it, so that a plugin that reads one byte more dies.
//
// The host is leat/testing.hpp. Between it and the plugin stands a component with the same entries, which copies what
// goes through to the end of a page. Compiled against today's header, and against the next minor version: that host's
// plugins are the old ones.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <leat/testing.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

namespace {

namespace fs = std::filesystem;
using leat::testing::instance;
using leat::testing::library;

// ---- What a release had --------------------------------------------------------------------------------------

/// The size of each struct in a release, from its layout.txt.
using Sizes = std::map<std::string, std::size_t>;

std::map<std::string, Sizes> released() {
    std::map<std::string, Sizes> all;
    for (const auto& folder : fs::directory_iterator(LEAT_RELEASED)) {
        std::ifstream in(folder.path() / "layout.txt");
        Sizes& sizes = all[folder.path().filename().string()];
        for (std::string line; std::getline(in, line);) {
            std::istringstream words(line);
            std::string word, name, nature;
            std::size_t size = 0;
            if (words >> word >> name >> nature >> size && word == "struct") sizes[name] = size;
        }
        BOOST_REQUIRE_MESSAGE(sizes.count("leat_host") == 1, folder.path() << " has no table with leat_host");
    }
    BOOST_REQUIRE(!all.empty());
    return all;
}

Sizes sizes;  // of the host that is running

template <class T>
constexpr const char* name_of = nullptr;
#define NAMED(type) \
    template <>     \
    constexpr const char* name_of<type> = #type
NAMED(leat_host);
NAMED(leat_schema);
NAMED(leat_batch);
NAMED(leat_bucket);
NAMED(leat_bucket_config);
NAMED(leat_bucket_service);
NAMED(leat_items);
#undef NAMED

// ---- Structs at the end of a page ----------------------------------------------------------------------------

/// A copy of what the host made, as large as in the release; what the plugin wrote into it goes back at the end.
template <class T>
class Guarded {
public:
    explicit Guarded(T& from) : from_(from), size_(std::min(sizes.at(name_of<T>), sizeof(T))) {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        pages_ =
            static_cast<char*>(::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (pages_ == MAP_FAILED || ::mprotect(pages_ + page, page, PROT_NONE) != 0) std::abort();
        place_ = pages_ + page - size_;
        std::memcpy(place_, static_cast<const void*>(&from), size_);
        get()->struct_size = static_cast<std::uint32_t>(size_);
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() {
        if constexpr (!std::is_const_v<T>) {
            get()->struct_size = from_.struct_size;
            std::memcpy(static_cast<void*>(&from_), place_, size_);
        }
        ::munmap(pages_, 2 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
    }
    T* get() const { return reinterpret_cast<T*>(place_); }

private:
    T& from_;
    std::size_t size_;
    char* pages_;
    char* place_;
};
template <class T>
T copy_of(const T& from) {
    return from;
}
/// For tables and schemas, which outlive a call.
template <class T>
const T* guarded_for_ever(const T& from) {
    static std::map<std::pair<const T*, std::size_t>, std::unique_ptr<Guarded<T>>> all;
    static std::list<T> originals;
    auto& place = all[{&from, sizes.at(name_of<T>)}];
    if (!place) place = std::make_unique<Guarded<T>>(originals.emplace_back(from));
    return place->get();
}

// ---- The component between host and plugin ---------------------------------------------------------------------

const leat_component* real;        // what is being tried
const leat_host* testing_table;    // of testing.hpp
std::map<std::string, int> given;  // how many of each struct went through

template <class T>
const T* guarded_table(const T& table) {
    ++given[name_of<T>];
    return guarded_for_ever(table);
}

struct Items {
    leat_item_calls calls;
    void* user;
};
std::list<Items> item_users;

leat_status with_items(leat_status (*LEAT_CALL call)(void*, leat_ctx*, leat_items*), const Items& items, leat_ctx* ctx,
                       leat_items* part) {
    const Guarded guarded(*part);
    ++given["leat_items"];
    return call(items.user, ctx, guarded.get());
}
const leat_bucket_service* testing_service;

leat_status LEAT_CALL create_bucket(leat_ctx* ctx, const leat_bucket_config* limits, const leat_item_calls* calls,
                                    void* user, leat_item_bucket** out) noexcept {
    Items& items = item_users.emplace_back();
    std::memcpy(&items.calls, calls, std::min<std::size_t>(calls->struct_size, sizeof items.calls));
    items.user = user;
    leat_item_calls between = items.calls;
    between.process = [](void* self, leat_ctx* worker, leat_items* part) noexcept {
        const auto& all = *static_cast<Items*>(self);
        return with_items(all.calls.process, all, worker, part);
    };
    if (items.calls.deliver) {
        between.deliver = [](void* self, leat_ctx* worker, leat_items* whole) noexcept {
            const auto& all = *static_cast<Items*>(self);
            return with_items(all.calls.deliver, all, worker, whole);
        };
    }
    if (items.calls.relocate) {
        between.relocate = [](void* self, void* to, void* from, std::uint64_t n) noexcept {
            const auto& all = *static_cast<Items*>(self);
            all.calls.relocate(all.user, to, from, n);
        };
    }
    if (items.calls.drop) {
        between.drop = [](void* self, void* from, std::uint64_t n) noexcept {
            const auto& all = *static_cast<Items*>(self);
            all.calls.drop(all.user, from, n);
        };
    }
    return testing_service->create(ctx, limits, &between, &items, out);
}

const void* LEAT_CALL extension(leat_ctx* ctx, const char* id) noexcept {
    const void* const found = testing_table->extension(ctx, id);
    if (found == nullptr || std::string_view(id) != LEAT_BUCKET_1) return found;
    testing_service = static_cast<const leat_bucket_service*>(found);
    static leat_bucket_service between;
    between = *testing_service;
    between.create = create_bucket;
    return guarded_table(between);
}
const leat_schema* LEAT_CALL schema(leat_ctx* ctx, ArrowSchema* moved) noexcept {
    const leat_schema* const kept = testing_table->schema(ctx, moved);
    return kept == nullptr ? nullptr : guarded_table(*kept);
}

template <class T, class Body>
leat_status with(const T* from, Body&& body) {
    T original = *from;
    const Guarded<T> guarded(original);
    ++given[name_of<T>];
    return body(guarded.get());
}
template <class Body>
leat_status lend(leat_batch* lent, Body&& body) {
    const Guarded<leat_batch> guarded(*lent);
    ++given["leat_batch"];
    if (lent->schema != nullptr) guarded.get()->schema = guarded_table(*lent->schema);
    return body(guarded.get());
}

leat_status LEAT_CALL create(leat_ctx* ctx, void** self) noexcept {
    testing_table = ctx->host;
    static leat_host between;
    between = *testing_table;
    between.extension = extension;
    between.schema = schema;
    ctx->host = guarded_table(between);
    return real->create(ctx, self);
}
leat_status LEAT_CALL read(void* self, leat_ctx* ctx, const leat_bucket_config* hint) noexcept {
    return with(hint, [&](const leat_bucket_config* at) { return real->source->read(self, ctx, at); });
}
leat_status LEAT_CALL process(void* self, leat_ctx* ctx, leat_batch* lent) noexcept {
    return lend(lent, [&](leat_batch* at) { return real->transform->process(self, ctx, at); });
}
leat_status LEAT_CALL derive(void* self, leat_ctx* ctx, const leat_schema* in, const leat_schema** out) noexcept {
    return real->transform->derive(self, ctx, guarded_table(*in), out);
}
leat_status LEAT_CALL begin(void* self, leat_ctx* ctx, const leat_bucket* bucket) noexcept {
    return with(bucket, [&](const leat_bucket* at) { return real->sink->begin(self, ctx, at); });
}
leat_status LEAT_CALL write(void* self, leat_ctx* ctx, leat_batch* lent) noexcept {
    return lend(lent, [&](leat_batch* at) { return real->sink->write(self, ctx, at); });
}
leat_status LEAT_CALL commit(void* self, leat_ctx* ctx, const leat_bucket* bucket) noexcept {
    return with(bucket, [&](const leat_bucket* at) { return real->sink->commit(self, ctx, at); });
}
void LEAT_CALL abort_bucket(void* self, leat_ctx* ctx, const leat_bucket* bucket) noexcept {
    with(bucket, [&](const leat_bucket* at) { return real->sink->abort(self, ctx, at), LEAT_OK; });
}
leat_status LEAT_CALL run(void* self, leat_ctx* ctx, const leat_bucket_config* bucket, const leat_bytes* at) noexcept {
    return with(bucket, [&](const leat_bucket_config* limits) { return real->runner->run(self, ctx, limits, at); });
}

/// A plugin's struct, of whatever version, as today's.
template <class T>
T normalized(const T& theirs) {
    T ours{};
    std::memcpy(static_cast<void*>(&ours), &theirs, std::min<std::size_t>(theirs.struct_size, sizeof ours));
    ours.struct_size = sizeof ours;
    return ours;
}

class Between {
public:
    explicit Between(const leat_component& theirs) : theirs_(normalized(theirs)) {
        real = &theirs_;
        component = theirs_;
        component.create = create;
        take(component.source, theirs_.source, source_, read_source_);
        take(component.transform, theirs_.transform, transform_, read_transform_);
        take(component.sink, theirs_.sink, sink_, read_sink_);
        take(component.runner, theirs_.runner, runner_, read_runner_);
        take(component.hooks, theirs_.hooks, hooks_, read_hooks_);
        source_.read = read;
        transform_.process = process;
        if (transform_.derive) transform_.derive = derive;
        if (sink_.begin) sink_.begin = begin;
        sink_.write = write;
        if (sink_.commit) sink_.commit = commit;
        if (sink_.abort) sink_.abort = abort_bucket;
        runner_.run = run;
    }
    Between(const Between&) = delete;
    Between& operator=(const Between&) = delete;

    leat_component component{};

private:
    /// What the host calls, and what the entries above call, which is theirs as far as it goes.
    template <class T>
    static void take(const T*& for_host, const T*& for_entries, T& between, T& read) {
        if (for_host == nullptr) return;
        read = between = normalized(*for_host);
        for_host = &between;
        for_entries = &read;
    }
    leat_component theirs_;
    leat_source source_{}, read_source_{};
    leat_transform transform_{}, read_transform_{};
    leat_sink sink_{}, read_sink_{};
    leat_runner runner_{}, read_runner_{};
    leat_hooks hooks_{}, read_hooks_{};
};

/// The component of this id in a plugin of whatever version.
const leat_component& component_of(const std::string& file, const std::string& id) {
    const library loaded(file.c_str());
    const leat_plugin plugin = normalized(loaded.plugin());
    for (std::uint32_t i = 0; i < plugin.n_components; ++i) {
        if (plugin.components[i]->id == id) return *plugin.components[i];
    }
    throw std::invalid_argument(file + " has no " + id);
}

// ---- Running them ------------------------------------------------------------------------------------------------

struct Folder {
    Folder() {
        char name[] = "/tmp/leat-guard-XXXXXX";
        path = ::mkdtemp(name);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path); }
    std::string path;
};

std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string file_of(const std::string& name) {
    return std::string(LEAT_OTHER_VERSIONS) + "/" + name + "/" + name + ".so";
}

/// All components of every_kind.c, each through every entry that gets a struct.
void run_every_kind(const std::string& file, const std::string& id) {
    const Folder folder;
    given.clear();
    {
        const Between between(component_of(file, id + ".count"));
        instance count(between.component, R"({"count": 250})");
        BOOST_TEST(count.read_all() == LEAT_END, count.failure());
        BOOST_TEST(count.rows() == 250);
        BOOST_TEST(count.ack(count.emitted.back().position) == LEAT_OK);
        BOOST_TEST(count.finish() == "");
    }
    leat::testing::host h;
    leat::batch in = h.batch_of({{"n", leat::i64}}, "[[1], [2], [3]]");
    {
        const Between between(component_of(file, id + ".behead"));
        instance behead(between.component);
        BOOST_TEST(behead.process(in) == LEAT_OK, behead.failure());
        BOOST_TEST(behead.text() == "{\"n\":2}\n{\"n\":3}\n");
        const leat_schema* out = nullptr;
        BOOST_TEST(behead.derive(in.raw().schema, &out) == LEAT_OK);
        BOOST_TEST(behead.flush(true) == LEAT_OK);
        BOOST_TEST(behead.save().size() == sizeof(std::int64_t));
        BOOST_TEST(behead.finish() == "");
    }
    {
        const Between between(component_of(file, id + ".collect"));
        instance collect(between.component, R"({"path": ")" + folder.path + R"(/rows"})");
        BOOST_TEST(collect.load({&in}, 1, "", "token") == LEAT_OK, collect.failure());
        BOOST_TEST(collect.recover() == "token");
        BOOST_TEST(collect.finish() == "");
        BOOST_TEST(text_of(folder.path + "/rows") == "1\n2\n3\n");
    }
    {
        const Between between(component_of(file, id + ".items"));
        instance items(between.component, R"({"count": 100, "path": ")" + folder.path + R"(/items"})");
        BOOST_TEST(items.run(10) == LEAT_OK, items.failure());
        BOOST_TEST(items.items_delivered == 50);
        BOOST_TEST(items.finish() == "");
    }
    for (const char* name : {"leat_host", "leat_schema", "leat_batch", "leat_bucket", "leat_bucket_config",
                             "leat_bucket_service", "leat_items"}) {
        BOOST_TEST(given[name] > 0, name << " never went through");
    }
}

template <class Body>
int signal_of(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGSEGV, SIG_DFL);
        body();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

BOOST_AUTO_TEST_SUITE(page_guards)

BOOST_AUTO_TEST_CASE(a_plugin_of_any_version_reads_no_further_than_the_structs_of_each_release) {
    for (const auto& [version, of_it] : released()) {
        sizes = of_it;
        BOOST_TEST_CONTEXT("a host of " << version) {
            for (const char* name : {"today", "next", "released-1.0"}) {
                BOOST_TEST_CONTEXT("plugin " << name) {
                    run_every_kind(file_of(name), name);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(binaries_that_were_kept_read_no_further_either) {
#if defined(__x86_64__)
    for (const auto& [version, of_it] : released()) {
        sizes = of_it;
        BOOST_TEST_CONTEXT("host and plugin of " << version) {
            run_every_kind(std::string(LEAT_RELEASED) + "/" + version + "/x86_64/kept.so", "kept");
        }
    }
#endif
}

BOOST_AUTO_TEST_CASE(a_plugin_that_does_not_ask_what_the_host_has_dies_at_the_guard) {
    sizes = released().at("1.0");
    const Between between(component_of(file_of("careless"), "careless.count"));
    BOOST_TEST(signal_of([&] { instance count(between.component, R"({"count": 1})"); }) == SIGSEGV);
}

// ---- Plugins of the wrapper, whose header is that of this test ---------------------------------------------------

struct Count {
    explicit Count(leat::context& ctx) : out(ctx, {{"n", leat::i64}}) {}
    bool read(leat::context& ctx, const leat_bucket_config&) {
        out.put(0, next++).end_row();
        ctx.emit(out.finish(), std::to_string(next));
        return next < 3;
    }
    leat::builder out;
    std::int64_t next = 0;
};

struct Even {
    void process(leat::context& ctx, leat::batch& in) {
        const leat::column<std::int64_t> n(in, "n");
        leat::builder out(ctx, {{"n", leat::i64}});
        for (std::int64_t row = 0; row < n.size(); ++row) {
            if (n.valid(row) && n[row] % 2 == 0) out.put(0, n[row]).end_row();
        }
        ctx.emit(out.finish());
    }
};

struct Keep {
    void process(leat::context& ctx, leat::batch in) { ctx.emit(std::move(in)); }
    const leat_schema* derive(leat::context&, const leat_schema* in) { return in; }
};

struct Tally {
    void load(leat::context& ctx, const leat_bucket& bucket, std::vector<leat::batch>& batches) {
        std::int64_t rows = 0;
        for (const leat::batch& batch : batches)
            rows += batch.rows();
        ctx.info("bucket", {{"id", bucket.id}, {"rows", rows}});
    }
};

struct Mails {
    void extract(leat::context&, leat::output<std::string>& out) {
        for (int i = 0; i < 30; ++i)
            out.emit("user" + std::to_string(i));
    }
    std::optional<std::string> transform(const std::string& name) const {
        if (name.back() == '0') return std::nullopt;
        return name + "@example.org";
    }
    void load(leat::context&, leat::items<std::string>& mails) { sent += mails.size(); }
    std::atomic<std::size_t> sent{0};
};

BOOST_AUTO_TEST_CASE(plugins_of_the_wrapper_read_no_further_than_the_structs_of_each_release) {
    leat::testing::host h;
    leat::batch in = h.batch_of({{"n", leat::i64}}, "[[1], [2], [null], [4]]");
    for (const auto& [version, of_it] : released()) {
        sizes = of_it;
        given.clear();
        BOOST_TEST_CONTEXT("a host of " << version) {
            const leat_component the_count = leat::source<Count>({"x.count", "Counts"});
            const Between counts(the_count);
            instance count(counts.component);
            BOOST_TEST(count.read_all() == LEAT_END);
            BOOST_TEST(count.text() == "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
            BOOST_TEST(count.finish() == "");

            const leat_component the_even = leat::transform<Even>({"x.even", "Keeps even numbers"});
            const Between evens(the_even);
            instance even(evens.component);
            BOOST_TEST(even.process(in) == LEAT_OK);
            BOOST_TEST(even.text() == "{\"n\":2}\n{\"n\":4}\n");
            BOOST_TEST(even.finish() == "");

            const leat_component the_keep = leat::transform<Keep>({"x.keep", "Passes on"});
            const Between keeps(the_keep);
            instance keep(keeps.component);
            BOOST_TEST(keep.process(in) == LEAT_OK);
            BOOST_TEST(keep.rows() == 4);
            const leat_schema* out = nullptr;
            BOOST_TEST(keep.derive(in.raw().schema, &out) == LEAT_OK);
            BOOST_TEST(keep.finish() == "");

            const leat_component the_tally = leat::sink<Tally>({"x.tally", "Logs the size of every bucket"});
            const Between tallies(the_tally);
            instance tally(tallies.component);
            BOOST_TEST(tally.load({&in, &in}) == LEAT_OK);
            BOOST_TEST(tally.logs.at(0).text == "bucket id=1 rows=8");
            BOOST_TEST(tally.finish() == "");

            const leat_component the_mails = leat::pipeline<Mails>({"x.mails", "Sends mails"});
            const Between all_mails(the_mails);
            instance mails(all_mails.component);
            BOOST_TEST(mails.run(10) == LEAT_OK, mails.failure());
            BOOST_TEST(mails.items_delivered == 27);
            BOOST_TEST(mails.finish() == "");
        }
        for (const char* name : {"leat_host", "leat_schema", "leat_batch", "leat_bucket", "leat_bucket_config",
                                 "leat_bucket_service", "leat_items"}) {
            BOOST_TEST(given[name] > 0, name << " never went through");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
