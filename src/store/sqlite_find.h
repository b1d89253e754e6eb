/* Which way of finding messages costs least; shared by lists and operators' verbs. */
#ifndef STORE_SQLITE_FIND_H
#define STORE_SQLITE_FIND_H

#include "store/sqlite.h"

struct store_filter;

/* In the order of SQL_LIST_ID… and SQL_PICK_ID… */
enum find_by { FIND_ID, FIND_SCAN, FIND_ASIDE, FIND_OPEN, FIND_CHANNEL };

/* find_by chooses for filter f and the states asked for. */
enum find_by find_by(const struct sqlite *q, const struct store_filter *f, uint32_t states);
/* find_bind prepares statement first + by, and binds all but its 7th parameter. */
sqlite3_stmt *find_bind(struct sqlite *q, struct conn *c, enum sql first, const struct store_filter *f,
                        uint32_t states, int64_t from_id, unsigned max);

#endif
