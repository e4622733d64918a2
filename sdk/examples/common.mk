# common.mk: what the Makefiles of all languages share. The SDK is the one of this tree, or the one that is installed.
#   make             builds the three plugins in $(OUT)
#   make test        builds their tests, which are the same for all languages, and runs them
#   make check       leat plugin check: whether a host takes them
#   make conformance leat plugin test: every rule of leat.h
LEAT ?= leat
OUT ?= build
NAMES := lines access-log parts
HERE := $(dir $(lastword $(MAKEFILE_LIST)))
TREE := $(if $(wildcard $(HERE)../include/leat/leat.h),$(abspath $(HERE)..))
SDK := $(if $(TREE),-I$(TREE)/include,$(shell pkg-config --cflags leat))
TEMPLATES := $(if $(TREE),$(TREE)/templates,$(shell pkg-config --variable=templates leat))
PLUGIN_MAP := $(if $(TREE),$(TREE)/cmake/plugin.map,$(shell pkg-config --variable=plugin_map leat))
PLUGINS := $(NAMES:%=$(OUT)/%.so)

.PHONY: all test check conformance clean
all: $(PLUGINS)

$(OUT):
	mkdir -p $@

$(OUT)/%_test: $(HERE)test/%_test.cpp $(HERE)test/expect.hpp | $(OUT)
	$(CXX) -std=c++17 -g -Wall -Wextra -fvisibility=hidden $(SDK) $< -o $@ -ldl -pthread

test: $(PLUGINS) $(NAMES:%=$(OUT)/%_test)
	set -e; for name in $(NAMES); do $(OUT)/$${name}_test $(OUT)/$$name.so; done

check: $(PLUGINS)
	set -e; for name in $(NAMES); do $(LEAT) plugin check $(OUT)/$$name.so; done

conformance: $(PLUGINS)
	set -e; for name in $(NAMES); do $(LEAT) plugin test $(OUT)/$$name.so --input $(HERE)conformance; done

clean:
	rm -rf $(OUT)
