/*
 * Bodies of calls that may bring files: JSON, or multipart/form-data whose files are named attachments,
 * attachments[] or attachments[N].
 *
 * Sources: Front, "Attachments": arrays by index, nested fields in brackets, at most 25 MB in all. Whether
 * its MB is 1000² or 1024² is nowhere said; the simulator takes the smaller.
 */
#ifndef SIM_UPLOAD_H
#define SIM_UPLOAD_H

#include "sim/api.h"

/* sim_upload_read fills c->doc (and c->form); false: the call was refused. */
bool sim_upload_read(struct sim_call *c);
/* sim_upload_attach gives the call's files to m. */
void sim_upload_attach(struct sim_call *c, struct sim_message *m);

#endif
