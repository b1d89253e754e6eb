/*
 * Phone numbers as handles: one spelling for a number, E.164, so that a customer is one person whichever way the two sides
 * write it. Pure; fuzzed.
 */
#ifndef FRONT_PHONE_H
#define FRONT_PHONE_H

#include "base/buf.h"
#include "base/err.h"

enum { PHONE_DIGITS_MIN = 7, PHONE_DIGITS_MAX = 15 };

/* What is wrong with a number that phone_write refuses, and what to do: goes behind the name of a field, or "The number". */
#define PHONE_REFUSAL "is not a phone number with its country code, such as +49 30 1234567"

/*
 * phone_write appends + and digits: 00 stands for +, and spaces, dashes, dots, slashes and brackets are left out; so is the
 * (0) of a national form. ERR_INVALID: anything else, such as a number without its country: none is ever guessed.
 */
MUST_CHECK enum err phone_write(struct span handle, struct buf *out);
/* phone_spelling gives handle in that one spelling, written anew to number, if handles are phones and it is one; else as it
 * is. */
struct span phone_spelling(bool are_phones, struct span handle, struct buf *number);

#endif
