// What the handshake says of descriptors. Each lies at the very end of a page that is followed by a forbidden one, so
// that a single byte read past its struct_size ends the test.
#include "plugin/handshake.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <vector>

using leat::plugin::Component;
using leat::plugin::Kind;
using leat::plugin::Manifest;
using leat::plugin::read_manifest;
using leat::plugin::Report;
using leat::plugin::Verdict;

namespace {

/// The first `size` bytes of a struct, right before memory that must not be touched.
template <class T>
class AtPageEnd {
public:
    explicit AtPageEnd(const T& value, std::size_t size = sizeof(T)) : AtPageEnd(size) {
        std::memcpy(place(), &value, std::min(size, sizeof(T)));
    }
    AtPageEnd(const AtPageEnd&) = delete;
    AtPageEnd& operator=(const AtPageEnd&) = delete;
    ~AtPageEnd() { ::munmap(pages_, 2 * page()); }
    const T& operator*() const { return *reinterpret_cast<const T*>(place()); }
    const T* get() const { return &**this; }

private:
    explicit AtPageEnd(std::size_t size) : size_((size + 7) / 8 * 8) {
        pages_ =
            static_cast<char*>(::mmap(nullptr, 2 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        BOOST_REQUIRE(pages_ != MAP_FAILED);
        std::memset(pages_, 0xab, page());
        BOOST_REQUIRE(::mprotect(pages_ + page(), page(), PROT_NONE) == 0);
    }
    static std::size_t page() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
    char* place() const { return pages_ + page() - size_; }

    char* pages_ = nullptr;
    std::size_t size_;
};

leat_status create(leat_ctx*, void**) {
    return LEAT_OK;
}
void destroy(void*) {}
leat_status run(void*, leat_ctx*, const leat_bucket_config*, const leat_bytes*) {
    return LEAT_OK;
}
leat_status open_source(void*, leat_ctx*, const leat_bytes*) {
    return LEAT_OK;
}
leat_status read(void*, leat_ctx*, const leat_bucket_config*) {
    return LEAT_END;
}
leat_status process(void*, leat_ctx*, leat_batch*) {
    return LEAT_OK;
}
leat_status write(void*, leat_ctx*, leat_batch*) {
    return LEAT_OK;
}
leat_status commit(void*, leat_ctx*, const leat_bucket*) {
    return LEAT_OK;
}

/// A plugin with one component of each kind; a test changes what it wants before it asks.
struct Descriptors {
    leat_runner runner{};
    leat_source source{};
    leat_transform transform{};
    leat_sink sink{};
    leat_hooks hooks{};
    leat_component component{};
    leat_plugin plugin{};
    std::uint32_t component_size = sizeof(leat_component);

    explicit Descriptors(std::uint32_t kind) {
        runner.struct_size = sizeof runner;
        runner.run = run;
        source.struct_size = sizeof source;
        source.read = read;
        transform.struct_size = sizeof transform;
        transform.process = process;
        sink.struct_size = sizeof sink;
        sink.write = write;
        hooks.struct_size = sizeof hooks;

        component.struct_size = sizeof component;
        component.kind = kind;
        component.id = "acme.x";
        component.summary = "Does x";
        component.create = create;
        component.destroy = destroy;
        if (kind == LEAT_RUNNER) component.runner = &runner;
        if (kind == LEAT_SOURCE || kind == LEAT_PIPELINE) component.source = &source;
        if (kind == LEAT_TRANSFORM) component.transform = &transform;
        if (kind == LEAT_SINK || kind == LEAT_PIPELINE) component.sink = &sink;

        plugin.struct_size = sizeof plugin;
        plugin.n_components = 1;
        plugin.id = "acme";
        plugin.version = "1.2.3";
        plugin.license = "Apache-2.0";
    }

    leat::Result<Manifest> handshake(Report& report) {
        // Each table that is at hand goes to the end of a page.
        const AtPageEnd guarded_runner(runner);
        const AtPageEnd guarded_source(source);
        const AtPageEnd guarded_transform(transform);
        const AtPageEnd guarded_sink(sink);
        const AtPageEnd guarded_hooks(hooks);
        leat_component moved = component;
        if (moved.runner == &runner) moved.runner = guarded_runner.get();
        if (moved.source == &source) moved.source = guarded_source.get();
        if (moved.transform == &transform) moved.transform = guarded_transform.get();
        if (moved.sink == &sink) moved.sink = guarded_sink.get();
        if (moved.hooks == &hooks) moved.hooks = guarded_hooks.get();
        const AtPageEnd guarded_component(moved, component_size);
        const std::vector<const leat_component*> all(plugin.n_components < 100 ? plugin.n_components : 1,
                                                     guarded_component.get());
        leat_plugin whole = plugin;
        if (!whole.components) whole.components = all.data();
        const AtPageEnd guarded(whole);
        return read_manifest(*guarded, report);
    }

    leat::Result<Manifest> handshake() {
        Report unread;
        return handshake(unread);
    }

    std::string refusal() {
        const auto manifest = handshake();
        return manifest ? "" : manifest.error().text();
    }

    std::vector<std::string> lines(Verdict wanted) {
        Report report;
        (void)handshake(report);
        std::vector<std::string> texts;
        for (const auto& check : report.checks()) {
            if (check.verdict == wanted) texts.push_back(check.text);
        }
        return texts;
    }

    std::string warning() {
        const auto all = lines(Verdict::warning);
        return all.size() == 1 ? all.front() : std::to_string(all.size()) + " warnings";
    }
};

/// The refusal of a plugin whose leat_plugin is only `size` bytes long and says so.
std::string refusal_of_plugin_size(std::uint32_t says, std::size_t really) {
    leat_plugin plugin = Descriptors(LEAT_SINK).plugin;
    plugin.struct_size = says;
    Report report;
    return read_manifest(*AtPageEnd(plugin, really), report).error().text();
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines)
        text += line + "\n";
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handshake)

BOOST_AUTO_TEST_CASE(copies_what_a_plugin_says_of_itself) {
    Descriptors d(LEAT_SINK);
    d.plugin.abi_minor = 3;
    d.plugin.vendor = "Acme";
    d.plugin.url = "https://acme.example";
    d.plugin.summary = "Things";
    d.plugin.build = "gcc";
    d.component.docs = "# X";
    d.component.config_schema = R"({"type": "object"})";
    d.component.example = "a: 1";
    d.component.flags = LEAT_IDEMPOTENT | (1ull << 60);
    const auto manifest = d.handshake();
    BOOST_REQUIRE(manifest);
    const Manifest& m = manifest.value();
    BOOST_TEST(m.id == "acme");
    BOOST_TEST(m.version == "1.2.3");
    BOOST_TEST(m.license == "Apache-2.0");
    BOOST_TEST(m.vendor == "Acme");
    BOOST_TEST(m.url == "https://acme.example");
    BOOST_TEST(m.summary == "Things");
    BOOST_TEST(m.build == "gcc");
    BOOST_TEST(m.abi_minor == 3u);
    BOOST_REQUIRE(m.components.size() == 1u);
    const Component& c = m.components.front();
    BOOST_TEST(c.name() == "sink \"acme.x\"");
    BOOST_TEST(c.summary == "Does x");
    BOOST_TEST(c.docs == "# X");
    BOOST_TEST(c.config_schema == R"({"type": "object"})");
    BOOST_TEST(c.takes_config);
    BOOST_TEST(c.example == "a: 1");
    BOOST_TEST(c.promises(LEAT_IDEMPOTENT));
    BOOST_TEST(c.promises(1ull << 60));
    BOOST_TEST(!c.promises(LEAT_TRANSACTIONAL));
}

BOOST_AUTO_TEST_CASE(fills_every_entry_of_every_kind) {
    for (const std::uint32_t kind : {LEAT_RUNNER, LEAT_SOURCE, LEAT_TRANSFORM, LEAT_SINK, LEAT_PIPELINE}) {
        const auto manifest = Descriptors(kind).handshake();
        BOOST_REQUIRE(manifest);
        const Component& c = manifest.value().components.front();
        // The tables are words after the first one; none may be NULL. Those of `entry` are not for use.
        const auto has_null = [](const auto& table) {
            const auto* words = reinterpret_cast<void* const*>(&table);
            for (std::size_t i = 1; i < sizeof table / sizeof(void*); ++i) {
                if (!words[i]) return true;
            }
            return false;
        };
        BOOST_TEST(!has_null(c.runner));
        BOOST_TEST(!has_null(c.source));
        BOOST_TEST(!has_null(c.transform));
        BOOST_TEST(!has_null(c.sink));
        BOOST_TEST(!has_null(c.hooks));
        BOOST_TEST((c.entry.create && c.entry.destroy && c.entry.extension));
    }
}

BOOST_AUTO_TEST_CASE(stubs_answer_as_if_there_were_nothing_to_do) {
    const auto manifest = Descriptors(LEAT_SINK).handshake();
    const Component& c = manifest.value().components.front();
    leat_bytes bytes{"x", 1};
    BOOST_TEST(c.sink.open(nullptr, nullptr) == LEAT_OK);
    BOOST_TEST(c.sink.begin(nullptr, nullptr, nullptr) == LEAT_OK);
    BOOST_TEST(c.sink.commit(nullptr, nullptr, nullptr) == LEAT_OK);
    BOOST_TEST(c.sink.recover(nullptr, nullptr, "lane", &bytes) == LEAT_OK);
    BOOST_TEST(bytes.size == 0u);
    bytes = {"x", 1};
    BOOST_TEST(c.transform.save(nullptr, nullptr, &bytes) == LEAT_OK);
    BOOST_TEST(bytes.size == 0u);
    BOOST_TEST(c.transform.flush(nullptr, nullptr, 1) == LEAT_OK);
    BOOST_TEST(c.transform.derive(nullptr, nullptr, nullptr, nullptr) == LEAT_ERR_UNSUPPORTED);
    BOOST_TEST(c.source.read(nullptr, nullptr, nullptr) == LEAT_ERR_UNSUPPORTED);
    BOOST_TEST(c.source.ack(nullptr, nullptr, nullptr) == LEAT_OK);
    BOOST_TEST(c.hooks.post_process(nullptr, nullptr, LEAT_OK) == LEAT_OK);
    BOOST_TEST(c.entry.extension(nullptr, "leat.x/1") == static_cast<const void*>(nullptr));
    c.sink.abort(nullptr, nullptr, nullptr);
    c.sink.close(nullptr, nullptr);
    c.sink.interrupt(nullptr);
}

BOOST_AUTO_TEST_CASE(tells_which_optional_entries_are_there) {
    Descriptors d(LEAT_PIPELINE);
    d.component.transform = &d.transform;
    d.component.hooks = &d.hooks;
    d.hooks.pre_process = [](void*, leat_ctx*) { return leat_status{LEAT_OK}; };
    d.sink.commit = commit;
    const auto full = d.handshake();
    const Component& c = full.value().components.front();
    BOOST_TEST(c.has_transform);
    BOOST_TEST(c.has_hooks);
    BOOST_TEST(c.has_commit);
    BOOST_TEST(!c.has_begin);
    BOOST_TEST(!c.has_ack);
    BOOST_TEST(!c.has_flush);
    const auto bare = Descriptors(LEAT_PIPELINE).handshake();
    BOOST_TEST(!bare.value().components.front().has_transform);
    BOOST_TEST(!bare.value().components.front().has_hooks);
}

BOOST_AUTO_TEST_CASE(takes_larger_structs_of_a_newer_plugin_and_reads_none_of_the_rest) {
    Descriptors d(LEAT_SINK);
    d.component.struct_size = d.component_size = sizeof(leat_component) + 16;
    BOOST_TEST(d.refusal() == "");
}

BOOST_AUTO_TEST_CASE(refuses_a_plugin_whose_struct_size_cannot_be_right) {
    const std::string rest = "; set it to sizeof(leat_plugin): 80 or more, in steps of 8";
    BOOST_TEST(refusal_of_plugin_size(0, 8) == "its leat_plugin says struct_size 0" + rest);
    BOOST_TEST(refusal_of_plugin_size(8, 8) == "its leat_plugin says struct_size 8" + rest);
    BOOST_TEST(refusal_of_plugin_size(12, 16) == "its leat_plugin says struct_size 12" + rest);
    BOOST_TEST(refusal_of_plugin_size(72, 72) == "its leat_plugin says struct_size 72" + rest);
    BOOST_TEST(refusal_of_plugin_size(81, 88) == "its leat_plugin says struct_size 81" + rest);
    BOOST_TEST(refusal_of_plugin_size(UINT32_MAX, 80) == "its leat_plugin says struct_size 4294967295" + rest);
    BOOST_TEST(refusal_of_plugin_size(UINT32_MAX - 7, 80) == "its leat_plugin says struct_size 4294967288" + rest);
}

BOOST_AUTO_TEST_CASE(refuses_a_component_or_table_whose_struct_size_cannot_be_right) {
    Descriptors small(LEAT_SINK);
    small.component.struct_size = small.component_size = 8;
    BOOST_TEST(small.refusal() ==
               "component 1 of 1 says struct_size 8; set it to sizeof(leat_component): 120 or more, in steps of 8");
    Descriptors odd(LEAT_SINK);
    odd.sink.struct_size = 13;
    BOOST_TEST(
        odd.refusal() ==
        "sink \"acme.x\": its sink table says struct_size 13; set it to sizeof(leat_sink): 72 or more, in steps of 8");
    Descriptors pipeline(LEAT_PIPELINE);
    pipeline.component.hooks = &pipeline.hooks;
    pipeline.hooks.struct_size = 0;
    BOOST_TEST(pipeline.refusal() ==
               "pipeline \"acme.x\": its hooks table says struct_size 0; set it to sizeof(leat_hooks): 24 or more, in "
               "steps of 8");
}

BOOST_AUTO_TEST_CASE(refuses_a_plugin_that_needs_a_newer_host) {
    Descriptors d(LEAT_SINK);
    d.plugin.requires_minor = LEAT_ABI_MINOR + 5;
    BOOST_TEST(d.refusal() == "needs plugin ABI 1.5; this host has 1.0: install a newer Leat");
    d.plugin.requires_minor = LEAT_ABI_MINOR;
    d.plugin.abi_minor = LEAT_ABI_MINOR + 5;
    BOOST_TEST(d.refusal() == "");
}

BOOST_AUTO_TEST_CASE(refuses_a_list_of_components_that_cannot_be_right) {
    Descriptors none(LEAT_SINK);
    none.plugin.n_components = 0;
    BOOST_TEST(none.refusal() == "n_components is 0; a plugin offers at least one component");
    Descriptors many(LEAT_SINK);
    many.plugin.n_components = UINT32_MAX;
    BOOST_TEST(many.refusal() == "n_components is 4294967295; a plugin offers at most 1024");

    leat_plugin plugin = none.plugin;
    plugin.n_components = 2;
    Report report;
    BOOST_TEST(read_manifest(plugin, report).error().text() == "components is NULL, but n_components is 2");

    Descriptors hole(LEAT_SINK);
    const leat_component* const all[] = {&hole.component, nullptr};
    hole.plugin.components = all;
    hole.plugin.n_components = 2;
    BOOST_TEST(hole.refusal() == "component 2 of 2 is NULL; set n_components to the length of components");
}

BOOST_AUTO_TEST_CASE(refuses_ids_that_are_not_lawful) {
    const std::string rule = "; use a-z, 0-9, '.' and '-', as in \"acme.orders\"";
    Descriptors d(LEAT_SINK);
    d.component.id = "Acme";
    BOOST_TEST(d.refusal() == "component 1 of 1 has the id \"Acme\" with 'A' in it" + rule);
    d.component.id = "acme x";
    BOOST_TEST(d.refusal() == "component 1 of 1 has the id \"acme x\" with ' ' in it" + rule);
    d.component.id = "";
    BOOST_TEST(d.refusal() == "component 1 of 1 has no id" + rule);
    d.component.id = nullptr;
    BOOST_TEST(d.refusal() == "component 1 of 1 has no id" + rule);
    d.component.id = "acme.x-2";
    BOOST_TEST(d.refusal() == "");
    d.plugin.id = "ac_me";
    BOOST_TEST(d.refusal() == "the plugin has the id \"ac_me\" with '_' in it" + rule);
    d.plugin.id = nullptr;
    BOOST_TEST(d.refusal() == "the plugin has no id" + rule);
}

BOOST_AUTO_TEST_CASE(refuses_a_plugin_without_version_or_license) {
    Descriptors version(LEAT_SINK);
    version.plugin.version = nullptr;
    BOOST_TEST(version.refusal() == "the plugin has no version; give one, as in \"1.0.0\"");
    Descriptors license(LEAT_SINK);
    license.plugin.license = "";
    BOOST_TEST(license.refusal() == "the plugin has no license; give an SPDX expression, as in \"Apache-2.0\"");
}

BOOST_AUTO_TEST_CASE(refuses_a_kind_that_it_does_not_know) {
    for (const std::uint32_t kind : {0u, 6u, UINT32_MAX}) {
        BOOST_TEST(Descriptors(kind).refusal() ==
                   "component \"acme.x\" is of kind " + std::to_string(kind) +
                       ", which this host does not know (it knows 1 to 5): correct it, or install a newer Leat");
    }
}

BOOST_AUTO_TEST_CASE(refuses_a_component_without_its_table) {
    const std::pair<std::uint32_t, std::string> kinds[] = {
        {LEAT_RUNNER, "runner"}, {LEAT_SOURCE, "source"}, {LEAT_TRANSFORM, "transform"}, {LEAT_SINK, "sink"}};
    for (const auto& [kind, name] : kinds) {
        Descriptors d(kind);
        d.component.runner = nullptr;
        d.component.source = nullptr;
        d.component.transform = nullptr;
        d.component.sink = nullptr;
        BOOST_TEST(d.refusal() == name + " \"acme.x\": its " + name + " table is NULL; a " + name + " needs it");
    }
    Descriptors pipeline(LEAT_PIPELINE);
    pipeline.component.sink = nullptr;
    BOOST_TEST(pipeline.refusal() == "pipeline \"acme.x\": its sink table is NULL; a pipeline needs it");
}

BOOST_AUTO_TEST_CASE(refuses_a_required_entry_that_is_null) {
    Descriptors runner(LEAT_RUNNER);
    runner.runner.run = nullptr;
    BOOST_TEST(runner.refusal() == "runner \"acme.x\": entry \"run\" is NULL; a runner needs it");
    Descriptors source(LEAT_SOURCE);
    source.source.read = nullptr;
    BOOST_TEST(source.refusal() == "source \"acme.x\": entry \"read\" is NULL; a source needs it");
    Descriptors transform(LEAT_TRANSFORM);
    transform.transform.process = nullptr;
    BOOST_TEST(transform.refusal() == "transform \"acme.x\": entry \"process\" is NULL; a transform needs it");
    Descriptors sink(LEAT_SINK);
    sink.sink.write = nullptr;
    BOOST_TEST(sink.refusal() == "sink \"acme.x\": entry \"write\" is NULL; a sink needs it");
    Descriptors no_create(LEAT_SINK);
    no_create.component.create = nullptr;
    BOOST_TEST(no_create.refusal() == "sink \"acme.x\": entry \"create\" is NULL; a sink needs it");
    Descriptors no_destroy(LEAT_SINK);
    no_destroy.component.destroy = nullptr;
    BOOST_TEST(no_destroy.refusal() == "sink \"acme.x\": entry \"destroy\" is NULL; a sink needs it");
}

BOOST_AUTO_TEST_CASE(refuses_promises_that_cannot_be_kept) {
    Descriptors sink(LEAT_SINK);
    sink.component.flags = LEAT_TRANSACTIONAL;
    sink.sink.commit = commit;
    BOOST_TEST(
        joined(sink.lines(Verdict::failed)) ==
        "sink \"acme.x\": promises TRANSACTIONAL, but its entry \"recover\" is NULL; fill it or drop the promise\n"
        "sink \"acme.x\": promises TRANSACTIONAL, but its entry \"begin\" is NULL; fill it or drop the promise\n"
        "sink \"acme.x\": promises TRANSACTIONAL, but its entry \"abort\" is NULL; fill it or drop the promise\n");
    Descriptors source(LEAT_SOURCE);
    source.component.flags = LEAT_REPLAYABLE;
    BOOST_TEST(source.refusal() ==
               "source \"acme.x\": promises REPLAYABLE, but its entry \"open\" is NULL; fill it or drop the promise");
    source.source.open = open_source;
    BOOST_TEST(source.refusal() == "");
    Descriptors wrong(LEAT_TRANSFORM);
    for (const auto& [flag, name] :
         {std::pair(LEAT_REPLAYABLE, "REPLAYABLE"), std::pair(LEAT_IDEMPOTENT, "IDEMPOTENT")}) {
        wrong.component.flags = flag;
        BOOST_TEST(wrong.refusal() == std::string("transform \"acme.x\": promises ") + name +
                                          ", which a transform cannot keep; drop the promise");
    }
    Descriptors stateless(LEAT_SINK);
    stateless.component.flags = LEAT_STATELESS;
    BOOST_TEST(stateless.refusal() ==
               "sink \"acme.x\": promises STATELESS, which a sink cannot keep; drop the promise");
}

BOOST_AUTO_TEST_CASE(refuses_a_config_schema_that_is_no_json_object) {
    Descriptors d(LEAT_SINK);
    d.component.config_schema = R"({"type": object})";
    BOOST_TEST(d.refusal() == "sink \"acme.x\": config_schema is not JSON: syntax error at byte 10; correct it");
    d.component.config_schema = R"({"type")";
    BOOST_TEST(d.refusal() == "sink \"acme.x\": config_schema is not JSON: incomplete JSON at byte 8; correct it");
    d.component.config_schema = R"({} {})";
    BOOST_TEST(d.refusal() == "sink \"acme.x\": config_schema is not JSON: extra data at byte 4; correct it");
    d.component.config_schema = "[]";
    BOOST_TEST(d.refusal() == "sink \"acme.x\": config_schema is JSON, but not an object; give a JSON Schema");
    d.component.config_schema = "";
    BOOST_TEST(d.refusal() == "sink \"acme.x\": config_schema is not JSON: incomplete JSON at byte 1; correct it");
    const std::string deep(100'000, '[');
    d.component.config_schema = deep.c_str();
    BOOST_TEST(d.refusal() == "sink \"acme.x\": config_schema is not JSON: too deep at byte 129; correct it");
}

BOOST_AUTO_TEST_CASE(refuses_the_same_component_twice_but_not_one_id_for_two_kinds) {
    Descriptors twice(LEAT_SINK);
    twice.plugin.n_components = 2;
    BOOST_TEST(twice.refusal() == "sink \"acme.x\" is there twice; give one of them another id");

    Descriptors source(LEAT_SOURCE), sink(LEAT_SINK);
    const leat_component* const both[] = {&source.component, &sink.component};
    source.plugin.components = both;
    source.plugin.n_components = 2;
    BOOST_TEST(source.refusal() == "");
}

BOOST_AUTO_TEST_CASE(warns_of_what_has_no_effect) {
    Descriptors d(LEAT_SINK);
    d.component.source = &d.source;
    BOOST_TEST(d.warning() == "sink \"acme.x\": its source table is never used, because it is a sink");
    d.component.source = nullptr;
    d.component.flags = LEAT_BLOCKING;
    BOOST_TEST(d.warning() == "sink \"acme.x\": the wish BLOCKING has no effect on a sink");
    d.component.flags = 0;
    d.component.summary = nullptr;
    BOOST_TEST(d.warning() == "sink \"acme.x\": has no summary; say in one line what it does");
    d.component.summary = "Does x";
    d.component.example = "a: 1";
    BOOST_TEST(d.warning() == "sink \"acme.x\": has an example, but no config_schema, and so takes no configuration");
    d.component.example = nullptr;
    BOOST_TEST(joined(d.lines(Verdict::warning)) == "");
}

BOOST_AUTO_TEST_CASE(warns_of_a_process_of_its_own) {
    Descriptors d(LEAT_SINK);
    d.component.flags = LEAT_OWN_PROCESS;
    BOOST_TEST(d.refusal() == "");
    BOOST_TEST(d.warning() ==
               "sink \"acme.x\": asks for a process of its own, which this host cannot give yet; it runs in the host's "
               "process, and a crash of it ends the host");
}

BOOST_AUTO_TEST_CASE(reports_every_fault_and_not_only_the_first) {
    Descriptors d(LEAT_SINK);
    d.plugin.version = nullptr;
    d.component.create = nullptr;
    d.component.config_schema = "1";
    d.sink.write = nullptr;
    BOOST_TEST(joined(d.lines(Verdict::failed)) ==
               "the plugin has no version; give one, as in \"1.0.0\"\n"
               "sink \"acme.x\": entry \"create\" is NULL; a sink needs it\n"
               "sink \"acme.x\": entry \"write\" is NULL; a sink needs it\n"
               "sink \"acme.x\": config_schema is JSON, but not an object; give a JSON Schema\n");
    BOOST_TEST(d.refusal() == "the plugin has no version; give one, as in \"1.0.0\"");
}

BOOST_AUTO_TEST_SUITE_END()
