#include <leat/leat.h>
static void destroy(void*) {}
inline leat_component component_of() {
    leat_component c = leat_component();
    c.destroy = &destroy;
    return c;
}
