/* Decides which call it is and what writes its body. It refuses to know when it is made. */
#include "bridge/relay_way.h"
#include "front/history.h"

static enum err build_nothing(const struct incoming *in, struct buf *out, struct buf *why)
{
    (void)in;
    (void)why;
    buf_add_str(out, "{}");
    return OK;
}

#define WRITES "messages:write"

static const struct way ways[MESSAGE_KIND_N][2] = {
    [KIND_MESSAGE] = {[CHANNEL_CUSTOM] = {"incoming_messages", FRONT_AUTH_TOKEN,
                                          "/channels/%s/incoming_messages", OF_CHANNEL, incoming_custom,
                                          WRITES, false},
                      [CHANNEL_APPLICATION] = {"inbound_messages", FRONT_AUTH_CHANNEL,
                                               "/channels/%s/inbound_messages", OF_CHANNEL,
                                               incoming_application, NULL, false}},
    [KIND_AGENT] = {[CHANNEL_CUSTOM] = {"imported_messages", FRONT_AUTH_TOKEN,
                                        "/inboxes/%s/imported_messages", OF_INBOX, incoming_agent_custom,
                                        WRITES, true},
                    [CHANNEL_APPLICATION] = {"outbound_messages", FRONT_AUTH_CHANNEL,
                                             "/channels/%s/outbound_messages",
                                             OF_CHANNEL, incoming_agent_application, NULL, false}},
    [KIND_RECEIPT] = {[CHANNEL_CUSTOM] = {"message_seen", FRONT_AUTH_TOKEN, "/messages/%s/seen", OF_MESSAGE,
                                          build_nothing, WRITES, true},
                      [CHANNEL_APPLICATION] = {"message_seen", FRONT_AUTH_CHANNEL, "/messages/%s/seen",
                                               OF_MESSAGE, build_nothing, NULL, true}},
    [KIND_IMPORT] = {[CHANNEL_CUSTOM] = {"imported_messages", FRONT_AUTH_TOKEN,
                                         "/inboxes/%s/imported_messages", OF_INBOX, history_custom, WRITES,
                                         true},
                     [CHANNEL_APPLICATION] = {"inbound_messages", FRONT_AUTH_CHANNEL,
                                              "/channels/%s/inbound_messages", OF_CHANNEL,
                                              history_application, NULL, false}},
};

const struct way relay_history_outbound = {"outbound_messages",
                                           FRONT_AUTH_CHANNEL,
                                           "/channels/%s/outbound_messages",
                                           OF_CHANNEL,
                                           history_application,
                                           NULL,
                                           false};

const struct way relay_comment = {"comments",
                                  FRONT_AUTH_TOKEN,
                                  "/conversations/%s/comments",
                                  OF_CONVERSATION,
                                  incoming_comment,
                                  "comments:write",
                                  false};

const struct way *relay_way(enum message_kind message, enum channel_kind channel)
{
    return &ways[message][channel];
}
