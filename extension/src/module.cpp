#include "postgres.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "tokpay", .version = TOKPAY_VERSION);
#else
PG_MODULE_MAGIC;
#endif
}
