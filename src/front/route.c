/* Decides on the message as Front shows it. What is not said never speaks for a delivery beyond the channel's own URL. */
#include "front/route.h"
#include <string.h>

bool route_is_for(const struct callback *message, const struct route_place *place, bool is_own_url)
{
    struct jval type = json_get(message->message, "type");
    const char *wanted = place->type ? place->type : "custom";

    if (json_has(type) && !json_is(type, "custom") && !json_is(type, wanted))
        return false;
    if (!message->from_handle || !place->address)
        return is_own_url;
    return strcmp(message->from_handle, place->address) == 0;
}

wall_ms_t route_made_at(const struct callback *message)
{
    int64_t at;

    return json_millis(json_get(message->message, "created_at"), &at) == OK && at > 0 ? at : 0;
}

enum history { SENT, FAILED, SENT_AGAIN };

static enum history history_of(const struct callback *message, const struct route_telling *t)
{
    if (t->failed_at > 0 && t->emitted_at > 0)
        return t->failed_at < t->emitted_at ? SENT_AGAIN : FAILED;
    if (!json_has(json_get(message->message, "error_type")))
        return SENT;
    return t->is_sending ? SENT_AGAIN : FAILED;
}

const char *route_refusal(const struct callback *message, const struct route_telling *t, wall_ms_t now,
                          int64_t too_old_ms)
{
    wall_ms_t made_at = route_made_at(message);
    enum history history = history_of(message, t);

    if (json_bool(json_get(message->message, "is_inbound"), false))
        return "not sent: it is a customer's message";
    if (history == FAILED)
        return "not sent: Front says that sending it failed, and the agent has seen it";
    if (made_at && t->emitted_at && history == SENT && t->emitted_at - made_at > ROUTE_IMPORT_MS)
        return "not sent: it was made long before its event, so it was imported";
    if (made_at && now - made_at > too_old_ms)
        return "not sent: it is older than too_old";
    return NULL;
}
