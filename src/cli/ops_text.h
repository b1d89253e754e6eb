/* What the operators' API answers, as text for people: tables within 120 columns, and a message's life. Pure.
 */
#ifndef CLI_OPS_TEXT_H
#define CLI_OPS_TEXT_H

#include "base/clock.h"
#include "base/json.h"

/* ops_text_list writes the first `most` of the messages as a table. */
void ops_text_list(struct buf *out, struct jval answer, bool is_dead, unsigned most, wall_ms_t now);
/* ops_text_reasons writes how often each reason is there, the commonest first; is_all: there are no others.
 */
void ops_text_reasons(struct buf *out, struct jval answer, bool is_all);
void ops_text_show(struct buf *out, struct jval message, wall_ms_t now);

#endif
