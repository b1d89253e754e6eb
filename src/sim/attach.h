/*
 * The files that an agent sends, as the control API takes them:
 *
 *   {"filename","content_type"?,"cid"?,"data": base64, or "size" and "seed"? (files.h),
 *    "claims"?: {"content_type"?,"size"?}: what the message says of it instead of the truth}
 *
 * With a cid the file is inline. Owns: the texts and bytes that spec points to.
 */
#ifndef SIM_ATTACH_H
#define SIM_ATTACH_H

#include "base/json.h"
#include "sim/files.h"

struct sim_attachments {
    struct sim_file_spec *spec;
    unsigned n;
};

/* sim_attachments_read gives NULL, or a sentence on what is wrong. Always call sim_attachments_fini. */
const char *sim_attachments_read(struct sim_attachments *a, struct jval list);
void sim_attachments_fini(struct sim_attachments *a);

#endif
