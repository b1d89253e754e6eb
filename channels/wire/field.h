/* Tables of fields, for those who read the wire: inbound.c, sign.c. */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "wire.h"

enum wire_field_kind {
    FIELD_ID,   /* a string or whole number of one line, kept as it is */
    FIELD_LINE, /* made one line */
    FIELD_TEXT, /* line breaks kept */
};

struct wire_field {
    const char *path;
    size_t at; /* of the const char * in struct wire_item */
    enum wire_field_kind kind;
};

#define FIELD(path, member, kind)                                                                            \
    {                                                                                                        \
        path, offsetof(struct wire_item, member), kind                                                       \
    }

/* wire_read_fields sets each string that is there and not empty; the item owns it. */
MUST_CHECK enum err wire_read_fields(struct jval v, const struct wire_field *fields, size_t n,
                                     struct wire_item *item, struct buf *why);
/* wire_read_inbound begins an item and reads what messages and signs have in common. */
MUST_CHECK enum err wire_read_inbound(struct jval v, struct wire_item *out, struct buf *why);
/* wire_refuse says why and is ERR_INVALID. */
enum err wire_refuse(struct buf *why, const char *sentence);

#endif
