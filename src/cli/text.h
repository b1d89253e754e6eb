/*
 * Words and figures for people at a terminal. Pure: `now` is an argument.
 *
 * What comes from outside is never printed raw: control characters and those that turn the direction of a
 * line become visible escapes, so that no message can speak to the terminal. Units: widths are characters.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "base/buf.h"
#include "base/clock.h"

/* text_add_safe appends s with \n, \x1b, \u202e and the like instead of what they stand for. */
void text_add_safe(struct buf *out, struct span s);
/* text_add_lines does the same but keeps line breaks, and begins each line with indent. */
void text_add_lines(struct buf *out, struct span s, const char *indent);
/* text_add_cell appends safe text, cut with "…" or filled with blanks to width. */
void text_add_cell(struct buf *out, struct span safe, size_t width);
size_t text_width(struct span s);
/* text_cut gives the first characters of s: at most so many, and at most so many lines. */
struct span text_cut(struct span s, size_t characters, unsigned lines);

/* text_add_age appends "3m ago", "in 2h" or "now". */
void text_add_age(struct buf *out, wall_ms_t at, wall_ms_t now);
/* text_add_duration appends "250ms", "1.2s", "3m", "2h", "4d". */
void text_add_duration(struct buf *out, int64_t ms);
/* text_read_time reads what clock_iso writes. */
MUST_CHECK enum err text_read_time(struct span iso, wall_ms_t *at);

#endif
