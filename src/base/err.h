/*
 * What can go wrong, in one small enum.
 *
 * Bad input is a value and one sentence; the outside world is an outcome; a failing store refuses work;
 * what is impossible ends the process with a sentence (must), since a restart loses nothing.
 * Functions that return enum err leave their outputs untouched on error.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

enum err {
    OK = 0,
    ERR_INVALID,   /* the input breaks a rule */
    ERR_LIMIT,     /* larger than a named limit */
    ERR_NOT_FOUND, /* no such thing */
    ERR_CONFLICT,  /* not in this state, or there already */
    ERR_FULL,      /* no room now: try again later */
    ERR_DENIED,    /* not allowed */
    ERR_IO,        /* a file, socket or database failed */
    ERR_CANCELLED, /* taken back before it was done */
};

/* must ends the process with a sentence when the impossible happens; it is never compiled out. */
#define must(cond)                                                                                           \
    do {                                                                                                     \
        if (__builtin_expect(!(cond), 0))                                                                    \
            must_failed(#cond, __FILE__, __LINE__);                                                          \
    } while (0)
_Noreturn void must_failed(const char *cond, const char *file, int line);

/* never says why this line cannot be reached. */
#define never(why) must_failed(why, __FILE__, __LINE__)

#endif
