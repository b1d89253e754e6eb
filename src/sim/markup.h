/*
 * Between a message's text and its HTML, as far as a simulator needs it. Both give new C strings.
 */
#ifndef SIM_MARKUP_H
#define SIM_MARKUP_H

#include "base/buf.h"

enum { SIM_MARKUP_MAX = 16 << 20 };

char *sim_html_of_text(struct span text); /* escaped, newlines as <br> */
char *
sim_text_of_html(struct span html); /* tags dropped, <br> and the ends of blocks as newlines, entities read */

#endif
