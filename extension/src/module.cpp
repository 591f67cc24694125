#include "postgres.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "tokpay", .version = "0.1.0");
#else
PG_MODULE_MAGIC;
#endif
}
