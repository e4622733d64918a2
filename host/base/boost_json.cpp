// Boost.JSON, compiled once for the whole host: Debian's Boost 1.81 ships it as headers.
#include <boost/json/src.hpp>
