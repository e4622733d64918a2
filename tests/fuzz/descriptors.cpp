// What leat_plugin_v1 may answer: structs of any size with anything in them. Each lies in memory of exactly the size
// that it declares. Pointers are NULL or good, for a plugin that lies about those ends the host in any case.
#include <deque>
#include <memory>
#include <vector>

#include "input.hpp"
#include "plugin/handshake.hpp"

namespace {

using fuzz::Input;

leat_status status(...) {
    return LEAT_OK;
}

struct Made {
    std::deque<std::unique_ptr<char[]>> all;

    /// A struct that says how large it is, mostly the truth, and is so large.
    template <class T>
    const T* sized(Input& in, T of) {
        of.struct_size = in.byte() < 200 ? sizeof(T) : in.byte() < 128 ? in.byte() : in.number<std::uint32_t>();
        const auto size = std::clamp<std::size_t>(of.struct_size, sizeof of.struct_size, 66 * 1024);
        auto& place = all.emplace_back(new char[size]);
        std::memset(place.get(), 0x41, size);
        std::memcpy(place.get(), &of, std::min(size, sizeof of));
        return reinterpret_cast<const T*>(place.get());
    }
    const char* text(Input& in) {
        if (in.byte() < 40) return nullptr;
        const auto from = in.text();
        auto& place = all.emplace_back(new char[from.size() + 1]);
        std::memcpy(place.get(), from.data(), from.size());
        place[from.size()] = 0;
        return place.get();
    }
    template <class F>
    static void entry(Input& in, F& place) {
        if (in.byte() < 200) place = reinterpret_cast<F>(reinterpret_cast<void*>(&status));
    }
};

template <class T>
const T* table(Input& in, Made& made, void (*fill)(Input&, T&)) {
    if (in.byte() < 100) return nullptr;
    T out{};
    fill(in, out);
    return made.sized(in, out);
}

const leat_component* component(Input& in, Made& made) {
    if (in.byte() > 250) return nullptr;
    leat_component c{};
    c.kind = in.byte() < 240 ? 1 + in.byte() % 5 : in.number<std::uint32_t>();
    c.flags = in.byte() < 240 ? in.number<std::uint16_t>() : in.number<std::uint64_t>();
    c.id = made.text(in);
    c.summary = made.text(in);
    c.docs = made.text(in);
    c.config_schema = made.text(in);
    c.example = made.text(in);
    Made::entry(in, c.create);
    Made::entry(in, c.destroy);
    c.runner = table<leat_runner>(in, made, [](Input& from, leat_runner& t) { Made::entry(from, t.run); });
    c.source = table<leat_source>(in, made, [](Input& from, leat_source& t) {
        Made::entry(from, t.open);
        Made::entry(from, t.read);
    });
    c.transform = table<leat_transform>(in, made, [](Input& from, leat_transform& t) { Made::entry(from, t.process); });
    c.sink = table<leat_sink>(in, made, [](Input& from, leat_sink& t) {
        Made::entry(from, t.write);
        Made::entry(from, t.recover);
        Made::entry(from, t.begin);
        Made::entry(from, t.commit);
        Made::entry(from, t.abort);
    });
    c.hooks = table<leat_hooks>(in, made, [](Input& from, leat_hooks& t) { Made::entry(from, t.pre_process); });
    return made.sized(in, c);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input in(data, size);
    Made made;
    leat_plugin plugin{};
    plugin.abi_minor = in.byte();
    plugin.requires_minor = in.byte() < 240 ? 0 : in.number<std::uint32_t>();
    std::vector<const leat_component*> components(in.below(4));
    for (auto& one : components)
        one = component(in, made);
    // More than there are would be read; that is what n_components is for.
    plugin.n_components =
        components.empty() ? in.number<std::uint32_t>() : static_cast<std::uint32_t>(components.size());
    plugin.components = components.empty() ? nullptr : components.data();
    plugin.id = made.text(in);
    plugin.version = made.text(in);
    plugin.license = made.text(in);
    plugin.vendor = made.text(in);
    plugin.url = made.text(in);
    plugin.summary = made.text(in);
    plugin.build = made.text(in);

    leat::plugin::Report report;
    const auto read = leat::plugin::read_manifest(*made.sized(in, plugin), report);
    if (!read) {
        fuzz::require(!read.error().message().empty(), "a refusal has no text");
        fuzz::require(report.count(leat::plugin::Verdict::failed) > 0, "what is refused is not in the report");
        return 0;
    }
    for (const auto& one : read.value().components) {
        // A stub is in every entry that the plugin left out.
        fuzz::require(one.entry.create && one.entry.destroy && one.source.read && one.source.open &&
                          one.transform.process && one.transform.save && one.sink.write && one.sink.recover &&
                          one.sink.abort && one.runner.run && one.hooks.post_process,
                      "an entry of an accepted component is NULL");
        fuzz::require(!one.id.empty(), "an accepted component has no id");
    }
    return 0;
}
