/* A row appears when it is first counted; rows beyond the maximum, which only absurd statuses could need, are
 * not. */
#include "front/tally.h"
#include "base/mem.h"
#include <string.h>

/* The last stands for all others. */
static const char *const names[] = {
    "incoming_messages",
    "inbound_messages",
    "outbound_messages",
    "imported_messages",
    "message_status",
    "message",
    "message_seen",
    "teammate",
    "conversation",
    "conversation_messages",
    "conversation_comments",
    "conversation_inboxes",
    "comments",
    "channel",
    "channel_status",
    "events",
    "event",
    "download",
    "me",
    "other",
};

size_t tally_name(const char *call)
{
    size_t i = 0;

    while (i < ARRAY_LEN(names) - 1 && strcmp(names[i], call) != 0)
        i++;
    return i;
}

const char *tally_name_text(size_t name)
{
    return names[name];
}

void tally_add(struct tally *t, size_t name, int status)
{
    for (size_t i = 0; i < t->row_n; i++)
        if (t->row[i].name == name && t->row[i].status == status) {
            t->row[i].n++;
            return;
        }
    if (t->row_n == TALLY_ROWS_MAX)
        return;
    t->row[t->row_n].name = name;
    t->row[t->row_n].status = status;
    t->row[t->row_n++].n = 1;
}
