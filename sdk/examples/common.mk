# common.mk: what the Makefiles of all languages share. The SDK is that of this tree, or the one that is installed.
#
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
# What is built again when the SDK has changed.
HEADERS := $(wildcard $(patsubst -I%,%/leat/leat.h*,$(SDK)))
PLUGINS := $(NAMES:%=$(OUT)/%.so)
TESTS := $(NAMES:%=test-%)
CHECKS := $(NAMES:%=check-%)
CONFORMANCE := $(NAMES:%=conformance-%)

.PHONY: all test check conformance clean $(TESTS) $(CHECKS) $(CONFORMANCE)
all: $(PLUGINS)
test: $(TESTS)
check: $(CHECKS)
conformance: $(CONFORMANCE)

$(PLUGINS): $(HEADERS) | $(OUT)
$(OUT):
	mkdir -p $@

$(OUT)/%_test: $(HERE)test/%_test.cpp $(HERE)test/expect.hpp $(HEADERS) | $(OUT)
	$(CXX) -std=c++17 -g -Wall -Wextra -fvisibility=hidden $(SDK) $< -o $@ -ldl -pthread

$(TESTS): test-%: $(OUT)/%.so $(OUT)/%_test
	$(OUT)/$*_test $(OUT)/$*.so
$(CHECKS): check-%: $(OUT)/%.so
	$(LEAT) plugin check $<
$(CONFORMANCE): conformance-%: $(OUT)/%.so
	$(LEAT) plugin test $< --input $(HERE)conformance

clean:
	rm -rf $(OUT)
