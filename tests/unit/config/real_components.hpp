// The components of the plugins that were built, as the host would find them.
#pragma once

#include <dlfcn.h>
#include <leat/leat.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

namespace leat::config::testing {

/// Libraries stay open: what is returned lies in them.
inline std::vector<const leat_component*> real_components() {
    std::vector<const leat_component*> out;
    for (const auto* plugin : {LEAT_REAL_PLUGINS}) {
        const auto file = LEAT_PLUGINS "/" + std::string(plugin) + LEAT_LIBRARY_ENDING;
        void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        BOOST_TEST_REQUIRE(library != nullptr, ::dlerror());
        const auto entry = reinterpret_cast<decltype(&leat_plugin_v1)>(::dlsym(library, "leat_plugin_v1"));
        BOOST_TEST_REQUIRE(entry != nullptr, file);
        const leat_plugin* const described = entry();
        for (std::uint32_t i = 0; i < described->n_components; ++i)
            out.push_back(described->components[i]);
    }
    return out;
}

inline const char* schema_of(const std::string& id, std::uint32_t kind) {
    for (const auto* component : real_components()) {
        if (component->id == id && component->kind == kind) return component->config_schema;
    }
    BOOST_FAIL("no such component: " + id);
    return "";
}

inline const char* source(const std::string& id) {
    return schema_of(id, LEAT_SOURCE);
}

inline const char* sink(const std::string& id) {
    return schema_of(id, LEAT_SINK);
}

}  // namespace leat::config::testing
